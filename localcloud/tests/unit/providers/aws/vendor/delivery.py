"""The vendor's provider: the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

VENDOR: Mapping[str, Vendor] = {
    "aws:codepipeline/pipeline:Pipeline": Vendor(
        "codepipeline/codepipeline.go",
        reads=frozenset({"GetPipeline", "ListTagsForResource"}),
        waits="repeats a create while its role is not known yet",
    ),
}

BY_HAND: Mapping[str, ByHand] = {}
