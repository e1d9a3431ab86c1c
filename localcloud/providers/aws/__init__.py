"""The local cloud's resource provider for Pulumi's package `aws`: a table of rows over boto3."""

from __future__ import annotations

from localcloud.providers.aws.provider import AwsProvider
from localcloud.shared.service import Surroundings

__all__ = ["servicer"]


def servicer(surroundings: Surroundings) -> AwsProvider:
    """The gRPC servicer of the package `aws`, against the gateway of these surroundings."""
    return AwsProvider(surroundings)
