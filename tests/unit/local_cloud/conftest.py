"""The local cloud's provider, as its own tests start it."""

from __future__ import annotations

from localcloud.tests.unit.providers.aws import conftest as provider

cloud, running, engine = provider.cloud, provider.running, provider.engine
