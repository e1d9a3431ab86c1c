"""The vendor's provider: the pipeline."""

from __future__ import annotations

from collections.abc import Mapping

from localcloud.tests.unit.providers.aws.cases import World
from localcloud.tests.unit.providers.aws.engine import Held
from localcloud.tests.unit.providers.aws.vendor.entry import ByHand, Vendor

VENDOR: Mapping[str, Vendor] = {
    "aws:codepipeline/pipeline:Pipeline": Vendor(
        "codepipeline/codepipeline.go",
        reads=frozenset({"GetPipeline", "ListTagsForResource"}),
        waits="repeats a create while its role is not known yet",
    ),
}


def _renamed(world: World, held: Held) -> None:
    pipeline = world.client("codepipeline").get_pipeline(name=held.id)["pipeline"]
    pipeline["stages"][0]["name"] = "ByHand"
    world.client("codepipeline").update_pipeline(pipeline=pipeline)


BY_HAND: Mapping[str, ByHand] = {
    "a pipeline's stage": ByHand("aws:codepipeline/pipeline:Pipeline", _renamed, "stages"),
}
