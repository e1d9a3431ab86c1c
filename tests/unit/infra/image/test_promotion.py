"""Promotion: another stack's image by digest, in the same account or another one."""

from __future__ import annotations

import json

import pytest

from infra.account import Account
from infra.image.image import Release
from infra.image.pull_permissions import repository_arns
from infra.settings.model import Settings, SettingsError
from tests.unit.infra.image.running_service import REPOSITORY, answers
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import ACCOUNT, REGION, Recording, record, start_tasks

DIGEST = f"sha256:{'a' * 64}"
OTHER = "210987654321"
HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
OWN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/fargate-cd-prod"
WHERE = Account("aws", ACCOUNT, REGION, "amazonaws.com")


@pytest.mark.parametrize(
    ("image", "other"),
    [
        (None, None),
        (f"{HOST}/fargate-cd-prod@{DIGEST}", None),
        (
            f"{HOST}/fargate-cd-dev@{DIGEST}",
            f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/fargate-cd-dev",
        ),
        (f"{HOST}/team/app:1", f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository/team/app"),
        (
            f"{OTHER}.dkr.ecr.us-east-1.amazonaws.com/fargate-cd-dev@{DIGEST}",
            f"arn:aws:ecr:us-east-1:{OTHER}:repository/fargate-cd-dev",
        ),
        ("registry.example.com/app:1", None),
        ("nginx:1", None),
    ],
)
def test_tasks_pull_from_the_images_repository(image: str | None, other: str | None) -> None:
    found = repository_arns(image, f"{HOST}/fargate-cd-prod", OWN, WHERE)
    assert found == [OWN, *([other] if other else [])]


def test_a_local_registry_is_one_account() -> None:
    own = f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/p"
    found = repository_arns(f"localhost:5000/d@{DIGEST}", "localhost:5000/p", own, WHERE)
    assert found[1] == f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/d"


def test_a_promoted_image_is_deployed_by_digest_and_not_built() -> None:
    image = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-dev@{DIGEST}"
    recording = record(stack="prod", release=Release(image=image))
    assert recording.of("Image") == []
    assert recording.container["image"] == image
    assert recording.outputs["image_uri"] == image
    policy = json.loads(start_tasks(recording).inputs["policy"])
    (pull,) = [each for each in policy["Statement"] if each["Sid"] == "Pull"]
    assert f"arn:aws:ecr:{REGION}:{OTHER}:repository/fargate-cd-dev" in pull["Resource"]


class Copies:
    """Finds every image, and remembers which ones it was to copy."""

    def __init__(self, digest: str | None) -> None:
        self.found, self.copied = digest, list[str]()

    def digest(self, image: str) -> str | None:
        return None if "registry.example" in image else self.found

    def copy(self, image: str) -> None:
        self.copied.append(image)


PROMOTED = f"{OTHER}.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-dev:1"


def pulled(recording: Recording) -> list[str]:
    policy = json.loads(start_tasks(recording).inputs["policy"])
    (pull,) = [each for each in policy["Statement"] if each["Sid"] == "Pull"]
    return list(pull["Resource"])


def test_a_promoted_image_runs_from_the_stacks_own_repository() -> None:
    copies = Copies(DIGEST)
    recording = record(stack="prod", release=Release(image=PROMOTED, promotion=copies))
    assert copies.copied == [PROMOTED]
    assert recording.container["image"] == f"{HOST}/fargate-cd-prod@{DIGEST}"
    assert recording.outputs["image_uri"] == f"{HOST}/fargate-cd-prod@{DIGEST}"
    assert pulled(recording) == [OWN]


def test_a_preview_copies_nothing() -> None:
    copies = Copies(DIGEST)
    release = Release(image=PROMOTED, promotion=copies)
    recording = record(stack="prod", release=release, preview=True)
    assert copies.copied == []
    assert recording.of("Image") == []


@pytest.mark.parametrize(("image", "digest"), [(PROMOTED, None), ("registry.example/a:1", DIGEST)])
def test_what_can_not_be_copied_is_deployed_from_where_it_is(
    image: str, digest: str | None
) -> None:
    copies = Copies(digest)
    recording = record(stack="prod", release=Release(image=image, promotion=copies))
    assert copies.copied == []
    assert recording.container["image"] == image


@pytest.mark.parametrize("wrong", ["fargate-cd-dev", "host/name:1", "https://host/name", "h/A"])
def test_a_repository_is_named_as_the_outputs_name_it(wrong: str) -> None:
    with pytest.raises(SettingsError, match="promotes_from"):
        Settings.parse({"promotes_from": wrong})


def test_another_account_may_pull_and_nothing_else() -> None:
    recording = record({"pull_accounts": json.dumps([OTHER])})
    (statement,) = json.loads(recording.one("RepositoryPolicy").inputs["policy"])["Statement"]
    assert statement["Principal"] == {"AWS": [f"arn:aws:iam::{OTHER}:root"]}
    assert set(statement["Action"]) == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    }
    assert default().of("RepositoryPolicy") == []


@pytest.mark.parametrize("wrong", [["1"], ["*"], ["arn:aws:iam::210987654321:root"]])
def test_an_account_is_twelve_digits(wrong: list[str]) -> None:
    with pytest.raises(SettingsError, match="pull_accounts"):
        Settings.parse({"pull_accounts": wrong})


def test_an_update_keeps_what_was_promoted() -> None:
    image = f"{REPOSITORY}@{DIGEST}"
    recording = record({"promotion": "true"}, answers=answers(image))
    assert recording.of("Image") == []
    assert recording.container["image"] == image


def test_without_a_promoted_image_nothing_is_made() -> None:
    with pytest.raises(SettingsError, match="nothing was promoted"):
        record({"promotion": "true"})
    built = record({"promotion": "true"}, release=Release(build=True))
    assert len(built.of("Image")) == 1
