"""Scalable targets have tags."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator.scaling_tags import ScalingTags
from localcloud.tests.unit.gateway_harness import Served, served


@pytest.fixture
def cloud() -> Iterator[Served]:
    with served() as found:
        found.gateway.add(ScalingTags(found.gateway.emulator))
        yield found


TARGET = {
    "ServiceNamespace": "dynamodb",
    "ResourceId": "table/tags",
    "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
}
"""Of a service whose resources the emulator does not look for."""


def test_tags_come_and_go(cloud: Served) -> None:
    scaling = cloud.client("application-autoscaling")
    tags = {"team": "shop", "stack": "dev"}
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=2, Tags=tags)
    arn = scaling.describe_scalable_targets(
        ServiceNamespace=TARGET["ServiceNamespace"], ResourceIds=[TARGET["ResourceId"]]
    )["ScalableTargets"][0]["ScalableTargetARN"]
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == tags
    scaling.tag_resource(ResourceARN=arn, Tags={"team": "cart"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["stack"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "cart"}
    scaling.register_scalable_target(**TARGET, MaxCapacity=3)
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "cart"}
    with pytest.raises(ClientError, match="TooManyTagsException"):
        scaling.tag_resource(ResourceARN=arn, Tags={f"t{n}": "x" for n in range(50)})
    scaling.deregister_scalable_target(**TARGET)
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        scaling.list_tags_for_resource(ResourceARN=arn)
