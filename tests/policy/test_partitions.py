"""No partition and no DNS suffix is written into the program: both are the provider's to say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.account import Account
from infra.delivery.pipeline import page_url
from tests.policy.documents import documents
from tests.unit.infra.recorder import Recording, record

INFRA = Path(__file__).parents[2] / "infra"
LITERALS = re.compile(r"arn:aws:|amazonaws\.com|com\.amazonaws|console\.aws\.amazon\.com")
ALLOWED = {"infra/account.py"}
"""The one place that knows what principals and consoles are called."""

CHINA = Account("aws-cn", "123456789012", "cn-north-1", "amazonaws.com.cn")


def code_lines(path: Path) -> Iterator[str]:
    """The lines of a module that are neither addresses of documents nor examples in messages."""
    text = re.sub(r'"""(?s:.*?)"""', "", path.read_text())
    return (
        line for line in text.splitlines() if "https://docs" not in line and "such as" not in line
    )


@pytest.mark.parametrize("path", sorted(INFRA.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_names_a_partition(path: Path) -> None:
    if str(path.relative_to(INFRA.parent)) in ALLOWED:
        return
    assert [line for line in code_lines(path) if LITERALS.search(line)] == []


def of_china() -> Recording:
    """A stack in China, under all that names services."""
    settings = {
        "customer_managed_key": "true",
        "egress": "endpoints",
        "flow_logs": "true",
        "github_owner": "octo",
        "github_repository": "shop",
        "github_token": "word",
        "github_actions": "true",
        "notify_emails": '["a@example.org"]',
        "access_logs": "true",
        "strategy": "canary",
        "state_bucket": "team",
    }
    partition = {"partition": CHINA.partition, "dnsSuffix": CHINA.domain}
    return record(
        settings,
        answers={
            "aws:index/getPartition:getPartition": lambda _: partition,
            "aws:index/getRegion:getRegion": lambda _: {"region": "cn-north-1"},
        },
    )


def test_a_stack_in_china_names_its_own_partition() -> None:
    recording = of_china()
    program_s = [each.text for each in documents(recording)]
    # The recorder's own ARNs of resources are of the commercial partition.
    strange = [
        arn
        for text in program_s
        for arn in re.findall(r'"(arn:aws:[^"]*)"', text)
        if ":cn-north-1:" in arn
    ]
    assert strange == []
    key = recording.one("Key").inputs["policy"]
    assert "logs.cn-north-1.amazonaws.com.cn" in key
    names = {each.inputs["serviceName"] for each in recording.of("VpcEndpoint")}
    assert "cn.com.amazonaws.cn-north-1.ecr.api" in names
    provider = recording.one("OpenIdConnectProvider").inputs
    assert provider["clientIdLists"] == ["sts.amazonaws.com.cn"]


@pytest.mark.parametrize(
    ("partition", "region", "address"),
    [
        ("aws", "eu-west-1", "https://eu-west-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1", "https://cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1", "https://us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_pipelines_page_is_in_the_partitions_console(
    partition: str, region: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FARGATE_CD_CONSOLE_URL", raising=False)
    where = Account(partition, "123456789012", region, "amazonaws.com")
    assert page_url("shop", where).startswith(address)
