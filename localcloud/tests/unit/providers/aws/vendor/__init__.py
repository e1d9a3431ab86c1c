"""What the vendor's provider does with the resource types whose rows are held against it.

Read in https://github.com/hashicorp/terraform-provider-aws (which pulumi-aws wraps), below
`internal/service`; the names are Pulumi's.
"""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.vendor import (
    balancing,
    containers,
    delivery,
    firewall,
    jobs,
    network,
    security,
    storage,
    topics,
    watching,
)
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

_PARTS = (
    *(balancing, containers, delivery, firewall, jobs),
    *(network, security, storage, topics, watching),
)
VENDOR: Mapping[str, Vendor] = {token: row for part in _PARTS for token, row in part.VENDOR.items()}
BY_HAND: Mapping[str, ByHand] = {
    change: row for part in _PARTS for change, row in part.BY_HAND.items()
}
"""What was changed by plain calls → the change and what a preview tells of it."""
