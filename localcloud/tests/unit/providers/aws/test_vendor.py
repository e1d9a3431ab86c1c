"""The rows beside the vendor's provider: reads, defaults, what may be left out, what drifts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest

from localcloud.providers.aws.calls import Api
from localcloud.providers.aws.mapping import accepts
from localcloud.providers.aws.specs import SPECS
from localcloud.shared.service import Call, Service, ServiceError
from localcloud.tests.unit.gateway_harness import Served
from localcloud.tests.unit.providers.aws.cases import Case, World
from localcloud.tests.unit.providers.aws.engine import Engine, RefusedError
from localcloud.tests.unit.providers.aws.lives import LIVES, WITHOUT_EMULATOR
from localcloud.tests.unit.providers.aws.vendor import BY_HAND, VENDOR
from localcloud.tests.unit.providers.aws.vendor.delivery import HOOKED, PROJECT, WEBHOOK
from localcloud.tests.without_docker import WholeCloud, whole_cloud

Values = dict[str, Any]
TYPES = pytest.mark.parametrize("token", VENDOR)


@TYPES
def test_defaults_are_the_vendors(token: str) -> None:
    spec, vendor = SPECS[token], VENDOR[token]
    assert {name: spec.defaults.get(name) for name in vendor.defaults} == vendor.defaults
    assert dict(spec.nested) == {name: dict(block) for name, block in vendor.nested.items()}


@TYPES
def test_what_the_vendor_keeps_may_be_left_out(token: str) -> None:
    spec = SPECS[token]
    assert all(accepts(spec, name) for name in VENDOR[token].kept)
    assert VENDOR[token].kept <= spec.sticky
    assert not spec.sticky & set(VENDOR[token].defaults), "a default is no computed value"


def case_of(token: str) -> Case:
    return next(case for case in (*LIVES, HOOKED) if case.token == token)


OWN = frozenset({PROJECT, WEBHOOK})
"""Types of services of our own that the emulator can't stand for."""


class Places:
    """A provider and what it works on, by the type of a resource."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        self._request = request

    def of(self, token: str, name: str) -> tuple[Engine, World]:
        if token in OWN:
            whole: WholeCloud = self._request.getfixturevalue("whole")
            return self._request.getfixturevalue("on_ecs"), World(whole.served, name)
        engine: Engine = self._request.getfixturevalue("engine")
        return engine, World(self._request.getfixturevalue("cloud"), name)


@pytest.fixture
def places(request: pytest.FixtureRequest) -> Places:
    return Places(request)


@pytest.mark.parametrize(
    "token", [token for token in VENDOR if token in OWN or token not in WITHOUT_EMULATOR]
)
def test_it_reads_by_the_vendors_calls(
    token: str, places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = token.partition("/")[2].partition(":")[0].lower()
    engine, world = places.of(token, f"reads-{name}")
    held = engine.create(token, world.name, case_of(token).inputs(world))
    made = recorded(monkeypatch)
    assert engine.read(held) is not None
    assert made <= VENDOR[token].reads
    assert made, "nothing was read"


def recorded(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The operations that are called from now on."""
    made: set[str] = set()
    send = Api._send

    def sent(api: Api, service: str, operation: str, params: Values) -> Values:
        made.add(operation)
        return send(api, service, operation, params)

    monkeypatch.setattr(Api, "_send", sent)
    return made


@pytest.mark.parametrize("name", BY_HAND)
def test_a_change_by_plain_calls_is_told_as_the_vendor_tells_it(name: str, places: Places) -> None:
    row = BY_HAND[name]
    engine, world = places.of(row.token, f"hand-{list(BY_HAND).index(name)}")
    whole = case_of(row.token).inputs(world)
    least = VENDOR[row.token].least or tuple(whole)
    inputs = {each: whole[each] for each in least if each in {*whole} - {*row.leaves}} | row.given
    held = engine.create(row.token, world.name, inputs)
    assert not engine.diff(held, inputs).changed
    row.change(world, held)
    seen = engine.read(held)
    if row.gone:
        assert seen is None
        return
    assert seen is not None
    changes = engine.diff(seen, inputs)
    assert changes.properties == ((row.told,) if row.told else ())
    healed = (
        engine.update(seen, inputs)
        if not changes.replaces
        else engine.create(row.token, world.name, inputs)
    )
    assert not engine.diff(healed, inputs).changed


@pytest.mark.parametrize(
    "token", ["aws:lb/targetGroup:TargetGroup", "aws:lb/loadBalancer:LoadBalancer"]
)
def test_a_name_that_exists_is_refused_before_aws_is_asked_to_repeat_a_creation(
    token: str, engine: Engine, cloud: Served
) -> None:
    """`already exists` in `elbv2/target_group.go` and `elbv2/load_balancer.go`."""
    world = World(cloud, f"twice-{token[7:12].lower()}")
    inputs = {**case_of(token).inputs(world), "name": world.name}
    engine.create(token, world.name, inputs)
    with pytest.raises(RefusedError, match=rf"\({world.name}\) already exists"):
        engine.create(token, world.name, inputs)


def test_a_webhooks_secret_is_a_change_at_each_update(places: Places) -> None:
    """AWS tells `****`, which `flattenWebhookAuthConfiguration` takes for the secret.

    https://github.com/hashicorp/terraform-provider-aws/issues/41538
    """
    engine, world = places.of(WEBHOOK, "masked")
    inputs = HOOKED.inputs(world)
    held = engine.create(WEBHOOK, world.name, inputs)
    again = engine.diff(held, inputs)
    assert again.replaces == again.properties == ("authenticationConfiguration",)
    ignored = engine.diff(held, inputs, ignored=("authenticationConfiguration",))
    assert not ignored.changed


class Unconfirmed(Service):
    """SNS that refuses to delete a subscription, as it does while an e-mail is unanswered."""

    name = "sns"
    emulated = True

    def __init__(self, message: str) -> None:
        super().__init__()
        self._message = message
        self.before = {"Unsubscribe": self._refuse}

    def _refuse(self, _call: Call) -> None:
        raise ServiceError("InvalidParameter", self._message)


@pytest.mark.parametrize(
    ("message", "left"),
    [
        ("Cannot unsubscribe a subscription that is pending confirmation", True),
        ("Invalid parameter: SubscriptionArn", False),
    ],
)
def test_an_unconfirmed_subscription_is_left_to_sns(
    message: str, left: bool, cloud: Served, engine: Engine
) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html"""
    token = "aws:sns/topicSubscription:TopicSubscription"
    world = World(cloud, f"unconfirmed-{left}")
    held = engine.create(token, world.name, case_of(token).inputs(world))
    services = cloud.gateway.services.setdefault("sns", [])
    services.append(refusing := Unconfirmed(message))
    try:
        with nullcontext() if left else pytest.raises(RefusedError, match=message):
            engine.delete(held)
    finally:
        services.remove(refusing)


@pytest.mark.parametrize("side", ["Ingress", "Egress"])
def test_a_rule_with_another_kind_of_source_is_another_rule(
    side: str, engine: Engine, cloud: Served
) -> None:
    """`ModifyPlan` in `ec2/vpc_security_group_ingress_rule.go`."""
    world = World(cloud, f"kind-{side.lower()}")
    token = f"aws:vpc/securityGroup{side}Rule:SecurityGroup{side}Rule"
    group = {"securityGroupId": world.group(), "ipProtocol": "tcp", "fromPort": 1, "toPort": 2}
    held = engine.create(token, world.name, {**group, "cidrIpv4": "10.0.0.0/8"})
    assert engine.diff(held, {**group, "cidrIpv4": "10.0.0.0/9"}).replaces == ()
    other = engine.diff(held, {**group, "referencedSecurityGroupId": world.group("two")})
    assert other.replaces == ("cidrIpv4", "referencedSecurityGroupId")


# --- on the whole local cloud ---


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WholeCloud]:
    with whole_cloud(tmp_path_factory.mktemp("vendor") / "cloud") as running:
        yield running


@pytest.fixture
def on_ecs(whole: WholeCloud) -> Iterator[Engine]:
    made = Engine(whole.providers.ports["aws"])
    yield made
    made.close()


def test_a_validation_is_read_by_its_certificate(
    whole: WholeCloud, on_ecs: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, world = "aws:acm/certificateValidation:CertificateValidation", World(whole.served, "val")
    arn, acm = world.certificate("a"), world.client("acm")
    (asked,) = acm.describe_certificate(CertificateArn=arn)["Certificate"][
        "DomainValidationOptions"
    ]
    proof = asked["ResourceRecord"]
    record = {"Name": proof["Name"], "Type": "CNAME", "TTL": 60}
    record |= {"ResourceRecords": [{"Value": proof["Value"]}]}
    world.client("route53").change_resource_record_sets(
        HostedZoneId=world.zone,
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]},
    )
    held = on_ecs.create(token, world.name, {"certificateArn": arn})
    made = recorded(monkeypatch)
    seen = on_ecs.read(held)
    assert seen is not None
    assert not on_ecs.diff(seen, {"certificateArn": arn}).changed
    assert made == VENDOR[token].reads
    acm.delete_certificate(CertificateArn=arn)
    assert on_ecs.read(held) is None


def shifted(world: World) -> tuple[Values, Values]:
    """A service's inputs with BLUE_GREEN, and the same without its strategy and second group."""
    ec2, elb = world.client("ec2"), world.client("elbv2")
    ec2.attach_internet_gateway(
        InternetGatewayId=ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
        VpcId=world.vpc,
    )
    weighted = [
        {"TargetGroupArn": world.target_group(name), "Weight": weight}
        for name, weight in (("one", 1), ("two", 0))
    ]
    rule = elb.create_rule(
        ListenerArn=world.listener,
        Priority=1,
        Conditions=[{"Field": "path-pattern", "Values": ["/*"]}],
        Actions=[{"Type": "forward", "ForwardConfig": {"TargetGroups": weighted}}],
    )["Rules"][0]["RuleArn"]
    balancer = {"targetGroupArn": world.target_group(), "containerName": "app", "containerPort": 80}
    rolling = {
        "cluster": world.cluster,
        "name": world.name,
        "taskDefinition": world.task_definition(),
        "desiredCount": 0,
        "launchType": "FARGATE",
        "networkConfiguration": {"subnets": [world.subnet(0)], "securityGroups": [world.group()]},
        "loadBalancers": [balancer],
    }
    advanced = {
        "alternateTargetGroupArn": world.target_group("two"),
        "productionListenerRule": rule,
        "roleArn": "arn:aws:iam::123456789012:role/shift",
    }
    return {
        **rolling,
        "deploymentConfiguration": {"strategy": "BLUE_GREEN", "bakeTimeInMinutes": "1"},
        "loadBalancers": [{**balancer, "advancedConfiguration": advanced}],
    }, rolling


def test_a_strategy_that_is_left_out_stays_and_needs_its_second_group(
    whole: WholeCloud, on_ecs: Engine
) -> None:
    blue_green, rolling = shifted(World(whole.served, "shifted"))
    held = on_ecs.create("aws:ecs/service:Service", "shifted", blue_green)
    assert "deploymentConfiguration" not in on_ecs.diff(held, rolling).properties
    with pytest.raises(RefusedError, match=r"alternateTargetGroupArn .* must be specified"):
        on_ecs.update(held, rolling)
    stated = {"strategy": "ROLLING", "bakeTimeInMinutes": "0"}
    back = on_ecs.update(held, {**rolling, "deploymentConfiguration": stated})
    assert back.outputs["deploymentConfiguration"]["strategy"] == "ROLLING"
