"""Alarms and a dashboard in CloudWatch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pulumi
import pulumi_aws as aws

from infra.context import Context
from infra.ingress.ingress import Ingress
from infra.ingress.routed import RoutedIngress
from infra.ingress.without_web import WithoutWeb
from infra.monitoring import dashboard
from infra.monitoring.alarms import (
    PERIOD_SECONDS,
    Alarm,
    Limits,
    Watched,
    process_alarms,
    release_alarms,
    service_alarms,
)
from infra.service.processes import ProcessService
from infra.service.service import Service
from infra.settings.model import Settings


def watched(
    cluster: pulumi.Input[str],
    service: pulumi.Input[str],
    balancer: pulumi.Input[str],
    target_groups: Sequence[pulumi.Input[str]],
) -> pulumi.Output[Watched]:
    """What is watched, once its names are known; see `Watched`."""
    groups = pulumi.Output.all(*target_groups)
    return pulumi.Output.all(cluster, service, balancer, groups).apply(
        lambda known: Watched(*known)
    )


NAMELESS = Watched("", "", "", [""])
"""Stands for what is watched where only the number of alarms, and what they say, matters."""


@dataclass(frozen=True)
class AlarmsArgs:
    """A set of alarms.

    Attributes:
        table: the alarms; how many there are must not depend on what is watched.
        watched: what they watch.
        topic_arn: where they are reported; None for nowhere.
        needs: what must exist before they can be quiet.
        process: the process that they watch; empty for the web process.
    """

    table: Callable[[Watched], list[Alarm]]
    watched: pulumi.Output[Watched]
    topic_arn: pulumi.Input[str] | None
    needs: Sequence[pulumi.Resource] = field(default_factory=tuple)
    process: str = ""


class Alarms(pulumi.ComponentResource):
    """Alarms of CloudWatch.

    Attributes:
        alarm_names: their names, once they exist.
        arns: their ARNs.
    """

    alarm_names: list[pulumi.Output[str]]
    arns: list[pulumi.Output[str]]

    def __init__(
        self,
        name: str,
        context: Context,
        args: AlarmsArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Alarms", name, None, opts)
        self._name, self._context, self._args = name, context, args
        alarms = [self._alarm(number, row) for number, row in enumerate(args.table(NAMELESS))]
        self.alarm_names = [alarm.name for alarm in alarms]
        self.arns = [alarm.arn for alarm in alarms]
        self.register_outputs({"alarm_names": self.alarm_names})

    def _alarm(self, number: int, alarm: Alarm) -> aws.cloudwatch.MetricAlarm:
        args = self._args
        actions = None if args.topic_arn is None else [args.topic_arn]
        return aws.cloudwatch.MetricAlarm(
            f"{self._name}-{alarm.kind}",
            name=self._context.names.alarm(alarm.kind, args.process),
            alarm_description=alarm.description,
            comparison_operator=alarm.comparison,
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.breaching,
            treat_missing_data=alarm.missing,
            metric_queries=args.watched.apply(
                lambda names: metric_queries(args.table(names)[number])
            ),
            alarm_actions=actions,
            ok_actions=actions,
            tags=dict(self._context.tags),
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(args.needs)),
        )


def metric_queries(alarm: Alarm) -> list[aws.cloudwatch.MetricAlarmMetricQueryArgs]:
    """The series of an alarm, and its expression over them."""
    queries = [
        aws.cloudwatch.MetricAlarmMetricQueryArgs(
            id=identifier,
            return_data=not alarm.expression,
            metric=aws.cloudwatch.MetricAlarmMetricQueryMetricArgs(
                namespace=metric.namespace,
                metric_name=metric.name,
                period=PERIOD_SECONDS,
                stat=metric.statistic,
                dimensions=dict(metric.dimensions),
            ),
        )
        for identifier, metric in alarm.metrics.items()
    ]
    if alarm.expression:
        queries.append(
            aws.cloudwatch.MetricAlarmMetricQueryArgs(
                id="value", expression=alarm.expression, label=alarm.kind, return_data=True
            )
        )
    return queries


@dataclass(frozen=True)
class DashboardArgs:
    """What the dashboard shows.

    Attributes:
        watched: whose metrics.
        limits: drawn as level lines.
        alarm_arns: shown by their state.
        processes: process → its service, in graphs of its own.
    """

    watched: pulumi.Output[Watched]
    limits: Limits
    alarm_arns: Sequence[pulumi.Input[str]]
    processes: Mapping[str, dashboard.Tasks]


class Dashboard(pulumi.ComponentResource):
    """A dashboard, and the rule by whose metric it draws releases."""

    def __init__(
        self,
        name: str,
        context: Context,
        args: DashboardArgs,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("fargate-cd:infra:Dashboard", name, None, opts)
        names = context.names
        service = context.account.arn("ecs", f"service/{names.cluster}/{names.service}")
        rule = aws.cloudwatch.EventRule(
            f"{name}-releases",
            name=names.releases,
            description=f"A deployment of {names.service} begins; its metric marks releases",
            event_pattern=json.dumps(
                {
                    "source": ["aws.ecs"],
                    "detail-type": ["ECS Deployment State Change"],
                    "resources": [service],
                    "detail": {"eventName": ["SERVICE_DEPLOYMENT_IN_PROGRESS"]},
                }
            ),
            tags=dict(context.tags),
            opts=pulumi.ResourceOptions(parent=self),
        )
        shown = pulumi.Output.all(args.watched, pulumi.Output.all(*args.alarm_arns), rule.name)
        aws.cloudwatch.Dashboard(
            f"{name}-dashboard",
            dashboard_name=names.dashboard,
            dashboard_body=shown.apply(
                lambda known: json.dumps(
                    dashboard.body(
                        context.account.region,
                        known[0],
                        args.limits,
                        known[1],
                        known[2],
                        args.processes,
                    )
                )
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.register_outputs({})


class Monitoring:
    """The alarms and the dashboard of an environment; none with `monitoring: false`.

    Attributes:
        release_alarm_names: the alarms that tell a bad release, which exist before the service.
    """

    release_alarm_names: list[pulumi.Output[str]]

    def __init__(
        self,
        context: Context,
        ingress: Ingress | RoutedIngress | WithoutWeb,
        topic_arn: pulumi.Input[str] | None,
    ) -> None:
        self._context, self._topic_arn = context, topic_arn
        self._watched = _watched_behind(context, ingress)
        self._limits = limits(context.settings)
        self._release: list[Alarms] = []
        if context.settings.monitoring and context.settings.web:
            self._release = [self._alarms("release-alarms", release_alarms, ())]
        self.release_alarm_names = [name for each in self._release for name in each.alarm_names]

    def watch(self, web: Service | None, processes: Mapping[str, ProcessService]) -> None:
        """Watch the services, now that they run; before, they would count as failing."""
        if not self._context.settings.monitoring:
            return
        of_web = [self._alarms("alarms", service_alarms, (web,))] if web is not None else []
        of_processes = [self._of_process(name, each) for name, each in processes.items()]
        args = DashboardArgs(
            watched=self._watched,
            limits=self._limits,
            alarm_arns=[
                arn for each in (*self._release, *of_web, *of_processes) for arn in each.arns
            ],
            processes={name: self._tasks(name) for name in processes},
        )
        Dashboard("dashboard", self._context, args)

    def _tasks(self, process: str) -> dashboard.Tasks:
        """The tasks of a process, as the dashboard shows them."""
        names, settings = self._context.names, self._context.settings
        service = Watched(names.cluster, names.process(process), "", [""])
        return dashboard.Tasks(service, settings.processes[process].min_count)

    def _of_process(self, name: str, process: ProcessService) -> Alarms:
        """The alarms of a process: fewer tasks than should run, messages that wait for long."""
        context, names = self._context, self._context.names
        few = replace(self._limits, tasks=context.settings.processes[name].min_count)
        none: pulumi.Output[str] = pulumi.Output.from_input("")
        queue = process.queue_name
        args = AlarmsArgs(
            table=lambda known: process_alarms(known, few, queue is not None),
            watched=watched(names.cluster, names.process(name), none, [queue or none]),
            topic_arn=self._topic_arn,
            needs=(process,),
            process=name,
        )
        return Alarms(f"alarms-{name}", context, args)

    def _alarms(
        self,
        name: str,
        table: Callable[[Watched, Limits], list[Alarm]],
        needs: Sequence[pulumi.Resource],
    ) -> Alarms:
        args = AlarmsArgs(
            table=lambda names: table(names, self._limits),
            watched=self._watched,
            topic_arn=self._topic_arn,
            needs=needs,
        )
        return Alarms(name, self._context, args)


def _watched_behind(
    context: Context, ingress: Ingress | RoutedIngress | WithoutWeb
) -> pulumi.Output[Watched]:
    names = context.names
    if isinstance(ingress, WithoutWeb):
        return pulumi.Output.from_input(Watched(names.cluster, names.service, "", [""]))
    balancer = ingress.balancer
    return watched(
        names.cluster, names.service, balancer.arn_suffix, balancer.target_group_arn_suffixes
    )


def limits(settings: Settings) -> Limits:
    """Return the alarms' thresholds for these settings."""
    fewest = min([settings.lowest_count, *(each.min_count for each in settings.scheduled_scaling)])
    if settings.lead:
        fewest = settings.processes[settings.lead].min_count
    return Limits(
        errors=settings.error_limit,
        latency=settings.latency_limit / 1000,
        tasks=fewest,
        insights=settings.container_insights,
    )
