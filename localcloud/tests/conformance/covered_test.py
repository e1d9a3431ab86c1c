"""What no emulator did when the local cloud was begun (2026-11), and the tests that cover it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
ROWS = "conformance/"

# What must be made up for → test file → rows or tests of it.
COVERED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "health checks of targets": {
        "elb_health_test.py": (
            "reasons of unhealthy targets are told",
            "a new target needs one passed check",
            "an unhealthy target needs its threshold",
        )
    },
    "registration and completion wait for health": {
        "ecs_deployments_test.py": ("first_deployment",),
    },
    "the breaker on first deployments, late crashes, wrong ports": {
        "ecs_failures_test.py": ("broken_first", "broken_update"),
    },
    "back-off": {"ecs_services_test.py": ("throttled",)},
    "user, read-only root, entry point": {"ecs_tasks_test.py": ("container_settings",)},
    "stop time-out": {"ecs_tasks_test.py": ("stop_timeout",)},
    "limits": {"ecs_tasks_test.py": ("linux_parameters", "out_of_memory")},
    "health checks of containers": {"ecs_services_test.py": ("container_health",)},
    "localhost shared by a task's containers": {"ecs_tasks_test.py": ("shared_network",)},
    "stopped and removed tasks are replaced": {"ecs_services_test.py": ("replaced",)},
    "draining before SIGTERM": {
        "ecs_deployments_test.py": ("update_under_load",),
        "elb_draining_test.py": ("a draining target finishes its requests",),
    },
    "PassRole": {
        "iam_test.py": (
            "PassRole is needed",
            "PassRole can be denied",
            "iam:PassedToService is told",
        )
    },
    "ARNs of ECS and of logs": {
        "iam_test.py": ("a service's ARN has its cluster", "a log group's streams need `:*`")
    },
    "conditions of trust": {"sts_test.py": ("a service's trust has conditions", "sts:ExternalId")},
    "the task role's credentials from inside a container": {
        "ecs_tasks_test.py": ("credentials", "metadata"),
        "../containers/test_iam_tasks.py": ("test_a_container_acts_as_its_task_role",),
    },
    "no reset without a signature": {
        "../unit/gateway/test_gateway.py": ("moto-api",),
    },
    "no registry without a login": {
        "../containers/test_registry_docker.py": ("test_without_a_login_nothing_is_served",),
    },
    "service deployments": {"ecs_deployments_test.py": ("stop_deployment", "update_under_load")},
    "events": {"ecs_services_test.py": ("events",)},
    "metrics": {
        "elb_metrics_test.py": ("requests and answers are counted by who answered",),
        "alarms_test.py": ("service_metrics", "exact_dimensions"),
    },
    "rollback by alarms": {"alarms_test.py": ("deployment_alarm", "alarm_acts")},
    "refusal: things in use": {
        "ecs_definitions_test.py": ("cluster_in_use",),
        "elb_refusals_test.py": ("a target group in use is not deleted",),
        "../unit/gateway/test_refusals.py": ("subnet_of_gateway", "group_of_tasks"),
    },
    "refusal: protected load balancer": {
        "elb_refusals_test.py": ("deletion protection is enforced",),
    },
    "refusal: duplicates": {
        "ecs_services_test.py": ("same_name",),
        "elb_refusals_test.py": ("a second listener on a port is refused",),
    },
    "refusal: missing references": {"ecs_services_test.py": ("references",)},
    "refusal: invalid task definitions": {
        "ecs_definitions_test.py": ("missing_role", "fargate_sizes", "unhonoured"),
    },
    "weighted forward": {"elb_rules_test.py": ("a forward action follows the weights",)},
    "real ports, own host names": {
        "../containers/test_elb_seamless.py": ("test_two_local_clouds_do_not_meet",),
    },
    "TLS": {"elb_tls_test.py": ("an imported certificate is the one served",)},
    "lost fields: endpoints, flow logs, NAT": {
        "fields_test.py": ("endpoint", "flow_log", "nat_gateway"),
    },
    "lost fields: CodeBuild": {
        "../containers/test_codebuild.py": ("test_the_failing_phase_says_why",)
    },
    "metric math": {"alarms_test.py": ("alarm_on_math",)},
    "ECR's sizes and lifecycle": {
        "../unit/ecr/test_store.py": (
            "test_size_is_that_of_configuration_and_layers",
            "test_a_lifecycle_policy_is_evaluated_on_push",
        )
    },
    "S3 objects and crash-safe state": {
        "../containers/test_gateway_process.py": (
            "test_a_killed_cloud_comes_back_with_everything_at_the_same_addresses",
        ),
        "ecs_deployments_test.py": ("killed_process",),
    },
    "tag inventory": {"../unit/emulator/test_tagging.py": ("test_a_tagged_resource_is_listed",)},
    "memory": {
        "../containers/test_registry_docker.py": ("test_pushes_side_by_side_and_flat_memory",),
        "../unit/emulator/test_emulator_fixes.py": (
            "test_a_group_drops_its_idlest_stream_first",
            "test_the_oldest_data_points_go",
        ),
    },
}


@pytest.mark.parametrize("item", COVERED)
def test_every_item_has_its_rows(item: str) -> None:
    for file, names in COVERED[item].items():
        text = (TESTS / ROWS / file).resolve().read_text()
        assert names
        for name in names:
            forms = (f"def {name}(", f'"{name}"', f'"/{name}')
            assert any(form in text for form in forms), f"{item}: {file} has no {name}"
