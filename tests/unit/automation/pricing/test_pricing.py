"""The price table and the estimate, over what the program really registers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from pulumi.automation import EngineEvent, OpType
from pulumi.automation.events import (
    ResourcePreEvent,
    StepEventMetadata,
    StepEventStateMetadata,
)

from automation.errors import ConfigurationError
from automation.pricing import resources as stock
from automation.pricing.alternatives import alternatives
from automation.pricing.estimate import Estimate, changed_lines, monthly_cost
from automation.pricing.offline import offline
from automation.pricing.resources import Plan, Resource, Resources, of_state
from automation.pricing.table import assumptions, prices_of, regions
from automation.stack.stack_file import load_stack_file
from infra.settings.model import Settings
from tests.policy.matrix import MATRIX, recorded, said

US = "us-east-1"


@cache
def program(name: str, **changes: Any) -> Resources:
    values = {**MATRIX[name], **said(name), **changes}
    return offline(Settings.parse(values), "fargate-cd", "dev", US)


def planned(settings: Settings) -> Resources:
    return _planned(json.dumps(settings.model_dump(exclude_unset=True)))


@cache
def _planned(settings: str) -> Resources:
    return offline(Settings.parse(json.loads(settings)), "fargate-cd", "dev", US)


def priced(estimate: Estimate, words: str) -> float:
    found = [line.monthly for line in estimate.lines if words in line.item]
    assert found, f"no line with {words!r}"
    return sum(found)


@pytest.mark.parametrize("region", regions())
def test_every_price_of_every_region_is_positive_and_sourced(region: str) -> None:
    for key, price in prices_of(region).prices.items():
        assert price.amount > 0, key
        assert price.source.startswith("https://aws.amazon.com/"), key


@pytest.mark.parametrize("region", ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1"])
def test_these_regions_have_a_column(region: str) -> None:
    assert region in regions()


def test_a_region_without_a_column_is_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match=r"no prices for the region sa-east-1.*eu-west-1"):
        monthly_cost(Resources([]), "sa-east-1")


def test_every_assumption_has_words() -> None:
    for key, assumed in assumptions().items():
        assert assumed.value > 0, key
        assert assumed.meaning, key


@pytest.mark.parametrize("name", MATRIX)
def test_the_program_without_an_engine_registers_what_it_registers_with_one(name: str) -> None:
    mine = Counter(each.type for each in program(name).all if each.custom)
    theirs = Counter(each.token for each in recorded(name).resources if each.options["custom"])
    del theirs["docker:index/image:Image"]  # the image is given, so that none is built
    assert mine - Counter(["pulumi:pulumi:Stack"]) == theirs


@pytest.mark.parametrize("name", MATRIX)
def test_nothing_that_the_program_registers_is_forgotten(name: str) -> None:
    assert monthly_cost(program(name), US).unpriced == []


def test_a_type_that_nobody_priced_is_told() -> None:
    found = Resources([Resource("aws:rds/cluster:Cluster", "database", {})])
    assert monthly_cost(found, US).unpriced == ["aws:rds/cluster:Cluster"]


def test_a_preview_costs_its_own_task_and_nothing_that_it_shares() -> None:
    settings = load_stack_file("dev-preview-login").settings
    estimate = monthly_cost(offline(settings, "fargate-cd", "dev-preview-login", US), US)
    assert priced(estimate, "Fargate") > 0
    assert priced(estimate, "addresses of the tasks: 1") == pytest.approx(730 * 0.005)
    assert not any("oad balancer" in line.item for line in estimate.lines)
    assert estimate.unpriced == []


def test_the_default_stack_by_hand() -> None:
    estimate = monthly_cost(program("default"), US)
    assert priced(estimate, "0.25 vCPU each") == pytest.approx(2 * 0.25 * 730 * 0.04048)
    assert priced(estimate, "0.5 GB each") == pytest.approx(2 * 0.5 * 730 * 0.004445)
    assert priced(estimate, "Application load balancer") == pytest.approx(730 * 0.0225)
    assert priced(estimate, "addresses of the load balancer") == pytest.approx(2 * 730 * 0.005)
    assert priced(estimate, "addresses of the tasks") == pytest.approx(2 * 730 * 0.005)
    assert priced(estimate, "Alarms of autoscaling") == pytest.approx(4 * 0.10)


def test_autoscaling_at_its_most_costs_its_tasks() -> None:
    estimate = monthly_cost(program("default"), US)
    a_task = 730 * (0.25 * 0.04048 + 0.5 * 0.004445 + 0.005)
    assert estimate.at_most - estimate.monthly == pytest.approx(2 * a_task)


@pytest.mark.parametrize(("egress", "gateways"), [("nat", 1), ("nat_per_zone", 2)])
def test_nat_gateways_are_counted_with_their_addresses(egress: str, gateways: int) -> None:
    estimate = monthly_cost(program("default", egress=egress), US)
    assert priced(estimate, f"NAT gateways: {gateways}") == pytest.approx(gateways * 730 * 0.05)
    assert not any("of the tasks" in line.item for line in estimate.lines)


def test_each_interface_endpoint_is_charged_in_each_zone() -> None:
    found = program("endpoints")
    interfaces = [
        each
        for each in found.of("aws:ec2/vpcEndpoint:VpcEndpoint")
        if each.inputs["vpcEndpointType"] == "Interface"
    ]
    hours = len(interfaces) * 2 * 730
    assert priced(monthly_cost(found, US), "Interface endpoints: ") == pytest.approx(hours * 0.01)


def test_arm_costs_less_and_builds_on_arm() -> None:
    estimate = monthly_cost(program("webhook", architecture="ARM64"), US)
    assert priced(estimate, "0.25 vCPU each") == pytest.approx(2 * 0.25 * 730 * 0.03238)
    assert priced(estimate, "Build minutes of build") == pytest.approx(60 * 3 * 0.0034)


def test_spot_leaves_the_base_on_demand() -> None:
    estimate = monthly_cost(program("default", spot="true", desired_count="3"), US)
    assert priced(estimate, "1 task on demand, 0.25") == pytest.approx(0.25 * 730 * 0.04048)
    share = assumptions()["spot_share"].value
    assert priced(estimate, "2 tasks on Spot, 0.25") == pytest.approx(
        2 * 0.25 * 730 * 0.04048 * share
    )


def test_the_pipeline_is_charged_by_action_approval_aside() -> None:
    estimate = monthly_cost(program("webhook"), US)
    assert priced(estimate, "Pipeline: 4 actions") == pytest.approx(60 * 4 * 3 * 0.002)


def test_what_is_opted_in_is_counted() -> None:
    estimate = monthly_cost(program("everything"), US)
    for words in ("Web application firewall", "KMS keys: 1", "Container Insights", "access-logs"):
        assert priced(estimate, words) > 0


def test_alarms_cost_by_metric_and_fast_ones_more() -> None:
    queries = [
        {"id": "e", "expression": "a+b"},
        {"metric": {"period": 60}},
        {"metric": {"period": 300}},
    ]
    kind = "aws:cloudwatch/metricAlarm:MetricAlarm"
    found = Resources(
        [
            Resource(kind, "math", {"metricQueries": queries}),
            Resource(kind, "plain", {"metricName": "x", "period": 60}),
            Resource(kind, "fast", {"metricName": "x", "period": 10}),
        ]
    )
    lines = {line.item: round(line.monthly, 2) for line in monthly_cost(found, US).lines}
    assert lines == {
        "CloudWatch alarms, metrics: 3": 0.30,
        "CloudWatch alarms of less than a minute, metrics: 1": 0.30,
    }


def test_the_document_is_json_and_its_lines_add_up() -> None:
    document = json.loads(json.dumps(monthly_cost(program("default"), US).document()))
    total = sum(line["monthly"] for line in document["lines"])
    assert document["monthly"] == pytest.approx(total, abs=0.06)
    assert document["prices_read"]["oldest"] <= document["prices_read"]["newest"]


def test_the_cheapest_alternative_of_nat_gateways_is_public_addresses() -> None:
    settings = Settings.parse({"egress": "nat_per_zone"})
    found = alternatives(settings, US, planned)
    assert [dict(each.changes) for each in found[:2]] == [{"egress": "public"}, {"egress": "nat"}]
    assert found == sorted(found, key=lambda each: each.monthly)
    now = monthly_cost(planned(settings), US).monthly
    assert found[0].monthly + found[0].saving == pytest.approx(now)


def test_what_is_set_already_is_no_alternative() -> None:
    settings = Settings.parse({"architecture": "ARM64", "spot": "true", "monitoring": "false"})
    assert alternatives(settings, US, planned) == []


def test_monitoring_is_named_with_what_it_costs_where_it_can_be_left_out() -> None:
    found = {each.words: each for each in alternatives(Settings.parse({}), US, planned)}
    estimate = monthly_cost(planned(Settings.parse({})), US)
    cost = priced(estimate, "CloudWatch alarms") + priced(estimate, "CloudWatch dashboards")
    assert found["monitoring: false"].saving == pytest.approx(cost)
    needed = Settings.parse({"strategy": "canary"})
    assert "monitoring: false" not in {e.words for e in alternatives(needed, US, planned)}


def test_the_resources_of_a_state() -> None:
    row = {"urn": "urn:pulumi:dev::p::aws:kms/key:Key::k", "type": "aws:kms/key:Key"}
    found = of_state({"resources": [{**row, "custom": True, "inputs": {"a": secret("b")}}]})
    assert found.all == [Resource("aws:kms/key:Key", "k", {"a": "b"})]
    assert of_state({}).all == []


def secret(value: object) -> Mapping[str, object]:
    return {stock.SIGNATURE: stock.SECRET, "value": value}


def test_an_encrypted_value_is_not_told() -> None:
    assert stock.told({"a": [{stock.SIGNATURE: stock.SECRET, "ciphertext": "x"}]}) == {"a": [None]}


def test_a_pipeline_with_secret_stages_is_charged_as_usual() -> None:
    found = Resources([Resource("aws:codepipeline/pipeline:Pipeline", "p", {"stages": None})])
    assert priced(monthly_cost(found, US), "Pipeline: 4 actions") > 0


def event(operation: OpType, name: str, old: bool, new: bool) -> EngineEvent:
    urn = f"urn:pulumi:dev::p::aws:kms/key:Key::{name}"
    state = StepEventStateMetadata(
        urn=urn, type="aws:kms/key:Key", id="id", parent="", provider="", custom=True
    )
    metadata = StepEventMetadata(
        op=operation,
        urn=urn,
        type="aws:kms/key:Key",
        provider="",
        old=state if old else None,
        new=state if new else None,
    )
    return EngineEvent(0, 0, resource_pre_event=ResourcePreEvent(metadata))


def test_a_plan_knows_before_and_after() -> None:
    plan = Plan()
    plan.on_event(event(OpType.SAME, "kept", old=True, new=True))
    plan.on_event(event(OpType.CREATE, "new", old=False, new=True))
    plan.on_event(event(OpType.DELETE, "gone", old=True, new=False))
    plan.on_event(event(OpType.CREATE_REPLACEMENT, "other", old=True, new=True))
    plan.on_event(event(OpType.DELETE_REPLACED, "other", old=True, new=False))
    assert {each.name for each in plan.before.all} == {"kept", "gone", "other"}
    assert {each.name for each in plan.after.all} == {"kept", "new", "other"}


def test_the_difference_is_told_by_line() -> None:
    before, after = (monthly_cost(program("default", **c), US) for c in ({}, {"egress": "nat"}))
    changed = changed_lines(before, after)
    assert changed["NAT gateways: 1"] == pytest.approx(730 * 0.045)
    assert changed["Public addresses of the tasks: 2"] == pytest.approx(-2 * 730 * 0.005)
    assert "Application load balancer" not in changed
    assert sum(changed.values()) == pytest.approx(after.monthly - before.monthly, abs=0.02)


def test_queries_that_a_preview_does_not_know_are_no_fault() -> None:
    kind = "aws:cloudwatch/metricAlarm:MetricAlarm"
    unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # how the engine writes an unknown value
    alarm = Resource(kind, "math", {"metricQueries": unknown})
    assert priced(monthly_cost(Resources((alarm,)), US), "larm") > 0


def test_a_service_that_runs_is_priced_as_a_new_one() -> None:
    """The engine's preview has the number of tasks with which the service began."""
    new = program("default", desired_count=1)
    running = Resources(
        [
            Resource(each.type, each.name, {**each.inputs, "desiredCount": 2})
            if each.type == "aws:ecs/service:Service"
            else each
            for each in new.all
        ]
    )
    for words in ("Fargate", "Public addresses of the tasks: 1"):
        assert priced(monthly_cost(running, US), words) == priced(monthly_cost(new, US), words)


def resource(kind: str, **inputs: Any) -> Resource:
    return Resource(f"aws:{kind}", "thing", inputs)


def test_tables_queues_and_databases() -> None:
    found = monthly_cost(
        Resources(
            [
                resource("dynamodb/table:Table", billingMode="PAY_PER_REQUEST"),
                resource("dynamodb/table:Table", readCapacity=2, writeCapacity=1),
                resource("sqs/queue:Queue"),
                resource("sqs/queue:Queue", fifoQueue=True),
                resource(
                    "rds/instance:Instance", instanceClass="db.t4g.micro", allocatedStorage=20
                ),
            ]
        ),
        US,
    )
    assert priced(found, "table thing: writes") == pytest.approx(0.625)
    assert priced(found, "read units") == pytest.approx(2 * 730 * 0.00013)
    assert priced(found, "SQS queue") == pytest.approx(0.9)
    assert priced(found, "1 x db.t4g.micro") == pytest.approx(730 * 0.016)
    assert priced(found, "disk of 20 GB") == pytest.approx(2.3)
    assert found.unpriced == []


def test_a_standby_costs_as_much_again_and_an_unknown_class_is_told() -> None:
    database = {"instanceClass": "db.t4g.micro", "allocatedStorage": 20, "multiAz": True}
    one = monthly_cost(Resources([resource("rds/instance:Instance", **database)]), US)
    assert priced(one, "2 x db.t4g.micro") == pytest.approx(2 * 730 * 0.016)
    other = {**database, "instanceClass": "db.x9.huge"}
    unknown = monthly_cost(Resources([resource("rds/instance:Instance", **other)]), US)
    assert unknown.unpriced == ["aws:rds/instance:Instance (db.x9.huge)"]


@pytest.mark.parametrize(("size", "price"), [("small", 0.005), ("large", 0.02)])
def test_builds_are_paid_by_the_size_of_their_machines(size: str, price: float) -> None:
    project = resource(
        "codebuild/project:Project",
        environment={
            "type": "LINUX_CONTAINER",
            "computeType": f"BUILD_GENERAL1_{size.upper()}",
        },
    )
    (line,) = monthly_cost(Resources([project]), US).lines
    assert line.unit_price == price


def test_workers_alone_pay_for_no_load_balancer() -> None:
    worker = {"command": ["work"], "min_count": 2}
    estimate = monthly_cost(planned(Settings.parse({"web": False, "processes": {"w": worker}})), US)
    assert priced(estimate, "Fargate x86_64: 2 tasks on demand, 0.25 vCPU each") > 0
    assert not any(
        "oad balancer" in line.item or "internet" in line.item for line in estimate.lines
    )


def test_each_process_is_priced_by_its_own_size_and_bounds() -> None:
    worker = {"command": ["work"], "cpu": 1024, "memory": 2048, "min_count": 3, "max_count": 9}
    settings = Settings.parse({**MATRIX["minimal"], "processes": {"worker": worker}})
    estimate = monthly_cost(planned(settings), US)
    tasks = [line.item for line in estimate.lines if "vCPU each" in line.item]
    assert len(tasks) == 2
    assert any("3 tasks" in item and "1 vCPU" in item for item in tasks)
    assert any("2 tasks" in item and "0.25 vCPU" in item for item in tasks)
