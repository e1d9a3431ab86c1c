"""A preview: what it adds to its environment, and what it takes from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from infra.ingress.load_balancer import LAST_PRIORITY
from infra.ingress.preview_route import (
    FIRST_PORT,
    PORTS,
    free_port,
    port_of,
    preferred_port,
    priority,
)
from infra.own_outputs import READ_OUTPUTS
from infra.preview import tag_value
from infra.settings import model as settings_module
from infra.settings.model import Settings, SettingsError
from infra.settings.previews import ADJUSTABLE, DEFAULTS, INHERITED
from infra.shared import EnvironmentMissing
from tests.unit.infra import recorder
from tests.unit.infra.recorder import ACCOUNT, REGION, Answer, Recording, custom, record

STACK = "dev-preview-login"
OWN = {
    "preview_of": "dev",
    "preview_branch": "login",
    "preview_creator": "mia",
    "preview_remote": "octo/shop",
}
EXPIRES = "2026-12-31T18:00:00+00:00"
TAGS = "aws:resourcegroupstaggingapi/getResources:getResources"
IMAGES: dict[str, Answer] = {"aws:ecr/getImages:getImages": lambda _: {"imageIds": []}}


@cache
def environment(**settings: str) -> Recording:
    """The environment as the program itself makes it."""
    return record(settings)


def preview(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: Mapping[str, str] | None = None,
    of: Mapping[str, Any] | None = None,
    stack: str = STACK,
    answers: Mapping[str, Answer] | None = None,
    shared: Mapping[str, Any] | None = None,
) -> Recording:
    """A preview of an environment whose file says `of`."""
    document = {"config": {f"fargate-cd:{name}": value for name, value in (of or {}).items()}}
    (folder / "Pulumi.dev.yaml").write_text(json.dumps(document))
    monkeypatch.setattr(settings_module, "PROJECT_ROOT", folder)
    text = {k: v if isinstance(v, str) else json.dumps(v) for k, v in (of or {}).items()}
    told = recorder.shared(environment(**text)) if shared is None else shared
    asked: list[dict[str, Any]] = []

    def read(inputs: dict[str, Any]) -> Any:
        asked.append(inputs)
        return recorder.telling(told)(inputs) if told else {"names": [], "values": []}

    recording = record(
        {**OWN, "preview_expires": EXPIRES, **(own or {})},
        stack=stack,
        answers={recorder.READ_SHARED: read, **IMAGES, **(answers or {})},
    )
    assert [each["path"] for each in asked] == ["/fargate-cd-dev-previews"]
    return recording


def made(recording: Recording) -> list[str]:
    return sorted(each.token.rpartition(":")[2] for each in custom(recording.resources))


ALWAYS = ["Image", "LogGroup", "Service", "TargetGroup", "TaskDefinition"]


def test_without_a_domain_it_adds_a_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = preview(tmp_path, monkeypatch)
    assert made(recording) == sorted([*ALWAYS, "Listener", "SecurityGroupIngressRule"])
    port = preferred_port(STACK)
    assert recording.one("Listener").inputs["port"] == port
    rule = recording.one("SecurityGroupIngressRule").inputs
    assert (rule["fromPort"], rule["toPort"], rule["cidrIpv4"]) == (port, port, "0.0.0.0/0")
    url = recording.outputs["service_url"]
    assert url == f"http://fargate-cd-dev-638e11.elb.amazonaws.com:{port}"


DOMAIN = {"domain": "app.example.com", "hosted_zone": "example.com"}


def test_with_a_domain_it_adds_a_host_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = preview(tmp_path, monkeypatch, of=DOMAIN)
    assert made(recording) == sorted([*ALWAYS, "ListenerRule"])
    rule = recording.one("ListenerRule").inputs
    host = "login.preview.app.example.com"
    assert rule["conditions"] == [{"hostHeader": {"values": [host]}}]
    assert rule["priority"] == preferred_port(STACK) - 19_000
    listener = recorder.shared(environment(**DOMAIN))["listener_arn"]
    assert rule["listenerArn"] == listener
    assert recording.outputs["service_url"] == f"https://{host}"
    balancer = environment(**DOMAIN).outputs["load_balancer_dns_name"]
    assert recording.outputs["load_balancer_dns_name"] == balancer


def test_the_environment_serves_all_names_of_previews() -> None:
    recording = environment(**DOMAIN)
    names = {each.inputs["name"] for each in recording.of("Record")}
    assert "*.preview.app.example.com" in names
    domains = {
        each.inputs["domainName"]
        for each in recording.of("Certificate")
        if "domainName" in each.inputs
    }
    assert domains == {"app.example.com", "*.preview.app.example.com"}
    assert len(recording.of("ListenerCertificate")) == 1
    unknown = recording.one("ListenerRule", "no-preview").inputs
    assert unknown["conditions"] == [{"hostHeader": {"values": ["*.preview.app.example.com"]}}]
    assert unknown["actions"][0]["fixedResponse"]["statusCode"] == "404"
    assert priority(FIRST_PORT + PORTS - 1) < unknown["priority"] < LAST_PRIORITY


@pytest.mark.parametrize("of", [{}, DOMAIN, {"allowed_cidrs": ["10.0.0.0/8", "10.1.0.0/16"]}])
def test_it_adds_at_most_twelve_resources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: dict[str, Any]
) -> None:
    recording = preview(tmp_path, monkeypatch, of=of)
    assert len(recording.resources) + 1 <= 12, "the stack itself counts"


def test_it_uses_what_the_environment_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording, shared = preview(tmp_path, monkeypatch), recorder.shared(environment())
    service = recording.one("Service").inputs
    assert service["cluster"] == shared["cluster_arn"]
    assert service["networkConfiguration"] == {
        "subnets": shared["task_subnet_ids"],
        "securityGroups": [shared["task_group_id"]],
        "assignPublicIp": True,
    }
    task = recording.one("TaskDefinition").inputs
    assert (
        task["executionRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/fargate-cd-dev-previews-{REGION}"
    )
    assert (
        task["taskRoleArn"] == f"arn:aws:iam::{ACCOUNT}:role/fargate-cd-dev-previews-task-{REGION}"
    )
    image = recording.one("Image").inputs["imageName"]
    assert image.startswith(f"{shared['repository_url']}:preview-login.")


def test_the_defaults_of_previews(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = preview(tmp_path, monkeypatch)
    service = recording.one("Service")
    assert service.inputs["desiredCount"] == 1
    assert service.options["ignoreChanges"] == []
    providers = service.inputs["capacityProviderStrategies"]
    assert [each["capacityProvider"] for each in providers] == ["FARGATE_SPOT"]
    assert recording.one("LogGroup").inputs["retentionInDays"] == 3


def test_the_environment_can_override_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"desired_count": 2, "spot": False, "log_retention_days": 1, "memory": 1024}
    recording = preview(tmp_path, monkeypatch, of={"preview_settings": own, "memory": 2048})
    service = recording.one("Service").inputs
    assert service["desiredCount"] == 2
    assert service["capacityProviderStrategies"][0]["capacityProvider"] == "FARGATE"
    assert recording.one("LogGroup").inputs["retentionInDays"] == 1
    assert recording.one("TaskDefinition").inputs["memory"] == "1024"


def test_it_has_the_environments_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of = {"container_port": 8080, "health_check_path": "/ok", "environment": {"COLOUR": "red"}}
    recording = preview(tmp_path, monkeypatch, of=of)
    targets = recording.one("TargetGroup").inputs
    assert targets["healthCheck"]["path"] == "/ok"
    assert recording.one("Service").inputs["loadBalancers"][0]["containerPort"] == 8080
    assert {"name": "COLOUR", "value": "red"} in recording.container["environment"]


def test_a_rotated_secret_starts_its_tasks_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of = {"secrets": {"FLAG": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter/team/flag"}}
    get_parameter = "aws:ssm/getParameter:getParameter"

    def version(number: int) -> Any:
        answers: dict[str, Answer] = {get_parameter: lambda _: {"version": number}}
        recording = preview(tmp_path, monkeypatch, of=of, answers=answers)
        return recording.one("Service").inputs["triggers"]

    assert version(3) == version(3) != version(4)


def test_defaults_that_the_engine_adds_do_not_win(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = {
        "container_port": "9292",
        "desired_count": "2",
        "spot": "false",
        "vpc_cidr": "10.0.0.0/16",
    }
    recording = preview(tmp_path, monkeypatch, own=added, of={"container_port": 8080})
    assert recording.one("Service").inputs["loadBalancers"][0]["containerPort"] == 8080
    assert recording.one("Service").inputs["desiredCount"] == 1


@pytest.mark.parametrize(("of", "allowed"), [({}, False), ({"exec": True}, True)])
def test_exec_is_off_in_previews_of_a_protected_environment_unless_set(
    of: dict[str, Any], allowed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = {"exec": "true", "protect": "false"}
    recording = preview(tmp_path, monkeypatch, own=defaults, of={"protect": True, **of})
    assert recording.one("Service").inputs["enableExecuteCommand"] is allowed


def test_branch_creator_and_end_are_tags_and_outputs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = preview(tmp_path, monkeypatch, own={"preview_branch": "feature/Ü; rm -rf…"})
    for resource in custom(recording.resources):
        if "tags" in resource.inputs:
            tags = resource.inputs["tags"]
            assert (tags["branch"], tags["creator"]) == ("feature/Ü_ rm -rf_", "mia")
            assert (tags["stack"], tags["environment"]) == (STACK, "dev")
    assert recording.one("Service").inputs["tags"]["expires"] == EXPIRES
    outputs = recording.outputs
    assert outputs["preview_branch"] == "feature/Ü; rm -rf…"
    assert (outputs["preview_creator"], outputs["preview_expires"]) == ("mia", EXPIRES)
    assert outputs["preview_remote"] == "octo/shop"


def test_a_branch_that_was_never_pushed_has_no_remote(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        "preview_remote" not in preview(tmp_path, monkeypatch, own={"preview_remote": ""}).outputs
    )


def test_a_later_end_deploys_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = preview(tmp_path, monkeypatch, own={"preview_expires": "2027-01-01T00:00:00+00:00"})
    first = preview(tmp_path, monkeypatch)
    assert later.one("TaskDefinition").inputs == first.one("TaskDefinition").inputs


def test_a_port_that_another_preview_has_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = preferred_port(STACK)
    other = {
        "resourceArn": f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/o/1",
        "tags": {"project": "shop", "stack": STACK, "port": str(port)},
        "complianceDetails": [],
    }

    def tagged(asked: dict[str, Any]) -> dict[str, Any]:
        assert asked["resourceTypeFilters"] == ["elasticloadbalancing:targetgroup"]
        return {"resourceTagMappingLists": [other]}

    recording = preview(tmp_path, monkeypatch, answers={TAGS: tagged})
    assert recording.one("Listener").inputs["port"] == port + 1
    assert recording.one("TargetGroup").inputs["tags"]["port"] == str(port + 1)


def test_a_preview_keeps_its_port_though_its_tags_are_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = {"outputs": {"preview_port": "20007"}}
    recording = preview(tmp_path, monkeypatch, answers={READ_OUTPUTS: lambda _: kept})
    assert recording.one("Listener").inputs["port"] == 20007
    assert recording.outputs["preview_port"] == "20007"


def test_a_port_that_is_given_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recording = preview(tmp_path, monkeypatch, own={"preview_port": "20001"})
    assert recording.one("Listener").inputs["port"] == 20001
    with pytest.raises(SettingsError, match="20000 to 29999"):
        preview(tmp_path, monkeypatch, own={"preview_port": "80"})


def test_rules_of_previews_come_before_the_environments() -> None:
    assert priority(FIRST_PORT) == 1000
    assert priority(FIRST_PORT + PORTS - 1) < LAST_PRIORITY
    assert port_of(priority(20_123)) == 20_123


def test_ports_stay_within_their_range_and_with_their_stack() -> None:
    ports = {preferred_port(f"dev-preview-{number}") for number in range(2000)}
    assert all(FIRST_PORT <= port < FIRST_PORT + PORTS for port in ports)
    assert free_port("a", {"a": 20_007}) == 20_007
    last = {"b": FIRST_PORT + PORTS - 1}
    name = next(n for n in map(str, range(10**6)) if preferred_port(n) == last["b"])
    assert free_port(name, last) == FIRST_PORT
    with pytest.raises(ValueError, match="All ports"):
        free_port("x", {str(port): port for port in range(FIRST_PORT, FIRST_PORT + PORTS)})


def test_an_image_left_by_an_earlier_preview_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = preview(tmp_path, monkeypatch).one("Image").inputs["imageName"].rpartition(":")[2]
    held: dict[str, Answer] = {
        "aws:ecr/getImages:getImages": lambda _: {
            "imageIds": [{"imageTag": first, "imageDigest": "sha256:1"}]
        }
    }
    again = preview(tmp_path, monkeypatch, answers=held).one("Image").inputs["imageName"]
    assert again.endswith(f":{first}-2")


@pytest.mark.parametrize(
    ("own", "of", "stack", "said"),
    [
        ({"domain": "a.example.com"}, {}, STACK, "domain = .*belongs to the environment dev"),
        ({}, {}, "staging", "must then be called dev-preview-LABEL"),
        ({}, {}, "prod-preview-login", "must then be called dev-preview-LABEL"),
        ({"preview_expires": "tomorrow"}, {}, STACK, "preview_expires = 'tomorrow'"),
        ({"desired_count": "0"}, {}, STACK, "desired_count"),
    ],
)
def test_wrong_settings_are_refused(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    own: dict[str, str],
    of: dict[str, Any],
    stack: str,
    said: str,
) -> None:
    with pytest.raises(SettingsError, match=said):
        preview(tmp_path, monkeypatch, own=own, of=of, stack=stack)


def test_a_port_that_the_firewall_does_not_let_through_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingsError, match=r"container_port = 8080.*lets 9292 through"):
        preview(
            tmp_path,
            monkeypatch,
            of={"container_port": 8080},
            shared=recorder.shared(environment()),
        )


def test_an_environment_that_shares_nothing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(EnvironmentMissing, match="up --stack dev"):
        preview(tmp_path, monkeypatch, shared={})


def test_an_environment_without_a_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_module, "PROJECT_ROOT", tmp_path)
    with pytest.raises(SettingsError, match=r"no file Pulumi\.dev\.yaml"):
        record({"preview_of": "dev"}, stack=STACK)


@pytest.mark.parametrize("stack", ["dev-preview-login", "dev-preview"])
def test_an_environment_is_not_called_like_a_preview(stack: str) -> None:
    with pytest.raises(SettingsError, match="must name an environment"):
        record({}, stack=stack)


def test_preview_settings_are_checked_with_the_environment() -> None:
    for wrong in ({"domain": "a.example.com"}, {"spot": "perhaps"}, {"cpu": 300}):
        with pytest.raises(SettingsError, match="preview_settings"):
            Settings.parse({"preview_settings": wrong})


def test_what_previews_say_and_inherit_are_settings() -> None:
    assert ADJUSTABLE | INHERITED | DEFAULTS.keys() <= Settings.model_fields.keys()


@pytest.mark.parametrize(
    ("text", "value"), [("a/b", "a/b"), ("a\nb\x1b[31m", "a_b__31m"), ("é", "é")]
)
def test_tags_hold_any_branch(text: str, value: str) -> None:
    assert tag_value(text) == value
    assert len(tag_value("x" * 400)) == 256
