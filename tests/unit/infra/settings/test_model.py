"""Settings: defaults, text and plain data, and every mistake named at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.settings.model import Settings, SettingsError

PROJECT = yaml.safe_load((Path(__file__).parents[4] / "Pulumi.yaml").read_text())
DECLARED: dict[str, dict[str, Any]] = PROJECT["config"]

OTEL = {"image": "otel:1"}
JOB = {"command": ["true"], "schedule": "cron(0 3 * * ? *)"}

WRONG: list[tuple[str, object, str]] = [
    ("container_port", 0, "greater than or equal to 1"),
    ("container_port", 65536, "less than or equal to 65535"),
    ("container_port", "http", "valid integer"),
    ("health_check_path", "health", "must begin with /"),
    ("health_check_path", "/a b", "no spaces"),
    ("environment", {"A-B": "1"}, "not a variable's name"),
    ("environment", {"PORT": "80"}, "set by the program"),
    ("secrets", {"DRAIN_SECONDS": "arn:aws:ssm:a-b-1:123456789012:parameter/a"}, "set by the"),
    ("environment", {"DATABASE_PASSWORD": "x"}, "looks like a secret"),
    ("environment", {"DSN": "postgres://user:word@host/db"}, "looks like a secret"),
    ("environment", {"KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, "looks like a secret"),
    ("environment", "{not json", "must be JSON"),
    ("secrets", {"A": "arn:aws:s3:::bucket"}, "must be the ARN"),
    ("secrets", {"1A": "arn:aws:ssm:eu-west-1:123456789012:parameter/a"}, "not a variable's name"),
    ("cpu", 300, "must be one of 256, 512"),
    ("memory", 513, "with cpu 256 Fargate offers 512, 1024, 2048 MiB"),
    ("architecture", "x86", "'X86_64' or 'ARM64'"),
    ("image", "Nginx", "must be an image"),
    ("image", "nginx", "with a tag or a digest"),
    ("response_headers", {"Server": "x"}, "must be one of Access-Control-Allow-Credentials"),
    ("response_headers", {"X-Frame-Options": ""}, "printable characters"),
    ("response_headers", {"Strict-Transport-Security": "max-age=1"}, "needs `domain`"),
    ("redirects", [{"hosts": ["a.example.com"]}], "`to_host` or `to_path`"),
    ("redirects", [{"to_path": "/x"}], "needs `hosts` or `paths`"),
    ("redirects", [{"paths": ["x"], "to_path": "/x"}], "must begin with /"),
    ("redirects", [{"hosts": ["A B"], "to_path": "/x"}], "must be a host name"),
    ("redirects", [{"hosts": ["a.example.com"], "to_host": "a.example.com"}], "to itself"),
    ("redirects", [{"paths": ["/a"] * 6, "to_path": "/x"}], "at most 5"),
    ("redirects", [{"paths": ["/a"], "to_path": "/x"}] * 51, "at most 50"),
    ("domains", ["www.example.com"], "needs `domain`"),
    ("domains", ["Www"], "must be a host name"),
    ("domains", ["a.example.com", "a.example.com"], "each host once"),
    ("protocol_version", "HTTP3", "'HTTP1', 'HTTP2' or 'GRPC'"),
    ("protocol_version", "GRPC", "needs `domain`"),
    ("health_check_codes", "0-99", "codes of gRPC"),
    ("build_args", {"A-B": "1"}, "not a build argument's name"),
    ("build_args", {"COMMIT": "1"}, "given by the program"),
    ("build_args", {"A": "1\n2"}, "one line"),
    ("build_args", {"NPM_TOKEN": "x"}, "`build_secrets`"),
    ("build_args", ["A=1"], "must be a map"),
    ("build_target", "a b", "a stage of the Dockerfile"),
    ("build_secrets", {"npm-token": "arn:aws:ssm:a-b-1:123456789012:parameter/a"}, "secret's id"),
    ("build_secrets", {"A": "hunter2"}, "must be the ARN"),
    ("build_compute", "huge", "'small', 'medium' or 'large'"),
    ("egress_ports", [{"port": 0, "to": "10.0.0.0/8"}], "must be a port"),
    ("egress_ports", [{"port": "9-8", "to": "10.0.0.0/8"}], "must be a port"),
    ("egress_ports", [{"port": 5432, "to": "database"}], "security group (sg-…)"),
    ("egress_ports", [{"port": 5432, "to": "10.0.0.0/8", "x": 1}], "is not known here"),
    ("permissions", [{"actions": ["s3:*"], "resources": ["arn:aws:s3:::a/*"]}], "is a wildcard"),
    ("permissions", [{"actions": ["s3:GetObject"], "resources": ["*"]}], "is every resource"),
    ("permissions", [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::*"]}], "is every"),
    (
        "permissions",
        [{"actions": ["sts:AssumeRole"], "resources": ["arn:aws:iam::1:role/a"]}],
        "rights",
    ),
    (
        "permissions",
        [{"actions": ["iam:PassRole"], "resources": ["arn:aws:iam::1:role/a"]}],
        "rights",
    ),
    ("permissions", [{"actions": ["read"], "resources": ["*"]}], "is no action"),
    ("permissions", [{"actions": ["s3:GetObject"], "resources": ["bucket"]}], "is no ARN"),
    ("idle_timeout", 4001, "less than or equal to 4000"),
    ("stickiness_seconds", 604801, "less than or equal to 604800"),
    ("command", '"serve"', "must be a list"),
    ("command", ["", "x"], "must begin with the program"),
    ("entry_point", ["a\0b"], "NUL"),
    ("user", "root", "must not be root"),
    ("user", "0:10", "must not be root"),
    ("user", "a b", "must be USER or USER:GROUP"),
    ("writable_paths", ["tmp"], "must be a folder below /"),
    ("writable_paths", ["/"], "must be a folder below /"),
    ("writable_paths", ["/a/../b"], "must be a folder below /"),
    ("writable_paths", ["/a:x"], "must be a number of MiB"),
    ("writable_paths", ["/a", "/a:9"], "each folder once"),
    ("writable_paths", ["/a:512"], "less than the memory of a task (512)"),
    ("ephemeral_storage_gib", 20, "21 to 200 GiB"),
    ("startup_seconds", 601, "less than or equal to 600"),
    ("health_check_codes", "500", "codes from 200 to 499"),
    ("health_check_codes", "300-200", "codes from 200 to 499"),
    ("health_check_command", "ok", "must be JSON"),
    ("nofile", 10, "1024 to 1048576"),
    ("desired_count", 0, "greater than or equal to 1"),
    ("min_count", 5, "must lie between min_count (5) and max_count (4)"),
    ("max_count", 1, "must lie between min_count (2) and max_count (1)"),
    ("cpu_target", 101, "less than or equal to 100"),
    ("requests_per_target", -1, "greater than or equal to 0"),
    ("scheduled_scaling", [{"schedule": "daily", "min_count": 1, "max_count": 2}], "must be cron"),
    ("scheduled_scaling", [{"schedule": "rate(1 day)", "min_count": 3, "max_count": 2}], "exceed"),
    ("scheduled_scaling", [{"schedule": "rate(1 day)"}], "must be given"),
    ("web", False, "needs `processes` with at least one"),
    ("processes", ["worker"], "must be a map"),
    ("processes", {"worker": {"comand": ["a"]}}, "is not known here"),
    ("processes", {"worker": {}}, "needs `command` or `entry_point`"),
    ("processes", {"web": {"command": ["a"]}}, "is the process behind the load balancer"),
    ("processes", {"Worker": {"command": ["a"]}}, "lower-case letters"),
    ("processes", {"w": {"command": ["a"], "cpu": 300}}, "cpu 300: must be one of 256"),
    (
        "processes",
        {"w": {"command": ["a"], "memory": 4096}},
        "memory 4096: with cpu 256 Fargate offers",
    ),
    ("processes", {"w": {"command": ["a"], "min_count": 0}}, "brings it back from 0"),
    ("processes", {"w": {"command": ["a"], "min_count": 3, "max_count": 2}}, "must not exceed"),
    ("processes", {"w": {"command": ["a"], "queue": "orders"}}, "ARN of a queue"),
    ("processes", {"w": {"command": ["a"], "messages_per_task": 9, "cpu_target": 50}}, "either"),
    ("processes", {"w": {"command": ["a"], "environment": {"PORT": "1"}}}, "set by the program"),
    ("processes", {"w": {"command": ["a"], "stop_timeout": 121}}, "less than or equal to 120"),
    ("vpc_cidr", "10.0.0.0/8", "/16 to /22"),
    ("vpc_cidr", "10.0.0.0/23", "/16 to /22"),
    ("vpc_cidr", "8.8.0.0/16", "private"),
    ("vpc_cidr", "10.0.0.1/16", "not an IPv4 range"),
    ("availability_zones", 1, "greater than or equal to 2"),
    ("zones", ["eu-west-1a"], "2 to 6 zones"),
    ("zones", ["eu-west-1a", "eu-west-1a"], "each once"),
    ("zones", ["us-east-1-atl-1a", "us-east-1a"], "must be the name of a zone"),
    ("internal", "perhaps", "valid boolean"),
    ("vpc_id", "vpc", "must be a VPC"),
    ("vpc_id", "vpc-0123456789abcdef0", "`vpc_id` and `subnet_ids` (of the tasks) go together"),
    ("subnet_ids", ["net-1"], "must be a subnet"),
    ("subnet_ids", ["subnet-01234567", "subnet-01234567"], "each subnet once"),
    ("load_balancer_subnet_ids", ["subnet"], "must be a subnet"),
    ("cluster_arn", "cluster", "ARN of a cluster"),
    ("listener_arn", "listener", "ARN of a listener"),
    ("in_environment", "a/b/c", "such as shop/dev"),
    ("route_paths", ["api"], "must begin with /"),
    ("route_paths", ["/api"], "needs `in_environment` or `listener_arn`"),
    ("route_hosts", ["API"], "must be a host name"),
    ("route_priority", 1, "must be 2 to 49998"),
    ("egress", "none", "'public', 'nat', 'nat_per_zone' or 'endpoints'"),
    ("allowed_cidrs", [], "at least one range"),
    ("allowed_cidrs", ["10.0.0.300/8"], "not an IPv4 range"),
    ("allowed_cidrs", ["10.0.0.0"], "not an IPv4 range"),
    ("strategy", "big_bang", "'rolling', 'blue_green', 'canary' or 'linear'"),
    ("deregistration_delay", 3601, "less than or equal to 3600"),
    ("stop_timeout", 121, "less than or equal to 120"),
    ("health_check_interval", 4, "greater than or equal to 5"),
    ("log_retention_days", 31, "must be one of 1, 3, 5"),
    ("preview_ttl_hours", 0, "greater than or equal to 1"),
    ("target", "gcp", "'aws' or 'local'"),
    ("tags", {"stack": "x"}, "belongs to the program"),
    ("tags", {"aws:x": "x"}, "belongs to the program"),
    ("tags", {"a" * 129: "x"}, "1 to 128 characters"),
    ("protect", "perhaps", "valid boolean"),
    ("containr_port", 80, "is not a setting"),
    ("jobs", {"Nightly": JOB}, "lower-case letters"),
    ("jobs", {"nightly": {**JOB, "schedule": "0 3 * * *"}}, "must be cron(…), rate(…) or at(…)"),
    ("jobs", {"nightly": {**JOB, "schedule": "cron(0 3 * * * *)"}}, "question mark"),
    ("jobs", {"nightly": {**JOB, "schedule": "cron(0 3)"}}, "6 required"),
    ("jobs", {"nightly": {**JOB, "schedule": "rate(5 weeks)"}}, "minutes, hours or days"),
    ("jobs", {"nightly": {**JOB, "schedule": "at(tomorrow)"}}, "yyyy-mm-dd"),
    ("jobs", {"nightly": {**JOB, "timezone": "Berlin"}}, "no time zone"),
    ("jobs", {"nightly": {"schedule": "rate(1 day)"}}, "must be given"),
    ("jobs", {"nightly": {**JOB, "timeout_minutes": 0}}, "greater than or equal to 1"),
    ("jobs", {"nightly": {**JOB, "retries": 11}}, "less than or equal to 10"),
    ("jobs", {"nightly": {**JOB, "image": "x"}}, "is not known here"),
    ("jobs", {"nightly": {**JOB, "memory": 4096}}, "nightly: cpu 256, memory 4096"),
    ("sidecars", ["otel"], "must be a map"),
    ("sidecars", {"otel": {}}, "must be given"),
    ("sidecars", {"otel": {"image": "otel"}}, "image with a tag or a digest"),
    ("sidecars", {"otel": {**OTEL, "comand": ["a"]}}, "is not known here"),
    ("sidecars", {"Otel": OTEL}, "lower-case letters"),
    ("sidecars", {"app": OTEL}, "is the application's own container"),
    ("sidecars", {f"s{n}": OTEL for n in range(10)}, "at most 9 containers"),
    ("sidecars", {"otel": {**OTEL, "environment": {"API_TOKEN": "x"}}}, "looks like a secret"),
    ("sidecars", {"otel": {**OTEL, "secrets": {"A": "x"}}}, "must be the ARN"),
    ("sidecars", {"otel": {**OTEL, "user": "a b"}}, "USER or USER:GROUP"),
    ("sidecars", {"otel": {**OTEL, "memory": 5}}, "6 MiB or more"),
    ("sidecars", {"otel": {**OTEL, "memory": 64}}, "more than the 64 MiB of its `writable_paths`"),
    ("sidecars", {"otel": {**OTEL, "port": 70000}}, "less than or equal to 65535"),
    ("sidecars", {"otel": {**OTEL, "depends_on": {"app": "READY"}}}, "'START', 'HEALTHY'"),
    ("sidecars", {"otel": {**OTEL, "depends_on": {"db": "START"}}}, "there are: app"),
    ("sidecars", {"otel": {**OTEL, "app_depends_on": "SUCCESS"}}, "needs `essential: false`"),
    ("sidecars", {"otel": {**OTEL, "app_depends_on": "HEALTHY"}}, "needs `health_check_command`"),
    (
        "sidecars",
        {
            "otel": {
                **OTEL,
                "app_depends_on": "HEALTHY",
                "health_check_command": ["ok"],
                "essential": False,
            }
        },
        "needs `essential: true`",
    ),
    (
        "sidecars",
        {"otel": {**OTEL, "app_depends_on": "START", "depends_on": {"app": "START"}}},
        "wait for each other",
    ),
    ("sidecars", {"otel": {**OTEL, "depends_on": {"app": "COMPLETE"}}}, "the task ends with it"),
    ("sidecars", {"otel": {**OTEL, "depends_on": {"app": "HEALTHY"}}}, "a healthy application"),
    ("sidecars", {"otel": {**OTEL, "processes": ["worker"]}}, "worker is no process: web"),
    ("sidecars", {"otel": {**OTEL, "port": 9292}}, "port 9292 is taken by the application"),
    ("sidecars", {"a": {**OTEL, "port": 1}, "b": {**OTEL, "port": 1}}, "port 1 is taken by a"),
    ("sidecars", {"otel": {**OTEL, "cpu": 256}}, "cpu is 256, which must be less than"),
    ("sidecars", {"otel": {**OTEL, "memory": 448}}, "less than the task's 512 MiB"),
    ("release_command", "migrate", "must be JSON"),
    ("release_command", [""], "must begin with the program to run"),
    ("release_command_on", "sometimes", "'release' or 'every_update'"),
    ("release_command_on", "every_update", "needs `release_command`"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_a_wrong_value_is_named_with_what_is_allowed(
    name: str, value: object, allowed: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({name: value})
    text = "\n".join(caught.value.problems)
    assert f"fargate-cd:{name}" in text or "fargate-cd:desired_count" in text
    assert allowed in text


def test_every_mistake_is_reported_at_once() -> None:
    wrong: dict[str, object] = {
        "container_port": 0,
        "availability_zones": 1,
        "cpu": 256,
        "memory": 4096,
        "vpc_cidr": "300.0.0.0/16",
        "oops": True,
        "scheduled_scaling": [{"schedule": "x", "min_count": 1, "max_count": 2, "y": 1}],
    }
    with pytest.raises(SettingsError) as caught:
        Settings.parse(wrong)
    named = [problem.split(" ")[0].rstrip(":").split("[")[0] for problem in caught.value.problems]
    assert sorted(set(named)) == sorted(
        f"fargate-cd:{name}"
        for name in (
            "availability_zones",
            "container_port",
            "memory",
            "oops",
            "scheduled_scaling",
            "vpc_cidr",
        )
    )


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, True),
        ({"protect": True}, False),
        ({"protect": "true"}, False),
        ({"protect": True, "exec": True}, True),
        ({"exec": False}, False),
    ],
)
def test_exec_is_off_in_a_protected_stack_unless_it_is_set(
    given: dict[str, object], allowed: bool
) -> None:
    assert Settings.parse(given).exec is allowed


def test_the_message_lists_the_problems() -> None:
    with pytest.raises(SettingsError, match=r"wrong settings:\n  - fargate-cd:container_port = 0"):
        Settings.parse({"container_port": 0})


def test_pulumi_passes_text_and_a_file_plain_data() -> None:
    as_text = Settings.parse(
        {
            "container_port": "8080",
            "protect": "true",
            "environment": '{"A": "b", "N": 5, "YES": true}',
            "allowed_cidrs": '["10.0.0.0/8"]',
            "tags": "",
        }
    )
    as_data = Settings.parse(
        {
            "container_port": 8080,
            "protect": True,
            "environment": {"A": "b", "N": 5, "YES": True},
            "allowed_cidrs": ["10.0.0.0/8"],
        }
    )
    assert as_text == as_data
    assert as_text.environment == {"A": "b", "N": "5", "YES": "true"}


def test_a_secret_that_rds_keeps_is_an_arn() -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:rds!db-1a2b-AbCdEf:password::"
    assert Settings.parse({"secrets": {"PASSWORD": arn}}).secrets == {"PASSWORD": arn}


def test_plain_digits_are_text_where_text_is_wanted() -> None:
    given = Settings.parse({"user": 10001, "health_check_codes": 204})
    assert (given.user, given.health_check_codes) == ("10001", "204")


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"environment": {"A": "x", "B": ["y"]}}, "environment['B'] = ['y']: "),
        ({"jobs": {"n": {**JOB, "schedule": "daily"}}}, "jobs['n']['schedule'] = 'daily': "),
        ({"command": "python app.py"}, "must be a list or a map; as text it must be JSON"),
    ],
)
def test_the_part_of_a_value_that_is_wrong_is_shown(given: dict[str, Any], shown: str) -> None:
    with pytest.raises(SettingsError) as error:
        Settings.parse(given)
    assert shown in str(error.value)


@pytest.mark.parametrize("setting", ["environment", "build_args"])
def test_what_looks_like_a_secret_is_not_shown(setting: str) -> None:
    with pytest.raises(SettingsError, match="looks like a secret") as error:
        Settings.parse({setting: {"DATABASE_PASSWORD": "hunter2"}})
    assert "hunter2" not in str(error.value)


def test_a_token_is_never_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({"github_token": "ghp_verysecret", "container_port": 0})
    assert "verysecret" not in str(caught.value)


@pytest.mark.parametrize("cpu", [256, 512, 1024, 2048, 4096, 8192, 16384])
def test_every_size_has_a_smallest_memory(cpu: int) -> None:
    smallest = 2 * cpu
    assert Settings.parse({"cpu": cpu, "memory": smallest}).memory == smallest
    with pytest.raises(SettingsError):
        Settings.parse({"cpu": cpu, "memory": smallest - 1})


def test_the_number_of_tasks_follows_desired_count() -> None:
    settings = Settings.parse({"desired_count": 6})
    assert (settings.lowest_count, settings.highest_count) == (6, 12)
    settings = Settings.parse({"desired_count": 6, "min_count": 1, "max_count": 7})
    assert (settings.lowest_count, settings.highest_count) == (1, 7)


def test_pulumi_declares_exactly_these_settings() -> None:
    assert set(DECLARED) == set(Settings.model_fields)


@pytest.mark.parametrize("name", DECLARED)
def test_pulumis_default_is_the_programs(name: str) -> None:
    default = Settings().model_dump()[name]
    assert DECLARED[name]["default"] == default
    assert DECLARED[name]["description"].endswith(".")
    kinds = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    assert DECLARED[name]["type"] == kinds[type(default)]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"waf_logs": True}, "needs `waf: true`"),
        ({"protect": True, "preview_settings": {"exec": True}}, "exec needs `exec: true`"),
        ({"exec": False, "preview_settings": {"exec": True}}, "exec needs `exec: true`"),
        ({"in_environment": "dev"}, "must say what the service answers"),
        ({"in_environment": "dev", "route_paths": ["/a"], "domain": "a.b"}, "leave out domain"),
        ({"in_environment": "dev", "route_paths": ["/a"], "egress": "nat"}, "leave out egress"),
        ({"in_environment": "dev", "route_paths": ["/a"] * 6}, "may have 5 values"),
        (
            {"vpc_id": "vpc-01234567", "subnet_ids": ["subnet-01234567"], "flow_logs": True},
            "leave out flow_logs",
        ),
        (
            {
                "cluster_arn": "arn:aws:ecs:eu-west-1:123456789012:cluster/a",
                "container_insights": True,
            },
            "leave out container_insights",
        ),
    ],
)
def test_what_exists_already_has_no_settings_here(given: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        Settings.parse(given)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (
            {
                "sidecars": {"otel": {**OTEL, "memory": 500}},
                "memory": 1024,
                "processes": {"worker": {"command": ["work"]}},
            },
            "in the tasks of worker: the sidecars' memory is 500 MiB",
        ),
        (
            {
                "sidecars": {"otel": {**OTEL, "cpu": 300}},
                "cpu": 512,
                "memory": 1024,
                "jobs": {"nightly": {**JOB, "cpu": 256, "memory": 512}},
            },
            "in the tasks of the job nightly: the sidecars' cpu is 300",
        ),
        (
            {
                "web": False,
                "sidecars": {"otel": {**OTEL, "cpu": 256, "processes": ["mailer"]}},
                "processes": {"mailer": {"command": ["mail"]}, "worker": {"command": ["work"]}},
            },
            "in the tasks of mailer: the sidecars' cpu is 256",
        ),
        (
            {
                "web": False,
                "sidecars": {"otel": {**OTEL, "processes": ["web"]}},
                "processes": {"worker": {"command": ["work"]}},
            },
            "otel: web is no process: worker",
        ),
        (
            {
                "web": False,
                "sidecars": {"otel": {**OTEL, "cpu": 300}},
                "jobs": {"nightly": {**JOB, "cpu": 256}},
                "processes": {"worker": {"command": ["work"], "cpu": 512, "memory": 1024}},
            },
            "in the tasks of the job nightly: the sidecars' cpu is 300",
        ),
        (
            {"sidecars": {"otel": OTEL}, "egress": "endpoints"},
            "otel: otel:1 can't be pulled with `egress: endpoints`",
        ),
        (
            {
                "sidecars": {
                    "otel": {**OTEL, "processes": ["web"]},
                    "proxy": {**OTEL, "depends_on": {"otel": "START"}},
                },
                "processes": {"worker": {"command": ["work"]}},
            },
            "in the tasks of worker: proxy depends on otel, which does not run there",
        ),
    ],
)
def test_sidecars_fit_into_each_task(given: dict[str, Any], named: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(named)):
        Settings.parse(given)
