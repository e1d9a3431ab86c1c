"""Driver and engine work in one account and region, or nothing is touched."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pulumi_aws
import pytest

from automation.aws.provider import Provider
from automation.errors import ConfigurationError, EngineFailed
from automation.preflight.account import check_account
from automation.stack.target import TARGETS


class Fake:
    """A session whose driver and whose engine are each in an account."""

    def __init__(self, own: str, target: str = "aws", **config: Any) -> None:
        self.target = TARGETS[target]
        self.provider = Provider(config)
        self.file = SimpleNamespace(path=Path("Pulumi.dev.yaml"))
        self.error: Exception | None = None
        self.asked: list[str] = []
        sts = SimpleNamespace(
            get_caller_identity=lambda: {"Account": own},
            meta=SimpleNamespace(region_name="eu-west-1"),
        )
        self.cloud = SimpleNamespace(client=lambda _service: sts)
        self.stack = SimpleNamespace(preview=lambda program, **_: program())

    def perform(self, verb: str, operation: Any, preview: bool) -> None:
        assert preview
        self.asked.append(verb)
        operation(self.stack, None)
        if self.error:
            raise self.error


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    identity = SimpleNamespace(account_id="111111111111")
    monkeypatch.setattr(pulumi_aws, "get_caller_identity", lambda: identity)
    monkeypatch.setattr(pulumi_aws, "get_region", lambda: SimpleNamespace(region="eu-west-1"))


def check(session: Any) -> None:
    check_account(session)


def test_one_account_is_right() -> None:
    check(Fake("111111111111"))


def test_two_accounts_are_refused_with_both_named() -> None:
    with pytest.raises(ConfigurationError) as refused:
        check(Fake("222222222222"))
    assert "account 111111111111, eu-west-1, and the driver in 222222222222" in str(refused.value)


def test_two_regions_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi_aws, "get_region", lambda: SimpleNamespace(region="us-east-1"))
    with pytest.raises(ConfigurationError, match="us-east-1, and the driver in 111111111111"):
        check(Fake("111111111111"))


def test_an_account_that_the_stack_does_not_allow_is_refused_before_the_engine_runs() -> None:
    session = Fake("222222222222", allowedAccountIds=["111111111111"])
    with pytest.raises(ConfigurationError, match="don't allow"):
        check(session)
    assert session.asked == []


def test_what_the_engine_says_after_its_answer_does_not_count() -> None:
    session = Fake("111111111111")
    session.error = EngineFailed("a protected resource can't be deleted")
    check(session)


def test_an_engine_without_an_answer_has_failed() -> None:
    session = Fake("111111111111")
    session.stack = SimpleNamespace(preview=lambda **_: None)
    session.error = EngineFailed("no credentials")
    with pytest.raises(EngineFailed, match="no credentials"):
        check(session)


def test_the_local_cloud_has_one_account() -> None:
    session = Fake("222222222222", target="local")
    check(session)
    assert session.asked == []
