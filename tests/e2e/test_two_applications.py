"""Two applications in one account, each with a stack of the same name."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.checkout import Checkout, copy_tree


@dataclass(frozen=True)
class Beside(Checkout):
    """A checkout that works on the local cloud of another one."""

    cloud: Path

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"FARGATE_CD_STATE_DIR": str(self.cloud)}


@pytest.fixture(scope="module")
def shop(checkout: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Beside]:
    """A copy of the tree with another name in `Pulumi.yaml`, and nothing else changed."""
    root = tmp_path_factory.mktemp("shop")
    copy_tree(root)
    declared = root / "Pulumi.yaml"
    declared.write_text(declared.read_text().replace("name: fargate-cd", "name: shop", 1))
    copy = Beside(root, checkout.state_dir)
    yield copy
    copy.run("destroy", "--stack", "local", "--yes")


def answers(url: str) -> int:
    with urllib.request.urlopen(url, timeout=60) as answer:
        return int(answer.status)


def test_stacks_of_the_same_name_live_side_by_side(checkout: Checkout, shop: Beside) -> None:
    first = checkout.json("up", "--stack", "local", "--yes")["outputs"]
    with (shop.root / "Pulumi.local.yaml").open("a") as file:
        file.write("  shop:environment: {APPLICATION: shop}\n")
    second = shop.json("up", "--stack", "local", "--yes")
    assert second["result"] == "succeeded"
    names = {name for name in first if second["outputs"][name] == first[name]}
    assert names <= {"traffic", "built_tag"}, "they share nothing but their content"
    assert second["outputs"]["service_name"] == "shop-local"
    assert answers(first["service_url"]) == answers(second["outputs"]["service_url"]) == 200

    ecs = checkout.client("ecs")
    definition = ecs.describe_task_definition(taskDefinition="shop-local")["taskDefinition"]
    [container] = definition["containerDefinitions"]
    assert {"name": "APPLICATION", "value": "shop"} in container["environment"]

    checkout.json("preview", "--stack", "local", "--expect-no-changes")
    gone = shop.json("destroy", "--stack", "local", "--yes")
    assert (gone["result"], gone["leftovers"]) == ("succeeded", [])
    assert answers(first["service_url"]) == 200
