"""The whole program: what it makes by default, and what each setting changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from infra.settings.model import Settings, SettingsError
from tests.unit.infra.image.running_service import answers
from tests.unit.infra.looks import SECRET, default, made, service
from tests.unit.infra.recorder import REGION, Recording, custom, record

IMAGE = "registry.example.com/team/app:1"


SCHEDULE = json.dumps([{"schedule": "cron(0 7 * * ? *)", "min_count": 3, "max_count": 9}])


Look = Callable[[Recording], Any]


def balancer(recording: Recording) -> dict[str, Any]:
    return recording.one("LoadBalancer", "load-balancer-balancer").inputs


def targets(recording: Recording) -> dict[str, Any]:
    return recording.one("TargetGroup").inputs


def health(recording: Recording) -> dict[str, Any]:
    return dict(targets(recording)["healthCheck"])


def task(recording: Recording) -> dict[str, Any]:
    return recording.one("TaskDefinition").inputs


def scaling(recording: Recording) -> dict[str, Any]:
    return recording.one("Target").inputs


def policy_names(recording: Recording) -> list[str]:
    return sorted(each.inputs["name"] for each in recording.of("Policy"))


def vpc(recording: Recording) -> dict[str, Any]:
    return recording.one("Vpc").inputs


def count(token: str) -> Look:
    return lambda recording: len(recording.of(token))


def capacity(recording: Recording) -> list[str]:
    return [each["capacityProvider"] for each in service(recording)["capacityProviderStrategies"]]


def ingress(recording: Recording) -> list[str]:
    rules = recording.of("SecurityGroupIngressRule")
    return sorted(rule.inputs["cidrIpv4"] for rule in rules if "cidrIpv4" in rule.inputs)


WORDS = ["serve", "--fast"]


EFFECTS: Mapping[str, tuple[str, Look, Any, Any]] = {
    # setting: value, where to look, what is there by default, what is there with the value
    "container_port": (
        "8080",
        lambda r: service(r)["loadBalancers"][0]["containerPort"],
        9292,
        8080,
    ),
    "health_check_path": ("/ok", lambda r: health(r)["path"], "/", "/ok"),
    "environment": (
        '{"COLOUR": "red"}',
        lambda r: {each["name"]: each["value"] for each in r.container["environment"]},
        {"PORT": "9292", "DRAIN_SECONDS": "15"},
        {"PORT": "9292", "DRAIN_SECONDS": "15", "COLOUR": "red"},
    ),
    "secrets": (
        json.dumps({"DSN": SECRET}),
        lambda r: r.container["secrets"],
        [],
        [{"name": "DSN", "valueFrom": SECRET}],
    ),
    "cpu": ("1024", lambda r: task(r)["cpu"], "256", "1024"),
    "memory": ("1024", lambda r: task(r)["memory"], "512", "1024"),
    "architecture": (
        "ARM64",
        lambda r: task(r)["runtimePlatform"]["cpuArchitecture"],
        "X86_64",
        "ARM64",
    ),
    "image": (IMAGE, count("Image"), 1, 0),
    "build_args": (
        '{"FLAVOUR": "dark"}',
        lambda r: r.one("Image").inputs["build"]["args"].get("FLAVOUR"),
        None,
        "dark",
    ),
    "build_target": (
        "app",
        lambda r: r.one("Image").inputs["build"].get("target"),
        None,
        "app",
    ),
    "desired_count": ("3", lambda r: service(r)["desiredCount"], 2, 3),
    "min_count": ("1", lambda r: scaling(r)["minCapacity"], 2, 1),
    "max_count": ("8", lambda r: scaling(r)["maxCapacity"], 4, 8),
    "cpu_target": ("0", policy_names, ["cpu-target", "requests-target"], ["requests-target"]),
    "memory_target": (
        "70",
        policy_names,
        ["cpu-target", "requests-target"],
        ["cpu-target", "memory-target", "requests-target"],
    ),
    "requests_per_target": (
        "0",
        policy_names,
        ["cpu-target", "requests-target"],
        ["cpu-target"],
    ),
    "scheduled_scaling": (SCHEDULE, count("ScheduledAction"), 0, 1),
    "spot": ("true", capacity, ["FARGATE"], ["FARGATE", "FARGATE_SPOT"]),
    "container_insights": (
        "true",
        lambda r: r.one("Cluster", "cluster-cluster").inputs["settings"][0]["value"],
        "disabled",
        "enabled",
    ),
    "exec": ("false", lambda r: service(r)["enableExecuteCommand"], True, False),
    "vpc_cidr": ("10.8.0.0/20", lambda r: vpc(r)["cidrBlock"], "10.0.0.0/16", "10.8.0.0/20"),
    "availability_zones": ("3", lambda r: len(vpc(r)["availabilityZoneNames"]), 2, 3),
    "zones": (
        '["eu-central-1b", "eu-central-1c"]',
        lambda r: vpc(r)["availabilityZoneNames"],
        ["zone-0", "zone-1"],
        ["eu-central-1b", "eu-central-1c"],
    ),
    "internal": (
        "true",
        lambda r: (balancer(r)["internal"], r.outputs.get("load_balancer_scheme")),
        (False, None),
        (True, "internal"),
    ),
    "egress": (
        "nat",
        lambda r: service(r)["networkConfiguration"]["assignPublicIp"],
        True,
        False,
    ),
    "allowed_cidrs": ('["10.0.0.0/8"]', ingress, ["0.0.0.0/0"], ["10.0.0.0/8"]),
    "flow_logs": ("true", count("FlowLog"), 0, 1),
    "access_logs": ("true", lambda r: "accessLogs" in balancer(r), False, True),
    "waf": ("true", count("WebAclAssociation"), 0, 1),
    "waf_logs": ("true", count("WebAclLoggingConfiguration"), 0, 1),
    "deregistration_delay": ("60", lambda r: targets(r)["deregistrationDelay"], 10, 60),
    "stop_timeout": ("90", lambda r: r.container["stopTimeout"], 20, 90),
    "health_check_interval": ("15", lambda r: health(r)["interval"], 5, 15),
    "protect": (
        "true",
        lambda r: (
            balancer(r)["enableDeletionProtection"],
            r.one("Repository", "registry-repository").options["protect"],
            service(r)["enableExecuteCommand"],
        ),
        (False, False, True),
        (True, True, False),
    ),
    "customer_managed_key": ("true", count("Key"), 0, 1),
    "log_retention_days": (
        "90",
        lambda r: {each.inputs["retentionInDays"] for each in r.of("LogGroup")},
        {30},
        {90},
    ),
    "egress_ports": (
        '[{"port": 5432, "to": "sg-0123456789abcdef0"}, {"port": "79-80", "to": "10.9.0.0/16"}]',
        lambda r: [
            (
                each.inputs["fromPort"],
                each.inputs["toPort"],
                each.inputs.get("referencedSecurityGroupId") or each.inputs.get("cidrIpv4"),
            )
            for each in r.of("SecurityGroupEgressRule")
            if "egress_ports" in each.inputs["description"]
        ],
        [],
        [(5432, 5432, "sg-0123456789abcdef0"), (79, 80, "10.9.0.0/16")],
    ),
    "permissions_boundary": (
        "arn:aws:iam::123456789012:policy/bound",
        lambda r: {each.inputs.get("permissionsBoundary") for each in r.of("Role")},
        {None},
        {"arn:aws:iam::123456789012:policy/bound"},
    ),
    "role_path": (
        "/team/shop/",
        lambda r: {each.inputs.get("path") for each in r.of("Role")},
        {None},
        {"/team/shop/"},
    ),
    "permissions": (
        '[{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::shop/*"]}]',
        lambda r: [
            json.loads(each.inputs["policy"])["Statement"][0]["Action"]
            for each in r.of("RolePolicy")
            if each.name.startswith("roles-application")
        ],
        [],
        [["s3:GetObject"]],
    ),
    "idle_timeout": (
        "300",
        lambda r: r.one("LoadBalancer", "load-balancer-balancer").inputs["idleTimeout"],
        60,
        300,
    ),
    "stickiness_seconds": (
        "3600",
        lambda r: r.one("TargetGroup").inputs["stickiness"],
        {"enabled": False, "type": "lb_cookie", "cookieDuration": 86400},
        {"enabled": True, "type": "lb_cookie", "cookieDuration": 3600},
    ),
    "command": ('["serve", "--fast"]', lambda r: r.container.get("command"), None, WORDS),
    "entry_point": ('["serve", "--fast"]', lambda r: r.container.get("entryPoint"), None, WORDS),
    "user": ("1000:1000", lambda r: r.container["user"], "10001:10001", "1000:1000"),
    "writable_paths": (
        '["/cache:8", "/run"]',
        lambda r: r.container["linuxParameters"]["tmpfs"],
        [{"containerPath": "/tmp", "size": 64}],  # noqa: S108 - in the container
        [{"containerPath": "/cache", "size": 8}, {"containerPath": "/run", "size": 64}],
    ),
    "ephemeral_storage_gib": (
        "50",
        lambda r: r.one("TaskDefinition").inputs.get("ephemeralStorage"),
        None,
        {"sizeInGib": 50},
    ),
    "startup_seconds": ("600", lambda r: service(r)["healthCheckGracePeriodSeconds"], 30, 600),
    "health_check_codes": ("200-299", lambda r: health(r)["matcher"], "200", "200-299"),
    "health_check_command": (
        '["serve", "--fast"]',
        lambda r: r.container.get("healthCheck", {}).get("command"),
        None,
        ["CMD", *WORDS],
    ),
    "nofile": (
        "65536",
        lambda r: r.container.get("ulimits"),
        None,
        [{"name": "nofile", "softLimit": 65536, "hardLimit": 65536}],
    ),
    "tags": (
        '{"team": "shop"}',
        lambda r: service(r)["tags"].get("team"),
        None,
        "shop",
    ),
}


ELSEWHERE = {
    **dict.fromkeys(
        ("domains", "protocol_version", "response_headers", "redirects"),
        "test_load_balancer_settings.py",
    ),
    "processes": "test_processes.py",
    "sidecars": "test_sidecars.py",
    "web": "test_web.py",
    "build_secrets": "test_build_secrets.py",
    **dict.fromkeys(
        (
            "github_owner",
            "github_repository",
            "github_branch",
            "github_token",
            "connection_arn",
            "webhook_rotation",
            "trigger_paths",
            "pipeline_app_path",
            "build_compute",
            "test_commands",
            "approval",
            "notify_emails",
        ),
        "test_pipeline.py",
    ),
    **dict.fromkeys(
        ("strategy", "bake_minutes", "step_percent", "step_minutes"),
        "test_shift.py",
    ),
    **dict.fromkeys(("monitoring", "error_limit", "latency_limit"), "test_monitoring.py"),
    **dict.fromkeys(
        (
            "github_actions",
            "github_environment",
            "github_owner_id",
            "github_provider_arn",
            "github_repository_id",
            "state_bucket",
        ),
        "test_github_access.py",
    ),
    "jobs": "test_jobs.py",
    "release_command": "test_release_command.py",
    "release_command_on": "read by the driver and by the pipeline",
    **dict.fromkeys(
        (
            "vpc_id",
            "subnet_ids",
            "load_balancer_subnet_ids",
            "cluster_arn",
            "listener_arn",
            "in_environment",
            "route_paths",
            "route_hosts",
            "route_priority",
        ),
        "test_place.py",
    ),
    "promotion": "test_promotion.py",
    "promotes_from": "test_promotion.py",
    "pull_accounts": "test_promotion.py",
    "app_path": "test_image.py",
    "dockerfile": "test_image.py",
    "domain": "test_edge.py",
    "hosted_zone": "test_edge.py",
    "certificate_arn": "test_edge.py",
    "target": "read by the driver alone",
    **dict.fromkeys(
        (
            "preview_of",
            "preview_branch",
            "preview_creator",
            "preview_remote",
            "preview_expires",
            "preview_port",
            "preview_ttl_hours",
            "preview_settings",
        ),
        "test_preview.py",
    ),
}


NEEDED = {"cpu": {"memory": "2048"}, "waf_logs": {"waf": "true"}}
"""A setting → others without which its value is refused."""


@pytest.mark.parametrize("name", EFFECTS)
def test_a_setting_does_what_it_says(name: str) -> None:
    value, look, before, after = EFFECTS[name]
    assert look(default()) == before
    assert look(made(*{name: value, **NEEDED.get(name, {})}.items())) == after


def test_every_setting_is_tested() -> None:
    assert set(Settings.model_fields) == EFFECTS.keys() | ELSEWHERE.keys()


def test_wrong_settings_touch_nothing() -> None:
    for wrong in ({"container_port": "0"}, {"oops": "1"}, {"app_path": "nowhere"}):
        with pytest.raises(SettingsError):
            record(wrong)


def test_the_outputs() -> None:
    internal = {"traffic", "built_tag"}
    told = {name: value for name, value in default().outputs.items() if name not in internal}
    assert told == {
        "service_url": "http://fargate-cd-dev-638e11.elb.amazonaws.com",
        "repository_url": f"123456789012.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-dev",
        "cluster_name": "fargate-cd-dev",
        "service_name": "fargate-cd-dev",
        "log_group_name": "/ecs/fargate-cd-dev/app",
        "image_uri": (
            f"123456789012.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-dev@sha256:{'0' * 64}"
        ),
    }


def test_children_carry_their_components_name_and_are_its_children() -> None:
    for resource in custom(default().resources):
        parent = resource.parent.rsplit("::", 1)[-1]
        assert "fargate-cd:infra:" in resource.parent, resource.name
        assert resource.name.startswith(f"{parent}-"), resource.name


def test_logical_names_do_not_depend_on_the_stack() -> None:
    names = [[each.name for each in record(stack=stack).resources] for stack in ("dev", "prod")]
    assert sorted(names[0]) == sorted(names[1])


@pytest.mark.parametrize("stop_timeout", ["1", "2", "20", "120"])
def test_requests_end_before_the_container_is_killed(stop_timeout: str) -> None:
    container = made(("stop_timeout", stop_timeout)).container
    told = {each["name"]: each["value"] for each in container["environment"]}
    assert 0 <= int(told["DRAIN_SECONDS"]) < container["stopTimeout"]


@pytest.mark.parametrize("interval", ["5", "6", "300"])
def test_a_check_ends_before_the_next(interval: str) -> None:
    check = health(made(("health_check_interval", interval)))
    assert 2 <= check["timeout"] < check["interval"]


def test_protected_images_outlive_a_destroy() -> None:
    assert default().one("Repository", "registry-repository").inputs["forceDelete"] is True
    assert (
        made(("protect", "true")).one("Repository", "registry-repository").inputs["forceDelete"]
        is False
    )


def test_a_changed_app_is_built_under_its_own_tag() -> None:
    recording = record(answers=answers(images={"older": f"sha256:{'a' * 64}"}))
    image = recording.one("Image").inputs["imageName"]
    assert image.startswith(f"123456789012.dkr.ecr.{REGION}.amazonaws.com/fargate-cd-dev:")
    assert recording.one("Image").name == f"image-{image.rpartition(':')[2]}"
