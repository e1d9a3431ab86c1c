"""Each cause of the set is named from the words that the services really use."""

from __future__ import annotations

import pytest

from automation.diagnosis.causes import CAUSES
from automation.diagnosis.diagnosis import diagnose
from automation.diagnosis.evidence import Facts, StoppedTask
from infra.settings.model import Settings

SIDECARS = {
    "otel": {"image": "registry.example.com/otel:1", "memory": 100},
    "init": {"image": "init:1", "essential": False},
}
SETTINGS = Settings.parse(
    {"container_port": 9292, "health_check_path": "/up", "sidecars": SIDECARS}
)
ASM = (
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource "
    "retrieval failed: unable to retrieve secret from asm: service call has been retried 1 "
    "time(s): "
)
UNHEALTHY = "(service s) (port 9292) is unhealthy in (target-group arn:t) due to (reason {})"


def stopped(reason: str, *containers: tuple[str, int | None, str], code: str = "") -> Facts:
    code = code or "TaskFailedToStart"
    return Facts(stopped=(StoppedTask("t1", code, reason, tuple(containers), "d:1", None),))


def exited(code: int, *logs: str) -> Facts:
    facts = stopped(
        "Essential container in task exited", ("app", code, ""), code="EssentialContainerExited"
    )
    return Facts(stopped=facts.stopped, logs=logs)


def unhealthy(reason: str, *logs: str) -> Facts:
    return Facts(events=(UNHEALTHY.format(reason),), logs=logs, grace_seconds=30)


CASES = [
    (
        "image not found",
        stopped(
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to "
            "resolve ref 1.dkr.ecr.us-east-1.amazonaws.com/a:b: 1.dkr.ecr/a:b: not found"
        ),
        "fargate-cd:image",
    ),
    (
        "image for another architecture",
        stopped(
            "CannotPullContainerError: pull image manifest has been retried 7 time(s): image "
            "Manifest does not contain descriptor matching platform 'linux/amd64'."
        ),
        "fargate-cd:architecture",
    ),
    (
        "image for another architecture",
        exited(255, "exec /usr/bin/python3: exec format error"),
        "fargate-cd:architecture",
    ),
    (
        "pull denied",
        stopped(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to "
            "resolve ref x: failed to authorize: 403 Forbidden"
        ),
        "execution role",
    ),
    (
        "secret not readable",
        stopped(
            ASM + "failed to fetch secret arn:aws:secretsmanager:us-east-1:1:secret:x from secrets "
            "manager: ResourceNotFoundException: Secrets Manager can't find the specified secret."
        ),
        "fargate-cd:secrets",
    ),
    (
        "secret not readable",
        stopped(
            ASM + "failed to fetch secret arn:aws:secretsmanager:us-east-1:1:secret:x from secrets "
            "manager: AccessDeniedException: User: arn:aws:sts::1:assumed-role/e/t is not "
            "authorized to perform: secretsmanager:GetSecretValue on resource: x"
        ),
        "fargate-cd:secrets",
    ),
    (
        "no route to an endpoint",
        stopped(
            "ResourceInitializationError: unable to pull secrets or registry auth: The task cannot "
            "pull registry auth from Amazon ECR: There is a connection issue between the task and "
            "Amazon ECR. Check your task network configuration."
        ),
        "fargate-cd:egress",
    ),
    (
        "no capacity",
        Facts(
            events=(
                "(service s) was unable to place a task. Reason: Capacity is unavailable at this "
                "time. Please try again later or in a different availability zone.",
            )
        ),
        "fargate-cd:spot",
    ),
    (
        "out of memory",
        stopped(
            "Essential container in task exited",
            ("app", 137, "OutOfMemoryError: Container killed due to memory usage"),
            code="EssentialContainerExited",
        ),
        "fargate-cd:memory",
    ),
    ("process exited", exited(3, "ValueError: no such table"), "The application"),
    (
        "health path answered",
        unhealthy("Health checks failed with these codes: [500]"),
        "fargate-cd:health_check_path",
    ),
    (
        "healthy too late",
        unhealthy("Request timed out", '{"message": "listening on port 9292"}'),
        "fargate-cd:startup_seconds",
    ),
    (
        "never listened on the port",
        unhealthy("Health checks failed", '{"message": "listening", "port": 8080}'),
        "fargate-cd:container_port",
    ),
    (
        "never listened on the port",
        unhealthy("Health checks failed"),
        "fargate-cd:container_port",
    ),
    (
        "permission missing",
        Facts(
            failure="creating ECS Service: AccessDeniedException: User: arn:aws:iam::1:user/u is "
            "not authorized to perform: ecs:CreateService on resource: x"
        ),
        "ecs:CreateService",
    ),
    (
        "quota",
        Facts(
            events=(
                "(service s) was unable to place a task. Reason: You've reached the limit on the "
                "number of vCPUs you can run concurrently.",
            )
        ),
        "Service Quotas",
    ),
    (
        "health path answered",
        unhealthy("Health checks failed with these codes: [400]"),
        "The application: allow every Host",
    ),
    (
        "sidecar's image not pulled",
        stopped(
            "CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to "
            "resolve ref registry.example.com/otel:1: not found"
        ),
        "fargate-cd:sidecars: otel: image",
    ),
    (
        "dependency not met",
        stopped(
            "CannotStartContainerError: dependency graph: failed to resolve container ordering "
            "dependency [otel(registry.example.com/otel:1) (STOPPED->RUNNING) -  Exit: 1] for "
            "target [app(app:1) (NONE->RUNNING)] as dependency did not exit successfully."
        ),
        "fargate-cd:sidecars: otel: its last log lines",
    ),
    (
        "container unhealthy",
        stopped(
            "Task failed container health checks",
            ("app", 0, ""),
            ("otel", 143, "its health check failed"),
            code="ServiceSchedulerInitiated",
        ),
        "fargate-cd:sidecars: otel: health_check_command",
    ),
]


EXITS = {
    "a sidecar fails": ((("app", 0, ""), ("otel", 3, "")), "otel exited with code 3"),
    "the application fails": ((("app", 3, ""), ("otel", 0, "")), "app exited with code 3"),
    "the application is deaf": ((("app", 137, ""), ("otel", 0, "")), "otel exited with code 0"),
    "one that may end": ((("app", 0, ""), ("init", 3, "")), "app exited with code 0"),
}


@pytest.mark.parametrize(("containers", "words"), EXITS.values(), ids=EXITS)
def test_the_container_that_ended_first_is_named(
    containers: tuple[tuple[str, int | None, str], ...], words: str
) -> None:
    why = "Essential container in task exited"
    found = diagnose(stopped(why, *containers, code="EssentialContainerExited"), SETTINGS)
    assert words in found.cause


def test_a_sidecar_beyond_its_memory_is_named_with_its_limit() -> None:
    killed = ("otel", 137, "OutOfMemoryError: Container killed due to memory usage")
    found = diagnose(stopped("x", ("app", 0, ""), killed), SETTINGS)
    assert "otel used more than the 100 MiB" in found.cause
    assert (found.setting or "").startswith("fargate-cd:sidecars: otel: memory")


@pytest.mark.parametrize(("name", "facts", "setting"), CASES)
def test_the_cause_is_named_with_its_setting(name: str, facts: Facts, setting: str) -> None:
    found = diagnose(facts, SETTINGS)
    assert found.name == name
    assert setting in (found.setting or "")
    assert found.evidence
    assert "{" not in found.cause + (found.setting or "")


def test_every_cause_of_the_table_has_a_case() -> None:
    assert {cause.name for cause in CAUSES} == {name for name, _, _ in CASES}


def test_the_sentence_has_the_values() -> None:
    assert "answered 500" in diagnose(CASES[10][1], SETTINGS).cause
    assert "/up" in diagnose(CASES[10][1], SETTINGS).cause
    assert "exited with code 3" in diagnose(exited(3), SETTINGS).cause
    assert "names port 8080" in diagnose(CASES[12][1], SETTINGS).cause
    assert "grace period of 30 s" in diagnose(CASES[11][1], SETTINGS).cause


def test_log_lines_are_evidence() -> None:
    assert (
        "ValueError: no such table"
        in diagnose(exited(3, "ValueError: no such table"), SETTINGS).evidence
    )


def test_what_is_unknown_is_told_in_the_services_words() -> None:
    found = diagnose(Facts(status="STOPPED: by a person", events=("e",)), SETTINGS)
    assert (found.name, found.cause, found.setting) == ("unknown", "STOPPED: by a person", None)
    assert found.evidence == ["e"]
