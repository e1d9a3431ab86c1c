"""The driver's own calls are made in the account of the stack's AWS provider."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from automation.aws.clients import Cloud
from automation.aws.provider import Provider
from automation.errors import ConfigurationError

ROLE = "arn:aws:iam::222222222222:role/deploy"
OTHER = "arn:aws:iam::333333333333:role/deploy"


@pytest.fixture(autouse=True)
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An account of one's own, and a profile of another key in a file."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text("[profile work]\nregion = eu-west-3\n")
    (tmp_path / "credentials").write_text(
        "[work]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = y\n"
    )
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    with mock_aws():
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        yield


def no_secret(key: str) -> str:
    raise AssertionError(key)


def provider(**values: Any) -> Provider:
    return Provider.of({f"aws:{key}": value for key, value in values.items()}, no_secret)


def account(found: Provider) -> str:
    cloud = Cloud(provider=found)
    return str(cloud.client("sts").get_caller_identity()["Account"])


def test_roles_are_assumed_one_after_the_other() -> None:
    assert account(provider(region="eu-west-1")) == "123456789012"
    assert account(provider(region="eu-west-1", assumeRoles=[{"roleArn": ROLE}])) == "222222222222"
    both = [{"roleArn": ROLE, "externalId": "team", "sessionName": "ci"}, {"roleArn": OTHER}]
    assert account(provider(region="eu-west-1", assumeRoles=both)) == "333333333333"


def test_json_text_is_data_and_a_web_identity_comes_first(tmp_path: Path) -> None:
    text = f'[{{"roleArn": "{ROLE}"}}]'
    assert account(provider(region="eu-west-1", assumeRoles=text)) == "222222222222"
    token = tmp_path / "token"
    token.write_text("header.claims.signature")
    web = {"roleArn": OTHER, "webIdentityTokenFile": str(token)}
    found = provider(region="eu-west-1", assumeRoleWithWebIdentity=web)
    assert account(found) == "333333333333"


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ({}, "AKIAENVIRONMENT"),
        ({"profile": "work"}, "AKIAPROFILE"),
        ({"accessKey": "AKIASTACK", "secretKey": "z"}, "AKIASTACK"),
    ],
)
def test_credentials_come_from_the_stacks_file_first(values: dict[str, str], key: str) -> None:
    session = provider(region="eu-west-1", **values).session()
    assert session.get_credentials().access_key == key


def test_a_secret_is_decrypted_by_the_engine() -> None:
    asked: list[str] = []

    def decrypted(key: str) -> str:
        asked.append(key)
        return "z"

    config: Mapping[str, Any] = {"aws:accessKey": "A", "aws:secretKey": {"secure": "v1:abc"}}
    found = Provider.of(config, decrypted)
    assert found.session().get_credentials().secret_key == "z"
    assert asked == ["aws:secretKey"]


def test_files_of_the_stack_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_SHARED_CREDENTIALS_FILE")
    files = [str(tmp_path / "credentials")]
    session = provider(profile="work", sharedCredentialsFiles=files).session()
    assert session.get_credentials().access_key == "AKIAPROFILE"
    with pytest.raises(ConfigurationError, match="names 2 files"):
        provider(sharedCredentialsFiles=[*files, "other"]).session()


def test_the_region_is_found_where_the_engine_finds_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert provider(profile="work").session().get_config_variable("region") == "eu-west-3"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-1")
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    assert provider().session().get_config_variable("region") == "us-west-2"
    assert provider(region="eu-west-1").session().get_config_variable("region") == "eu-west-1"


def test_endpoints_are_of_the_kind_that_the_stack_asks_for() -> None:
    cloud = Cloud(provider=provider(region="us-east-1", useFipsEndpoint="true"))
    assert "fips" in cloud.client("ecs").meta.endpoint_url


def test_accounts_that_are_not_allowed_are_refused() -> None:
    allowed = provider(allowedAccountIds=["012345678912"])
    allowed.check("012345678912")
    for refusing in (allowed, provider(forbiddenAccountIds='["123456789012"]')):
        with pytest.raises(ConfigurationError, match="account 123456789012, which"):
            refusing.check("123456789012")
