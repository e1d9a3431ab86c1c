"""`addons.py`: the user's own resources, and what they give the application."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pulumi
import pytest

from infra import addons
from infra.addons import Addons, AddonsError, Egress, Grant
from tests.unit.infra.looks import default
from tests.unit.infra.recorder import Recording, record, start_tasks

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
WORKER = {"worker": {"command": ["work"], "max_count": 3, "messages_per_task": 10}}


@pytest.fixture
def with_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs the program with this text, or this example, as `addons.py`."""

    def run(source: str | Path, **config: str) -> Recording:
        file = source if isinstance(source, Path) else tmp_path / "addons.py"
        if isinstance(source, str):
            file.write_text(f"from infra.addons import Addons, Egress, Grant\n{source}")
        monkeypatch.setattr(addons, "FILE", file)
        return record(config)

    return run


def granted(recording: Recording) -> dict[str, Any]:
    (policy,) = (row for row in recording.of("RolePolicy") if row.name.startswith("roles-addons-"))
    (statement,) = json.loads(policy.inputs["policy"])["Statement"]
    return dict(statement)


def variables(recording: Recording) -> dict[str, str]:
    return {row["name"]: row["value"] for row in recording.container["environment"]}


def test_the_bucket(with_file: Any) -> None:
    made = with_file(EXAMPLES / "addons_bucket.py")
    name = made.one("Bucket").inputs["bucket"]
    assert variables(made)["UPLOADS_BUCKET"] == name
    assert granted(made)["Action"] == ["s3:GetObject", "s3:PutObject"]
    assert granted(made)["Resource"] == [f"arn:aws:s3:::{name}/*"]
    assert made.one("Bucket").inputs["forceDestroy"] is True
    kept = with_file(EXAMPLES / "addons_bucket.py", protect="true").one("Bucket")
    assert (kept.options["protect"], kept.inputs["forceDestroy"]) == (True, False)


def test_the_table(with_file: Any) -> None:
    made = with_file(EXAMPLES / "addons_table.py")
    assert variables(made)["ORDERS_TABLE"] == "fargate-cd-dev-orders"
    assert granted(made)["Action"] == ["dynamodb:GetItem", "dynamodb:PutItem"]


def test_the_queue_scales_its_process(with_file: Any) -> None:
    made = with_file(EXAMPLES / "addons_queue.py", processes=json.dumps(WORKER))
    assert granted(made)["Action"] == ["sqs:SendMessage"]
    reading = [row for row in made.of("RolePolicy") if "read-queue-worker" in row.name]
    assert "sqs:ReceiveMessage" in reading[0].inputs["policy"]
    assert [row for row in made.of("Policy") if row.name == "process-worker-messages"]


def test_the_database(with_file: Any) -> None:
    made = with_file(EXAMPLES / "addons_postgresql.py")
    told = {row["name"]: row["valueFrom"] for row in made.container["secrets"]}
    assert told["DATABASE_PASSWORD"].endswith(":password::")
    secret = told["DATABASE_PASSWORD"].removesuffix(":password::")
    assert secret in start_tasks(made).inputs["policy"]
    rule = made.one("SecurityGroupEgressRule", "addons-to-5432-1")
    assert (rule.inputs["fromPort"], rule.inputs["toPort"]) == (5432, 5432)
    (service,) = (row for row in made.of("Service") if row.token.startswith("aws:ecs"))
    assert any("addons-to-5432" in urn for urn in service.depends_on)
    assert any("rds/instance" in urn for urn in service.depends_on)


def test_every_example_is_tested() -> None:
    assert sorted(file.stem.removeprefix("addons_") for file in EXAMPLES.glob("addons_*.py")) == [
        "bucket",
        "postgresql",
        "queue",
        "table",
    ]


def test_without_the_file_there_is_nothing_of_it() -> None:
    assert not addons.FILE.exists(), "this project ships none"
    assert not [row for row in default().resources if "addons" in row.name]


WRONG = {
    "no function": ("x = 1", "must define `def addons"),
    "no Addons": ("def addons(place): return {}", "must return Addons, not dict"),
    "a wildcard": (
        "def addons(place): return Addons(permissions=[Grant(['s3:*'], ['arn:aws:s3:::a/*'])])",
        "'s3:\\*' is a wildcard",
    ),
    "no resource": ("def addons(place): return Addons(permissions=[Grant(['s3:Get'], [])])", "one"),
    "a variable of the program": (
        "def addons(place): return Addons(variables={'PORT': '1'})",
        "set by the program",
    ),
    "a secret in the open": (
        "def addons(place): return Addons(variables={'DB_PASSWORD': 'x'})",
        "looks like a secret",
    ),
    "no ARN": ("def addons(place): return Addons(secrets={'A': 'x'})", "must be the ARN"),
    "both": (
        "def addons(place):\n  arn = 'arn:aws:ssm:a-b-1:123456789012:parameter/a'\n"
        "  return Addons(variables={'A': 'x'}, secrets={'A': arn})",
        "not both",
    ),
    "a name of the settings": (
        "def addons(place): return Addons(variables={'COLOUR': 'x'})",
        "stands in the stack's settings",
    ),
    "a process that is not": (
        "def addons(place): return Addons(queues={'nobody': 'arn'})",
        "no such process in the settings \\(none\\)",
    ),
    "a port": (
        "def addons(place): return Addons(egress=[Egress(0, 'sg-1')])",
        "must be a port",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named(with_file: Any, name: str) -> None:
    source, words = WRONG[name]
    with pytest.raises(AddonsError, match=rf"addons\.py: .*{words}"):
        with_file(source, environment='{"COLOUR": "red"}')


def test_a_resource_is_checked_once_it_is_known(with_file: Any) -> None:
    source = (
        "import pulumi\ndef addons(place):\n"
        "  return Addons(permissions=[Grant(['s3:GetObject'], [pulumi.Output.from_input('*')])])"
    )
    with pytest.raises(AddonsError, match="is every resource"):
        with_file(source)


def test_insisting_takes_a_reason() -> None:
    assert Grant(["s3:*"], ["arn:aws:s3:::a"], accept_risk="a tool of ours").actions == ["s3:*"]
    with pytest.raises(AddonsError):
        Grant(["s3:*"], ["arn:aws:s3:::a"], accept_risk=" ")


def test_the_default_is_nothing() -> None:
    assert Addons() == Addons({}, {}, (), (), {}, ())
    assert Egress(5432, pulumi.Output.from_input("sg-1")).port == 5432
