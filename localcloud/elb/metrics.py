"""The metrics of load balancers in CloudWatch, from HAProxy's own counters.

Counts are exact but for the requests that are in flight while a worker is replaced: counters are
read before that, and before a server goes. TargetResponseTime is the average of the minute: its
percentiles, minimum and maximum are all that average.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.elb.configuration import frontend_name, time_variable
from localcloud.elb.model import LoadBalancer, Plane, State, TargetGroup
from localcloud.elb.targets import Target

NAMESPACE = "AWS/ApplicationELB"
PERIOD_SECONDS = 60
LARGEST_REQUEST = 500
"""Metrics in one PutMetricData; AWS takes 1,000."""

COUNTERS = (
    "hrsp_2xx",
    "hrsp_3xx",
    "hrsp_4xx",
    "hrsp_5xx",
    "req_tot",
    "conn_tot",
    "econ",
    "bin",
    "bout",
)
"""Columns of `show stat`. https://docs.haproxy.org/2.6/management.html#9.1"""

Key = tuple[str, str]
"""A proxy's name and what is counted; servers are added up by their backend."""

Source = tuple[str, str, str]
"""A proxy's name, a server's or `FRONTEND`, and what is counted."""


def counted(stat: str) -> dict[Source, int]:
    """The counters of `show stat`: of frontends and of servers."""
    return {
        (row["pxname"], row["svname"], column): int(row.get(column) or 0)
        for row in csv.DictReader(io.StringIO(stat.removeprefix("# ")))
        if row["svname"] != "BACKEND"
        for column in COUNTERS
    }


class Meter:
    """Adds up what workers count, however many there are and whenever they begin again.

    Args:
        ask: puts a command to HAProxy's master and returns the answer.
        workers: the names of the workers, the current one first.
    """

    def __init__(self, ask: Callable[[str], str], workers: Callable[[], list[str]]) -> None:
        self._ask = ask
        self._workers = workers
        self._last: dict[str, dict[Source, int]] = {}
        self._sum: Counter[Key] = Counter()

    def read(self, plane: Plane) -> None:
        """Take in what was counted since the last time."""
        now = {worker: self._counters(worker, plane) for worker in self._workers()}
        for worker, counters in now.items():
            before = self._last.get(worker, {})
            for (proxy, server, column), value in counters.items():
                last = before.get((proxy, server, column), 0)
                self._sum[proxy, column] += value - last if value >= last else value
        self._last = now

    def skip(self, plane: Plane) -> None:
        """Take what was counted so far as reported: it was, by the process before this one."""
        self.read(plane)
        self._sum.clear()

    def take(self) -> Counter[Key]:
        """What was counted since it was last taken."""
        taken, self._sum = self._sum, Counter()
        return taken

    def _counters(self, worker: str, plane: Plane) -> dict[Source, int]:
        stat = self._ask(f"{worker} show stat")
        if not stat.startswith("# pxname"):
            return {}  # it has just ended
        found = counted(stat)
        for group in plane.target_groups:
            answer = self._ask(f"{worker} get var {time_variable(group)}")
            if "value=<" in answer:
                sum_of_times = int(answer.split("<")[1].split(">")[0])
                found[group.backend, "", "microseconds"] = sum_of_times
        return found


def metric(
    name: str, dimensions: Mapping[str, str], value: float, unit: str = "Count"
) -> dict[str, Any]:
    """A datum of PutMetricData."""
    rows = [{"Name": key, "Value": one} for key, one in dimensions.items()]
    return {"MetricName": name, "Dimensions": rows, "Value": value, "Unit": unit}


def _suffix(arn: str, kind: str) -> str:
    """The part of an ARN that CloudWatch's dimensions use."""
    tail = arn.split(":", 5)[5]
    return tail.removeprefix("loadbalancer/") if kind == "loadbalancer" else tail


def _response_codes(counts: Counter[Key], name: str) -> dict[str, int]:
    return {code: counts[name, f"hrsp_{code}"] for code in ("2xx", "3xx", "4xx", "5xx")}


def _response_time(
    dimensions: Mapping[str, str], answered: int, microseconds: int
) -> dict[str, Any]:
    seconds = microseconds / 1_000_000
    average = seconds / answered
    statistics = {
        "SampleCount": answered,
        "Sum": seconds,
        "Minimum": average,
        "Maximum": average,
    }
    datum = metric("TargetResponseTime", dimensions, average, "Seconds")
    del datum["Value"]
    return {**datum, "StatisticValues": statistics}


def group_metrics(
    balancer: LoadBalancer, group: TargetGroup, counts: Counter[Key], targets: list[Target]
) -> list[dict[str, Any]]:
    """A target group's metrics of one period."""
    both = {
        "LoadBalancer": _suffix(balancer.arn, "loadbalancer"),
        "TargetGroup": _suffix(group.arn, "targetgroup"),
    }
    states = Counter(target.health.state for target in targets)
    healthy, unhealthy = states[State.HEALTHY], states[State.UNHEALTHY]
    found = [
        metric("HealthyHostCount", both, healthy),
        metric("UnHealthyHostCount", both, unhealthy),
    ]
    codes = _response_codes(counts, group.backend)
    answered = sum(codes.values())
    for code, number in codes.items():
        if number:
            found.append(metric(f"HTTPCode_Target_{code.upper()}_Count", both, number))
    if refused := counts[group.backend, "econ"]:
        found.append(metric("TargetConnectionErrorCount", both, refused))
    if answered:
        per_target = answered / max(1, healthy)
        just_group = {"TargetGroup": both["TargetGroup"]}
        found.append(metric("RequestCount", both, answered))
        found += [
            metric("RequestCountPerTarget", where, per_target) for where in (just_group, both)
        ]
        found.append(_response_time(both, answered, counts[group.backend, "microseconds"]))
    return found


def balancer_metrics(
    balancer: LoadBalancer, groups: list[TargetGroup], counts: Counter[Key]
) -> list[dict[str, Any]]:
    """A load balancer's own metrics of one period: all requests, those that it answered itself,
    connections and bytes."""
    where = {"LoadBalancer": _suffix(balancer.arn, "loadbalancer")}
    doors = [frontend_name(listener) for listener in balancer.listeners]
    relayed = [f"relay.{door}" for door in doors]

    def total(names: list[str], column: str) -> int:
        return sum(counts[name, column] for name in names)

    backends = [group.backend for group in groups]
    found = {"RequestCount": total(doors, "req_tot") - total(relayed, "req_tot")}
    for code in ("2xx", "3xx", "4xx", "5xx"):
        by_targets = total(backends, f"hrsp_{code}")
        others = total(doors, f"hrsp_{code}") - total(relayed, f"hrsp_{code}") - by_targets
        found[f"HTTPCode_Target_{code.upper()}_Count"] = by_targets
        if code != "2xx":
            found[f"HTTPCode_ELB_{code.upper()}_Count"] = others
    found["NewConnectionCount"] = total(doors, "conn_tot")
    data = [metric(name, where, value) for name, value in found.items() if value > 0]
    if size := total(doors, "bin") + total(doors, "bout"):
        data.append(metric("ProcessedBytes", where, size, "Bytes"))
    return data


def period_metrics(
    plane: Plane, counts: Counter[Key], targets_of: Callable[[str], list[Target]]
) -> dict[str, list[dict[str, Any]]]:
    """The metrics of one period by region."""
    found: dict[str, list[dict[str, Any]]] = {}
    groups = {group.arn: group for group in plane.target_groups}
    for balancer in plane.load_balancers:
        own = [groups[arn] for arn in sorted(balancer.forwarded_groups()) if arn in groups]
        rows = found.setdefault(balancer.arn.split(":")[3], [])
        rows += balancer_metrics(balancer, own, counts)
        for group in own:
            rows += group_metrics(balancer, group, counts, targets_of(group.arn))
    return found
