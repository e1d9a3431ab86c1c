"""Metrics, alarms and scaling: one row a behaviour that AWS documents, with the page's address."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from localcloud.tests.conformance.ecs_stage import ACCOUNT, GUIDE, REGION, Stage, refused, wait_for
from localcloud.tests.conformance.table import Played, Row, Table

TABLE: Table[Stage] = Table()
row = TABLE.row

CLOUDWATCH = "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/"
SCALING = "https://docs.aws.amazon.com/autoscaling/application/userguide/"


def put(
    cloud: Stage, name: str, values: list[float], namespace: str = "rows", **dimensions: str
) -> None:
    """A value for each of the last whole minutes, the newest last."""
    minute = datetime.now(UTC).replace(second=0, microsecond=0)
    pairs = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    cloud.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": pairs,
                "Value": value,
                "Timestamp": minute - timedelta(minutes=back),
            }
            for back, value in enumerate(reversed(values), start=1)
        ],
    )


def alarm(cloud: Stage, name: str, **others: Any) -> None:
    """An alarm on a metric of the same name that is above 1 for two minutes of three."""
    request: dict[str, Any] = {
        "AlarmName": name,
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    if "Metrics" not in others:
        request |= {"Namespace": "rows", "MetricName": name, "Statistic": "Sum", "Period": 60}
    cloud.client("cloudwatch").put_metric_alarm(**(request | others))


def state(cloud: Stage, name: str) -> str:
    """An alarm's state."""
    found = cloud.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found[0]["StateValue"])


@contextmanager
def kept_high(cloud: Stage, name: str) -> Iterator[None]:
    """A metric that is above its alarm's threshold all the while."""
    ended = threading.Event()
    client = cloud.client("cloudwatch")

    def publish() -> None:
        while not ended.wait(1):
            client.put_metric_data(
                Namespace="rows", MetricData=[{"MetricName": name, "Value": 5.0}]
            )

    thread = threading.Thread(target=publish, daemon=True)
    thread.start()
    yield
    ended.set()
    thread.join()


@row("a metric is its name and exactly its dimensions", CLOUDWATCH + "cloudwatch_concepts.html")
def exact_dimensions(cloud: Stage) -> None:
    put(cloud, "exact", [1.0])
    put(cloud, "exact", [10.0], Zone="a")
    put(cloud, "exact", [100.0], Zone="a", Host="b")
    now = datetime.now(UTC)
    cloudwatch = cloud.client("cloudwatch")
    metric = {
        "Namespace": "rows",
        "MetricName": "exact",
        "Dimensions": [{"Name": "Zone", "Value": "a"}],
    }
    span = {"StartTime": now - timedelta(minutes=10), "EndTime": now}
    points = cloudwatch.get_metric_statistics(**metric, **span, Period=60, Statistics=["Sum"])
    assert [point["Sum"] for point in points["Datapoints"]] == [10.0]
    queries = [
        {"Id": "a", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}},
        {"Id": "twice", "Expression": "2 * a"},
    ]
    data = cloudwatch.get_metric_data(MetricDataQueries=queries, **span)["MetricDataResults"]
    assert {one["Id"]: one["Values"] for one in data} == {"a": [10.0], "twice": [20.0]}


@row("an alarm goes off, tells its topic, and calms down", CLOUDWATCH + "alarm-evaluation.html")
def alarm_acts(cloud: Stage) -> None:
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:alarms")
    alarm(cloud, "acts", AlarmActions=[topic])
    assert state(cloud, "acts") == "INSUFFICIENT_DATA"
    put(cloud, "acts", [0.0, 5.0, 5.0])
    wait_for(lambda: state(cloud, "acts") == "ALARM")
    message = wait_for(
        lambda: sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=1).get("Messages")
    )[0]
    told = json.loads(json.loads(message["Body"])["Message"])
    assert (told["AlarmName"], told["NewStateValue"], told["OldStateValue"]) == (
        "acts",
        "ALARM",
        "INSUFFICIENT_DATA",
    )
    alarm(cloud, "acts", Threshold=100)
    wait_for(lambda: state(cloud, "acts") == "OK")


@row("an alarm on metric math", CLOUDWATCH + "using-metric-math.html")
def alarm_on_math(cloud: Stage) -> None:
    def stat(identifier: str, name: str) -> dict[str, Any]:
        metric = {"Namespace": "rows", "MetricName": name}
        query = {"Metric": metric, "Period": 60, "Stat": "Sum"}
        return {"Id": identifier, "MetricStat": query, "ReturnData": False}

    ratio = {"Id": "share", "Expression": "100 * errors / SUM([errors, good])"}
    alarm(
        cloud, "share", Metrics=[stat("errors", "bad"), stat("good", "good"), ratio], Threshold=10
    )
    put(cloud, "bad", [1.0, 20.0, 30.0])
    put(cloud, "good", [99.0, 80.0, 70.0])
    wait_for(lambda: state(cloud, "share") == "ALARM")


@row("what no alarm here can do is refused by its name", CLOUDWATCH + "Create_Composite_Alarm.html")
def refused_alarms(cloud: Stage) -> None:
    cloudwatch = cloud.client("cloudwatch")
    code, words = refused(
        lambda: cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule='ALARM("acts")')
    )
    assert (code, "composite alarms" in words) == ("ValidationError", True)
    reboot = f"arn:aws:automate:{REGION}:ec2:reboot"
    code, words = refused(lambda: alarm(cloud, "reboots", AlarmActions=[reboot]))
    assert (code, reboot in words) == ("ValidationError", True)
    code, words = refused(lambda: alarm(cloud, "trimmed", Statistic="Sum", Metrics=[
        {"Id": "a", "Expression": "ANOMALY_DETECTION_BAND(a)"}
    ]))  # fmt: skip
    assert (code, "no metric a" in words) == ("ValidationError", True)


@row(
    "a deployment's alarm fails it; one that is on before it begins does not",
    GUIDE + "deployment-alarm-failure.html",
)
def deployment_alarm(cloud: Stage) -> None:
    cluster = cloud.cluster()
    alarm(cloud, "release", Period=10, EvaluationPeriods=1, DatapointsToAlarm=1)
    good = cloud.definition()
    alarms = {"alarms": {"alarmNames": ["release"], "enable": True, "rollback": True}}
    service = cloud.service(cluster, good, None, deploymentConfiguration=alarms)
    cloud.rolled_out(cluster, service)

    def deployed(definition: str) -> dict[str, Any]:
        cloud.ecs.update_service(cluster=cluster, service=service, taskDefinition=definition)
        cloud.rolled_out(cluster, service)
        entry = cloud.ledger(cluster, service)[0]["serviceDeploymentArn"]
        answer = cloud.ecs.describe_service_deployments(serviceDeploymentArns=[entry])
        return dict(answer["serviceDeployments"][0])

    with kept_high(cloud, "release"):
        never = {"command": ["CMD", "false"], "startPeriod": 300, "retries": 10}
        details = deployed(cloud.definition(healthCheck=never))
        assert details["status"] == "ROLLBACK_SUCCESSFUL"
        assert details["alarms"]["triggeredAlarmNames"] == ["release"]
        assert cloud.described(cluster, service)["taskDefinition"] == good
        assert state(cloud, "release") == "ALARM"
        assert deployed(cloud.definition())["status"] == "SUCCESSFUL"


def tracked(cloud: Stage, name: str, desired: int, **others: Any) -> tuple[str, str]:
    """A service whose number of tasks follows a metric of its own; its cluster and name."""
    cluster = cloud.cluster()
    service = cloud.service(cluster, cloud.definition(), None, desiredCount=desired)
    cloud.rolled_out(cluster, service)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{cluster}/{service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    metric = {"Namespace": "rows", "MetricName": name, "Statistic": "Average"}
    if "PredefinedMetricSpecification" not in others:
        others = {"CustomizedMetricSpecification": metric, **others}
    scaling.put_scaling_policy(
        **target,
        PolicyName=name,
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 50.0,
            **others,
        },
    )
    return cluster, service


SCHEDULED = SCALING + "application-auto-scaling-scheduled-scaling.html"
STEPS = SCALING + "application-auto-scaling-step-scaling-policies.html"
TRACKING = SCALING + "target-tracking-scaling-policy-overview.html"


@row("above its target a service grows in proportion, up to its maximum", TRACKING)
def scaling_out(cloud: Stage) -> None:
    cluster, service = tracked(cloud, "grow", 1)
    put(cloud, "grow", [200.0] * 3)
    cloud.await_running(cluster, service, 3)
    activities = cloud.client("application-autoscaling").describe_scaling_activities(
        ServiceNamespace="ecs", ResourceId=f"service/{cluster}/{service}"
    )["ScalingActivities"]
    assert [a["Description"] for a in activities] == ["Setting desired count to 3."]


MATH = SCALING + "application-auto-scaling-target-tracking-metric-math.html"


@row("a policy follows metric math over several metrics, of which some have no data", MATH)
def scaling_by_metric_math(cloud: Stage) -> None:
    stats = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {"Metric": {"Namespace": "rows", "MetricName": name}, "Stat": "Average"},
        }
        for name in ("blue", "green")
    ]
    total = {"Id": "total", "Expression": "SUM([blue, green])", "ReturnData": True}
    cluster, service = tracked(
        cloud, "shifted", 1, CustomizedMetricSpecification={"Metrics": [*stats, total]}
    )
    put(cloud, "green", [100.0] * 3)
    cloud.await_running(cluster, service, 2)


ELB_METRICS = (
    "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/"
    "load-balancer-cloudwatch-metrics.html"
)


@row("a target group without requests has no data, and what follows it alone is not scaled", MATH)
def requests_of_the_other_group(cloud: Stage) -> None:
    """As a release does that moves traffic to its second group, and the next one that moves back.

    The load balancer reports a group's metrics only while requests flow, and target tracking does
    nothing without data: see ELB_METRICS and TRACKING.
    """

    def of(group: str) -> dict[str, str]:
        return {"LoadBalancer": "app/shop/1a", "TargetGroup": f"targetgroup/{group}/2b"}

    def requests(group: str) -> None:
        namespace = "AWS/ApplicationELB"
        put(cloud, "RequestCountPerTarget", [100.0] * 3, namespace, **of(group))

    counted = [
        {
            "Id": group,
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/ApplicationELB",
                    "MetricName": "RequestCountPerTarget",
                    "Dimensions": [{"Name": k, "Value": v} for k, v in of(group).items()],
                },
                "Stat": "Sum",
            },
        }
        for group in ("blue", "green")
    ]
    total = {"Id": "total", "Expression": "SUM([blue, green])", "ReturnData": True}
    both = tracked(cloud, "both", 1, CustomizedMetricSpecification={"Metrics": [*counted, total]})
    label = "app/shop/1a/targetgroup/blue/2b"
    predefined = {"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label}
    one = tracked(cloud, "one", 1, PredefinedMetricSpecification=predefined)

    requests("green")
    cloud.await_running(*both, 2)
    assert cloud.described(*one)["desiredCount"] == 1
    requests("blue")
    cloud.await_running(*one, 2)


@row("below its target for long it shrinks, down to its minimum", TRACKING)
def scaling_in(cloud: Stage) -> None:
    cluster, service = tracked(cloud, "shrink", 3)
    kept_cluster, kept = tracked(cloud, "stay", 2, DisableScaleIn=True)
    for name in ("shrink", "stay"):
        put(cloud, name, [10.0] * 15)
    cloud.await_running(cluster, service, 1)
    assert cloud.described(kept_cluster, kept)["desiredCount"] == 2


@row(
    "a scheduled action sets the bounds",
    SCHEDULED,
)
def scheduled(cloud: Stage) -> None:
    cluster = cloud.cluster()
    service = cloud.service(cluster, cloud.definition(), None)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{cluster}/{service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling = cloud.client("application-autoscaling")
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    bounds = {"MinCapacity": 2, "MaxCapacity": 4}
    code, words = refused(
        lambda: scaling.put_scheduled_action(
            **target,
            ScheduledActionName="odd",
            Schedule="cron(0 8 L * ? *)",
            ScalableTargetAction=bounds,
        )
    )
    assert (code, "does not know L" in words) == ("ValidationException", True)
    scaling.put_scheduled_action(
        **target,
        ScheduledActionName="each-minute",
        Schedule="cron(* * * * ? *)",
        ScalableTargetAction=bounds,
    )
    cloud.await_running(cluster, service, 2)


def steps_of(
    cloud: Stage, target: dict[str, str], name: str, adjustments: list[dict[str, Any]]
) -> str:
    """A policy that sets the number of tasks by steps; its ARN."""
    policy = cloud.client("application-autoscaling").put_scaling_policy(
        **target,
        PolicyName=name,
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ExactCapacity",
            "Cooldown": 10,
            "StepAdjustments": adjustments,
        },
    )
    return str(policy["PolicyARN"])


QUEUES = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html"


@row("steps on a queue's messages bring a service from 0 to what they call for, and back", STEPS)
def step_scaling(cloud: Stage) -> None:
    cluster = cloud.cluster()
    service = cloud.service(cluster, cloud.definition(), None, desiredCount=0)
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": f"service/{cluster}/{service}",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    cloud.client("application-autoscaling").register_scalable_target(
        **target, MinCapacity=0, MaxCapacity=3
    )
    one = {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1}
    two = {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 2}
    none = {"MetricIntervalUpperBound": 0, "ScalingAdjustment": 0}
    watched = {
        "Namespace": "AWS/SQS",
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": f"steps-{cluster}"}],
        "Statistic": "Maximum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "Threshold": 1,
    }
    for name, adjustments, comparison in (
        (f"busy-{cluster}", [one, two], "GreaterThanOrEqualToThreshold"),
        (f"idle-{cluster}", [none], "LessThanThreshold"),
    ):
        arn = steps_of(cloud, target, name, adjustments)
        alarm(cloud, name, **watched, ComparisonOperator=comparison, AlarmActions=[arn])
    queue = cloud.client("sqs").create_queue(QueueName=f"steps-{cluster}")["QueueUrl"]
    for number in range(12):
        cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=str(number))
    cloud.await_running(cluster, service, 2)
    cloud.client("sqs").purge_queue(QueueUrl=queue)
    cloud.await_running(cluster, service, 0)


@row("SQS tells of messages in flight and of the oldest message only where there are any", QUEUES)
def queue_metrics(cloud: Stage) -> None:
    sqs = cloud.client("sqs")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]

    def newest(name: str) -> float | None:
        now = datetime.now(UTC)
        points = cloud.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=name,
            Dimensions=[{"Name": "QueueName", "Value": "told"}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
        latest = max(points, key=lambda point: point["Timestamp"], default=None)
        return float(latest["Maximum"]) if latest else None

    in_flight, oldest = "ApproximateNumberOfMessagesNotVisible", "ApproximateAgeOfOldestMessage"
    wait_for(lambda: newest("ApproximateNumberOfMessagesVisible") == 0)
    assert (newest(in_flight), newest(oldest)) == (None, None)
    for body in ("a", "b"):
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=1, VisibilityTimeout=300)
    wait_for(lambda: newest("ApproximateNumberOfMessagesVisible") == 1 and newest(in_flight) == 1)
    assert newest(oldest) is not None


@row("steps other than of exact numbers are refused by their name, and gaps as AWS does", STEPS)
def refused_steps(cloud: Stage) -> None:
    def put_steps(kind: str, *adjustments: dict[str, int]) -> tuple[str, str]:
        return refused(
            lambda: cloud.client("application-autoscaling").put_scaling_policy(
                ServiceNamespace="ecs",
                ResourceId="service/a/b",
                ScalableDimension="ecs:service:DesiredCount",
                PolicyName="steps",
                PolicyType="StepScaling",
                StepScalingPolicyConfiguration={
                    "AdjustmentType": kind,
                    "StepAdjustments": list(adjustments),
                },
            )
        )

    code, words = put_steps("ChangeInCapacity")
    assert (code, "ChangeInCapacity" in words) == ("ValidationException", True)
    low = {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 5, "ScalingAdjustment": 1}
    high = {"MetricIntervalLowerBound": 6, "ScalingAdjustment": 2}
    code, words = put_steps("ExactCapacity", low, high)
    assert (code, "gap" in words) == ("ValidationException", True)


INSIGHTS = CLOUDWATCH + "Container-Insights-metrics-ECS.html"


@row("services publish their use each minute, and with Container Insights their tasks", INSIGHTS)
def service_metrics(cloud: Stage) -> None:
    cluster = cloud.cluster()
    enabled = [{"name": "containerInsights", "value": "enabled"}]
    cloud.ecs.update_cluster_settings(cluster=cluster, settings=enabled)
    service = cloud.service(cluster, cloud.definition(), None, desiredCount=2)
    cloud.rolled_out(cluster, service)
    cloudwatch = cloud.client("cloudwatch")

    def newest(namespace: str, name: str, statistic: str) -> float | None:
        dimensions = {"ClusterName": cluster, "ServiceName": service}
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
            StartTime=datetime.now(UTC) - timedelta(minutes=10),
            EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=60,
            Statistics=[statistic],
        )["Datapoints"]
        return float(points[-1][statistic]) if points else None

    wait_for(lambda: newest("ECS/ContainerInsights", "RunningTaskCount", "Maximum") == 2)
    assert newest("ECS/ContainerInsights", "DesiredTaskCount", "Maximum") == 2
    wait_for(lambda: newest("AWS/ECS", "CPUUtilization", "SampleCount") == 2)
    used = newest("AWS/ECS", "MemoryUtilization", "Average")
    assert used is not None
    assert 0 < used < 100


@pytest.mark.parametrize("row", TABLE.rows, ids=str)
def test_behaves_as_documented(played: Played, row: Row[Stage]) -> None:
    played.await_end(row)
