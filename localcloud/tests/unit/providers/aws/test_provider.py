"""What the verbs do beyond the ordinary life of a resource."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from localcloud.providers.aws.values import UNKNOWN, to_struct
from localcloud.providers.server import RunningProviders
from localcloud.shared.service import Call, Service, ServiceError
from localcloud.tests.unit.gateway_harness import Served
from localcloud.tests.unit.providers.aws.cases import World, trust
from localcloud.tests.unit.providers.aws.engine import Engine, RefusedError

TOPIC = "aws:sns/topic:Topic"
GROUP = "aws:lb/targetGroup:TargetGroup"
SERVICE = "aws:ecs/service:Service"
LOG_GROUP = "aws:cloudwatch/logGroup:LogGroup"
TASK = "aws:ecs/taskDefinition:TaskDefinition"


@pytest.fixture
def world(cloud: Served, request: pytest.FixtureRequest) -> World:
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))
    return World(cloud, name[:30].strip("-"))


@pytest.fixture
def interposed(cloud: Served) -> Iterator[Service]:
    """A service that stands before the emulator's; tests put refusals into it."""
    service = Service()
    service.name, service.emulated = "sns", True
    known = cloud.gateway.services.setdefault("sns", [])
    known.append(service)
    yield service
    known.remove(service)


# --- configuration --------------------------------------------------------------------------------


def check_config(engine: Engine, **settings: Any) -> dict[str, str]:
    answer = engine.call("CheckConfig", provider_pb2.CheckRequest(news=to_struct(settings)))
    return {failure.property: failure.reason for failure in answer.failures}


def test_settings_that_are_honoured(engine: Engine) -> None:
    tags = '{"tags": {"a": "b"}}'
    assert check_config(engine, region="us-east-1", defaultTags=tags, version="7.51.1") == {}


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("accessKey", "AKIA", "does not honour"),
        ("colour", "red", "does not honour"),
        ("allowedAccountIds", '["111111111111"]', "is not among"),
        ("forbiddenAccountIds", '["123456789012"]', "is forbidden"),
        ("defaultTags", "tags", "must be an object"),
    ],
)
def test_settings_that_are_refused(engine: Engine, name: str, value: str, reason: str) -> None:
    assert reason in check_config(engine, **{name: value})[name]


def test_another_region_replaces_the_provider(engine: Engine) -> None:
    answer = engine.call(
        "DiffConfig",
        provider_pb2.DiffRequest(
            old_inputs=to_struct({"region": "us-east-1"}), news=to_struct({"region": "eu-west-1"})
        ),
    )
    assert list(answer.replaces) == ["region"]


def test_a_connection_without_configuration_is_refused(running: RunningProviders) -> None:
    engine = Engine(running.ports["aws"], settings=None)  # type: ignore[arg-type]
    with pytest.raises(RefusedError, match="has not been configured"):
        engine.check(TOPIC, "topic", {})
    engine.close()


# --- check ----------------------------------------------------------------------------------------


def test_a_name_is_made_from_the_logical_one(engine: Engine) -> None:
    inputs = engine.checked(TOPIC, "alarms", {})
    base, _, digits = inputs["name"].rpartition("-")
    assert base == "alarms"
    assert len(digits) == 7
    assert int(digits, 16) >= 0
    assert engine.checked(TOPIC, "alarms", {}, inputs)["name"] == inputs["name"]


def test_a_made_name_fits_the_service(engine: Engine) -> None:
    name = engine.checked(GROUP, "a" * 60, {})["name"]
    assert len(name) == 32


def test_a_prefix_is_kept(engine: Engine) -> None:
    inputs = engine.checked(GROUP, "group", {"namePrefix": "web-"})
    assert inputs["name"].startswith("web-")
    assert len(inputs["name"]) <= 32
    again = engine.checked(GROUP, "group", {"namePrefix": "api-"}, inputs)
    assert again["name"].startswith("api-")


@pytest.mark.parametrize("mode", ["PROPOSE", "ENFORCE"])
def test_the_engine_s_own_naming_counts(engine: Engine, mode: str) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions(
        proposed_name="by-the-engine",
        mode=provider_pb2.CheckRequest.AutonamingOptions.Mode.Value(mode),
    )
    inputs, _ = engine.check(TOPIC, "alarms", {}, autonaming=options)
    assert inputs["name"] == "by-the-engine"


def test_naming_can_be_off(engine: Engine) -> None:
    options = provider_pb2.CheckRequest.AutonamingOptions(
        mode=provider_pb2.CheckRequest.AutonamingOptions.DISABLE
    )
    _, failures = engine.check(TOPIC, "alarms", {}, autonaming=options)
    assert "a name is required" in failures["name"]


def test_default_tags_and_region(running: RunningProviders) -> None:
    settings = {"region": "eu-west-1", "defaultTags": '{"tags": {"team": "a", "stack": "dev"}}'}
    engine = Engine(running.ports["aws"], settings)
    inputs = engine.checked(TOPIC, "topic", {"tags": {"team": "b"}})
    assert inputs["tags"] == {"team": "b"}
    assert inputs["tagsAll"] == {"team": "b", "stack": "dev"}
    assert inputs["region"] == "eu-west-1"
    held = engine.create(TOPIC, "topic", {"tags": {"team": "b"}})
    assert held.outputs["arn"].startswith("arn:aws:sns:eu-west-1:")
    assert held.outputs["tagsAll"] == {"team": "b", "stack": "dev"}
    assert held.outputs["tags"] == {"team": "b"}
    engine.delete(held)
    engine.close()


def test_a_resource_s_own_region_counts(engine: Engine) -> None:
    held = engine.create(TOPIC, "topic", {"region": "us-west-2"})
    assert held.outputs["arn"].startswith("arn:aws:sns:us-west-2:")
    assert "region" in engine.diff(held, {"region": "us-west-1"}).replaces
    engine.delete(held)


@pytest.mark.parametrize(
    ("token", "inputs", "path"),
    [
        (TOPIC, {"colour": "red"}, "colour"),
        (LOG_GROUP, {"healthCheck": {}}, "healthCheck"),
        (GROUP, {"targetGroupHealth": {"dnsFailover": {}}}, "targetGroupHealth"),
        (
            "aws:lb/listener:Listener",
            {"loadBalancerArn": "a", "defaultActions": [{"type": "forward", "colour": "red"}]},
            "defaultActions[0].colour",
        ),
    ],
)
def test_an_input_without_a_place_is_named(
    engine: Engine, token: str, inputs: dict[str, Any], path: str
) -> None:
    _, failures = engine.check(token, "x", inputs)
    assert list(failures) == [path]


def test_a_type_without_a_row_is_refused(engine: Engine) -> None:
    with pytest.raises(RefusedError, match=r"no row for the resource type aws:rds/cluster:Cluster"):
        engine.check("aws:rds/cluster:Cluster", "db", {})


def test_containers_that_are_no_json(engine: Engine) -> None:
    _, failures = engine.check(TASK, "t", {"family": "f", "containerDefinitions": "[{"})
    assert "no JSON" in str(failures)


# --- preview --------------------------------------------------------------------------------------


def test_a_preview_refuses_what_aws_would(engine: Engine) -> None:
    with pytest.raises(RefusedError) as refused:
        engine.preview(GROUP, "web", {"port": 0, "protocol": "FTP", "vpcId": "vpc-1"})
    text = str(refused.value)
    assert "creating aws:lb/targetGroup:TargetGroup web" in text
    assert "Port: 0 is below the minimum" in text
    assert "Protocol: 'FTP' is none of" in text


def test_a_preview_lets_unknown_values_pass(engine: Engine) -> None:
    outputs = engine.preview(GROUP, "web", {"port": UNKNOWN, "protocol": "HTTP", "vpcId": UNKNOWN})
    assert outputs["arn"] is UNKNOWN
    assert outputs["vpcId"] is UNKNOWN
    assert outputs["protocol"] == "HTTP"


def test_an_unknown_input_may_change_anything(engine: Engine, world: World) -> None:
    held = engine.create(LOG_GROUP, world.name, {"retentionInDays": 30})
    changes = engine.diff(held, {"retentionInDays": UNKNOWN})
    assert changes.properties == ("retentionInDays",)
    engine.delete(held)


def test_a_preview_sends_nothing(engine: Engine, cloud: Served) -> None:
    before = cloud.client("sns").list_topics()["Topics"]
    engine.preview(TOPIC, "nothing", {})
    assert cloud.client("sns").list_topics()["Topics"] == before


# --- diff -----------------------------------------------------------------------------------------


def test_a_fixed_name_goes_before_the_new_one_comes(engine: Engine, world: World) -> None:
    fixed = engine.create(
        GROUP, "a", {"name": "fixed", "port": 80, "protocol": "HTTP", "vpcId": world.vpc}
    )
    changed = {"name": "fixed", "port": 81, "protocol": "HTTP", "vpcId": world.vpc}
    assert engine.diff(fixed, changed).delete_first
    made = engine.create(GROUP, "b", {"port": 80, "protocol": "HTTP", "vpcId": world.vpc})
    unnamed = {name: value for name, value in changed.items() if name != "name"}
    assert engine.diff(made, unnamed).replaces == ("port",)
    assert not engine.diff(made, unnamed).delete_first
    engine.delete(fixed)
    engine.delete(made)


def test_policies_are_compared_by_meaning(engine: Engine, world: World) -> None:
    token, text = "aws:iam/role:Role", trust("ecs-tasks.amazonaws.com")
    held = engine.create(token, world.name, {"assumeRolePolicy": text})
    same = text.replace('"sts:AssumeRole"', '[ "sts:AssumeRole" ]')
    assert not engine.diff(held, {"assumeRolePolicy": same}).changed
    other = engine.diff(held, {"assumeRolePolicy": trust("codebuild.amazonaws.com")})
    assert other.properties == ("assumeRolePolicy",)
    engine.delete(held)


def test_paths_say_where_and_how(engine: Engine, world: World) -> None:
    held = engine.create(TOPIC, world.name, {"tags": {"a": "1", "b": "2"}})
    changes = engine.diff(held, {"tags": {"a": "3", "c": "4"}})
    assert changes.detailed["tags.a"] == "UPDATE"
    assert changes.detailed["tags.b"] == "DELETE"
    assert changes.detailed["tags.c"] == "ADD"
    engine.delete(held)


@pytest.mark.parametrize("empty", [[], None])
def test_an_empty_list_says_as_much_as_none(engine: Engine, world: World, empty: Any) -> None:
    containers = '[{"name": "app", "image": "web:1", "memory": 128}]'
    inputs = {"family": world.name, "containerDefinitions": containers}
    held = engine.create(TASK, world.name, inputs)
    again = {**inputs, "containerDefinitions": containers.replace(": 128", ':128, "cpu": 0')}
    assert not engine.diff(held, {**again, "volumes": empty}).changed
    engine.delete(held)


# --- read and drift -------------------------------------------------------------------------------


def test_drift_shows_and_is_put_right(engine: Engine, world: World) -> None:
    inputs = {"retentionInDays": 30, "tags": {"a": "b"}}
    held = engine.create(LOG_GROUP, world.name, inputs)
    logs = world.client("logs")
    logs.put_retention_policy(logGroupName=held.id, retentionInDays=7)
    logs.tag_log_group(logGroupName=held.id, tags={"by": "hand"})
    drifted = engine.read(held)
    assert drifted is not None
    assert drifted.inputs["retentionInDays"] == 7
    assert drifted.inputs["tags"] == {"a": "b", "by": "hand"}
    assert set(engine.diff(drifted, inputs).properties) == {"retentionInDays", "tags", "tagsAll"}
    healed = engine.read(engine.update(drifted, inputs))
    assert healed is not None
    assert healed.outputs == held.outputs
    engine.delete(held)


def test_what_somebody_deleted_is_absent(engine: Engine, world: World) -> None:
    held = engine.create(TOPIC, world.name, {})
    world.client("sns").delete_topic(TopicArn=held.id)
    assert engine.read(held) is None
    engine.delete(held)


def test_an_import_id_of_the_wrong_form(engine: Engine) -> None:
    with pytest.raises(RefusedError, match="must look like"):
        engine.imported(SERVICE, "no-cluster")


# --- failures of AWS ------------------------------------------------------------------------------


def test_errors_carry_the_code_the_message_and_the_resource(engine: Engine) -> None:
    inputs = {"port": 80, "protocol": "HTTP", "vpcId": "vpc-00000000"}
    with pytest.raises(RefusedError) as refused:
        engine.create(GROUP, "web", inputs)
    text = str(refused.value)
    assert text.startswith("creating aws:lb/targetGroup:TargetGroup web: elbv2 CreateTargetGroup: ")
    assert "vpc-00000000" in text


@pytest.mark.parametrize("code", ["Throttling", "InternalError"])
def test_what_passes_is_tried_again(
    engine: Engine, world: World, interposed: Service, code: str
) -> None:
    left = [2]

    def refuse(_call: Call) -> None:
        if left[0]:
            left[0] -= 1
            raise ServiceError(code, "Later.", 400 if code == "Throttling" else 500)

    interposed.before["CreateTopic"] = refuse
    held = engine.create(TOPIC, f"{world.name}-{code}", {})
    assert left == [0]
    engine.delete(held)


def test_trying_again_has_an_end(engine: Engine, world: World, interposed: Service) -> None:
    calls = []

    def refuse(_call: Call) -> None:
        calls.append(time.monotonic())
        raise ServiceError("Throttling", "Rate exceeded.", 400)

    interposed.before["CreateTopic"] = refuse
    with pytest.raises(RefusedError, match=r"Throttling: Rate exceeded\."):
        engine.create(TOPIC, world.name, {})
    assert 3 <= len(calls) <= 12
    assert calls[-1] - calls[0] < 30


def test_what_exists_comes_into_the_state(
    engine: Engine, world: World, interposed: Service
) -> None:
    def refuse(_call: Call) -> None:
        raise ServiceError("InvalidParameter", "No such name.", 400)

    interposed.before["SetTopicAttributes"] = refuse
    with pytest.raises(RefusedError) as refused:
        engine.create(TOPIC, world.name, {"displayName": "one"})
    partial = refused.value.partial
    assert partial.id.startswith("arn:aws:sns:")
    assert "InvalidParameter: No such name." in partial.reasons[0]
    world.client("sns").delete_topic(TopicArn=partial.id)


def test_a_refused_deletion_is_told(engine: Engine, world: World, interposed: Service) -> None:
    def refuse(_call: Call) -> None:
        raise ServiceError("AuthorizationError", "Not you.", 403)

    held = engine.create(TOPIC, world.name, {})
    interposed.before["DeleteTopic"] = refuse
    with pytest.raises(RefusedError, match=r"deleting aws:sns/topic:Topic .*Not you\."):
        engine.delete(held)
    interposed.before.clear()
    engine.delete(held)


# --- waiting --------------------------------------------------------------------------------------


@pytest.fixture
def steady(world: World) -> dict[str, Any]:
    """A service that moto never brings to a steady state."""
    return {
        "cluster": world.cluster,
        "taskDefinition": world.task_definition(),
        "desiredCount": 1,
        "waitForSteadyState": True,
    }


def test_waiting_has_an_end(engine: Engine, world: World, steady: dict[str, Any]) -> None:
    with pytest.raises(RefusedError, match="waited 1 s for the service") as refused:
        engine.create(SERVICE, world.name, steady, timeout=1)
    assert refused.value.partial.id.startswith("arn:aws:ecs:")


def test_waiting_can_be_called_off(engine: Engine, world: World, steady: dict[str, Any]) -> None:
    timer = threading.Timer(0.7, engine.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(RefusedError, match="cancelled while waiting for the service") as refused:
        engine.create(SERVICE, world.name, steady)
    assert time.monotonic() - started < 20
    assert refused.value.partial.id.startswith("arn:aws:ecs:")
    timer.join()


# --- secrets --------------------------------------------------------------------------------------


def test_a_secret_is_opened_and_the_engine_keeps_its_mark(engine: Engine) -> None:
    news = struct_pb2.Struct()
    news.update({"name": "n", "displayName": {rpc._special_sig_key: rpc._special_secret_sig}})
    news["displayName"]["value"] = "hush"  # type: ignore[index]
    answer = engine.call(
        "Check",
        provider_pb2.CheckRequest(urn=f"urn:pulumi:d::p::{TOPIC}::t", type=TOPIC, news=news),
    )
    assert answer.inputs["displayName"] == "hush"
    configured = engine.call("Configure", provider_pb2.ConfigureRequest())
    assert not configured.acceptSecrets
    assert configured.supportsPreview
