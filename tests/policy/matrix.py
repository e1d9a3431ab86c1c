"""The settings under which every control is checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from tests.unit.infra.recorder import (
    READ_SHARED,
    REGION,
    Answer,
    Recording,
    record,
    shared,
    telling,
)

SECRETS = json.dumps(
    {
        "DSN": f"arn:aws:secretsmanager:{REGION}:123456789012:secret:db-AbCdEf:dsn::",
        "FLAG": f"arn:aws:ssm:{REGION}:123456789012:parameter/team/flag",
    }
)

SCHEDULE = json.dumps([{"schedule": "cron(0 7 * * ? *)", "min_count": 3, "max_count": 9}])

JOBS = json.dumps({"nightly": {"command": ["tidy"], "schedule": "cron(0 3 * * ? *)"}})
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:orders"

PROCESSES = {
    "mailer": {"command": ["mail"], "max_count": 3},
    "worker": {"command": ["work"], "min_count": 0, "max_count": 30, "queue": QUEUE},
}

COLLECTOR = f"123456789012.dkr.ecr.{REGION}.amazonaws.com/team/collector:1"
SIDECARS = {
    "collector": {
        "image": COLLECTOR,
        "port": 4317,
        "memory": 128,
        "health_check_command": ["/healthcheck"],
        "app_depends_on": "HEALTHY",
        "secrets": {"KEY": f"arn:aws:ssm:{REGION}:123456789012:parameter/team/collector"},
    }
}

EVERYTHING: Mapping[str, str] = {
    "access_logs": "true",
    "container_insights": "true",
    "customer_managed_key": "true",
    "domain": "app.example.com",
    "egress": "endpoints",
    "environment": '{"COLOUR": "red"}',
    "flow_logs": "true",
    "hosted_zone": "example.com",
    "jobs": JOBS,
    "log_retention_days": "365",
    "memory_target": "70",
    "notify_emails": '["a@example.org", "b@example.org"]',
    "preview_settings": json.dumps({"processes": PROCESSES}),
    "processes": json.dumps(PROCESSES),
    "protect": "true",
    "release_command": '["migrate", "--all"]',
    "scheduled_scaling": SCHEDULE,
    "secrets": SECRETS,
    "sidecars": json.dumps(SIDECARS),
    "spot": "true",
    "strategy": "canary",
    "tags": '{"team": "shop"}',
    "waf": "true",
    "waf_logs": "true",
}

SAID: Mapping[str, str] = {"exec": "true"}
"""What `EVERYTHING` says as well: a default that `protect` changes unless a stack says it."""

CERTIFICATE = f"arn:aws:acm:{REGION}:123456789012:certificate/1234"

REPOSITORY: Mapping[str, str] = {
    "github_owner": "octo",
    "github_repository": "shop",
    "approval": "true",
    "notify_emails": '["a@example.org"]',
    "test_commands": '["make test"]',
}

EXISTING_PLACE: Mapping[str, str] = {
    "vpc_id": "vpc-0123456789abcdef0",
    "subnet_ids": '["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"]',
    "cluster_arn": f"arn:aws:ecs:{REGION}:123456789012:cluster/theirs",
    "egress": "nat",
}
LISTENER = (
    f"arn:aws:elasticloadbalancing:{REGION}:123456789012:listener/app/theirs/"
    "50dc6c495c0c9188/f2f7dc8efc522ab2"
)

MATRIX: Mapping[str, Mapping[str, str]] = {
    "minimal": {
        "image": "registry.example.com/app:1",
        "exec": "false",
        "monitoring": "false",
    },
    "default": {},
    "nat": {"egress": "nat", "secrets": SECRETS},
    "endpoints": {"egress": "endpoints"},
    "everything": EVERYTHING,
    "blue_green": {"strategy": "blue_green", "egress": "nat_per_zone"},
    "linear": {"strategy": "linear", "certificate_arn": CERTIFICATE, "domain": "app.example.com"},
    "all of it released by a webhook": {**EVERYTHING, **REPOSITORY, "github_token": "word"},
    "webhook": {**REPOSITORY, "github_token": "word"},
    "workflows": {
        "github_owner": "octo",
        "github_repository": "shop",
        "github_actions": "true",
        "domain": "app.example.com",
        "hosted_zone": "example.com",
        "state_bucket": "team-state",
        "github_owner_id": "11",
        "github_repository_id": "22",
        "pull_accounts": '["210987654321"]',
    },
    "existing place": {
        **EXISTING_PLACE,
        "listener_arn": LISTENER,
        "route_paths": '["/api/*"]',
        "strategy": "canary",
        "github_owner": "octo",
        "github_repository": "shop",
        "github_actions": "true",
    },
    "existing network": {**EXISTING_PLACE, "spot": "true", "internal": "true"},
    "shared place": {
        **REPOSITORY,
        "github_token": "word",
        "github_actions": "true",
        "in_environment": "dev",
        "route_hosts": '["api.example.com"]',
        "strategy": "blue_green",
    },
    "workers": {
        **REPOSITORY,
        "github_token": "word",
        "web": "false",
        "processes": json.dumps(PROCESSES),
        "jobs": JOBS,
        "release_command": '["migrate", "--all"]',
    },
    "connection": {
        **REPOSITORY,
        "connection_arn": f"arn:aws:codeconnections:{REGION}:123456789012:connection/1-2",
        "trigger_paths": '["app/**"]',
    },
}
"""A name → the settings, as Pulumi passes them."""


NOT_MADE: Mapping[str, frozenset[str]] = {
    "existing place": frozenset({"Vpc", "DefaultSecurityGroup", "LoadBalancer", "Cluster"}),
    "existing network": frozenset({"Vpc", "DefaultSecurityGroup", "Cluster"}),
    "shared place": frozenset({"Vpc", "DefaultSecurityGroup", "LoadBalancer", "Cluster"}),
    "workers": frozenset({"LoadBalancer", "TargetGroup", "SecurityGroupIngressRule"}),
}
"""A row → what its place has already, or can do without, so that the stack makes none."""


def _told(asked: dict[str, Any]) -> Any:
    """What the environment shares in whose place a service runs."""
    return telling(shared(recorded("workflows")))(asked)


ANSWERS: Mapping[str, Answer] = {READ_SHARED: _told}


def said(name: str) -> Mapping[str, str]:
    """What a row says though it is the default."""
    return SAID if EVERYTHING.items() <= MATRIX[name].items() else {}


@cache
def recorded(name: str) -> Recording:
    """What the program registers under one row of the matrix."""
    return record(MATRIX[name], answers=ANSWERS, further=said(name))


@cache
def long_names(name: str) -> Recording:
    """The same in a project and a stack with names as long as Pulumi allows."""
    return record(
        MATRIX[name],
        answers=ANSWERS,
        further=said(name),
        project="a-project-with-a-name-that-goes-on-and-on-until-nobody-reads-it-any-more-at-all",
        stack="feature-JIRA-1234_some.very.long.description-of-a-branch-and-then-some-more-text",
    )
