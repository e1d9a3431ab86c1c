"""The lives that `test_lifecycle` plays: every row of the table has one at least."""

from __future__ import annotations

from localcloud.tests.unit.providers.aws.cases import Case
from localcloud.tests.unit.providers.aws.lives.balancing import BALANCING
from localcloud.tests.unit.providers.aws.lives.containers import CONTAINERS
from localcloud.tests.unit.providers.aws.lives.delivery import DELIVERY
from localcloud.tests.unit.providers.aws.lives.network import NETWORK
from localcloud.tests.unit.providers.aws.lives.security import SECURITY
from localcloud.tests.unit.providers.aws.lives.storage import STORAGE
from localcloud.tests.unit.providers.aws.lives.watching import WATCHING

LIVES: tuple[Case, ...] = (
    *NETWORK,
    *BALANCING,
    *CONTAINERS,
    *WATCHING,
    *SECURITY,
    *STORAGE,
    *DELIVERY,
)

# What the emulator has no answer to; the services of our own that answer it have their own tests.
# Their rows are tested against the models, and against those services in `tests/containers`.
WITHOUT_EMULATOR = {
    "aws:acm/certificateValidation:CertificateValidation": (
        "it needs a record that another resource makes"
    ),
    "aws:codepipeline/webhook:Webhook": "moto has no webhooks",
    "aws:codestarconnections/connection:Connection": "moto has no connections",
    "aws:codeconnections/connection:Connection": "moto has no connections",
}
