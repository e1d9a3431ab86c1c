"""What a first `up` and a release take on AWS, derived and not measured: published durations along
this program's own graph. `python -m benchmarks.timeline` writes the drawing of
docs/performance.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from automation.paths import ROOT
from automation.pricing.offline import offline
from automation.pricing.resources import Resource
from infra.settings.model import Settings

PICTURE = ROOT / "docs" / "aws-timeline.svg"
PAGE = ROOT / "docs" / "performance.md"

TASK_START = 30
CHECKS = 2
"""Passed health checks until a target is healthy, see infra/ingress/load_balancer.py; a new target
counts after its first one: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html"""

OTHERS = 2
"""Seconds for a resource that one call makes."""

DURATIONS: Mapping[str, int] = {
    "aws:lb/loadBalancer:LoadBalancer": 172,
    "awsx:ec2:Vpc": 15,
    "aws:ecs/service:Service": TASK_START,
}
"""Type → seconds, the longest that was published; docs/performance.md has the sources."""

NAT_SECONDS = 112
CODEBUILD_START = 30
SOURCE_SECONDS = 10
IMAGE_SECONDS = 60

WIDTH, LABEL, BAR = 860, 250, 18


@dataclass(frozen=True)
class Step:
    """A step of a timeline.

    Attributes:
        name: what is done.
        start: seconds after the beginning.
        seconds: how long it takes.
    """

    name: str
    start: int
    seconds: int

    @property
    def end(self) -> int:
        """Seconds after the beginning."""
        return self.start + self.seconds


def first_update(settings: Settings) -> list[Step]:
    """The chain of resources that a first `up` waits for, in its order."""
    found = offline(settings, "fargate-cd", "dev", "eu-central-1").all
    parts = {each.name: each for each in found}
    steps: dict[str, Step] = {}
    waited: dict[str, str] = {}

    def made(each: Resource) -> Step:
        if each.name not in steps:
            needs = [made(parts[name]) for name in _needs(each) if name in parts]
            last = max(needs, key=lambda step: step.end, default=Step("", 0, 0))
            waited[each.name] = last.name
            steps[each.name] = Step(each.name, last.end, _seconds(each, settings))
        return steps[each.name]

    for each in found:
        made(each)
    chain = [steps["service-service"]]
    while waited[chain[-1].name]:
        chain.append(steps[waited[chain[-1].name]])
    return chain[::-1]


def _needs(each: Resource) -> list[str]:
    return [urn.rpartition("::")[2] for urn in each.needs]


def _seconds(each: Resource, settings: Settings) -> int:
    if each.type == "awsx:ec2:Vpc" and settings.egress.startswith("nat"):
        return DURATIONS[each.type] + NAT_SECONDS
    seconds = DURATIONS.get(each.type, OTHERS)
    checks = settings.health_check_interval if each.type.endswith(":Service") else 0
    return seconds + checks


def release(settings: Settings) -> list[Step]:
    """From `git push` to the last old task's end, by the stack's pipeline."""
    steps: list[Step] = []

    def then(name: str, seconds: int) -> None:
        steps.append(Step(name, steps[-1].end if steps else 0, seconds))

    then("webhook and Source", SOURCE_SECONDS)
    then("CodeBuild starts", CODEBUILD_START)
    then("image is built and pushed", IMAGE_SECONDS)
    then("new tasks start", TASK_START)
    then("first health check passes", settings.health_check_interval)
    then("old tasks drain", settings.deregistration_delay)
    then("old tasks stop", settings.stop_timeout)
    return steps


def drawing(timelines: Mapping[str, list[Step]]) -> str:
    """The timelines below each other, to one scale, as SVG."""
    longest = max(step.end for steps in timelines.values() for step in steps)
    parts: list[str] = []
    y = 24
    for title, steps in timelines.items():
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{title}</text>')
        for step in steps:
            y += BAR + 4
            scale = (WIDTH - LABEL - 90) / longest
            x, width = round(LABEL + step.start * scale), max(2, round(step.seconds * scale))
            parts += [
                f'<text x="{LABEL - 8}" y="{y}" text-anchor="end">{step.name}</text>',
                f'<rect x="{x}" y="{y - 13}" width="{width}" height="{BAR - 2}" fill="#2f6fde"/>',
                f'<text x="{x + width + 6}" y="{y}">{step.seconds} s</text>',
            ]
        parts.append(f'<text x="{LABEL}" y="{y + BAR + 4}">all of it: {steps[-1].end} s</text>')
        y += 3 * BAR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'font-family="sans-serif" font-size="13">\n'
        '<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def timelines() -> dict[str, list[Step]]:
    """Title → steps, with the default settings."""
    settings = Settings.parse({})
    return {
        "First up, until the service answers": first_update(settings),
        "git push, until the old tasks have ended": release(settings),
    }


if __name__ == "__main__":
    PICTURE.write_text(drawing(timelines()))
