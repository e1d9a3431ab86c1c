"""The evaluation logic, row by row, and its laws."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.iam.evaluation import Caller, Kind, NamedPolicy, Policies, Request, evaluate
from localcloud.iam.policy import parse

LOGIC = (
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/"
    "reference_policies_evaluation-logic_policy-eval-basics-single-account.html"
)
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/deployer"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/deployer/run"
USER_ARN = f"arn:aws:iam::{ACCOUNT}:user/ann"
BUCKET = "arn:aws:s3:::releases"

as_user = Caller(USER_ARN, ACCOUNT)
as_role = Caller(SESSION, ACCOUNT, role_arn=ROLE)
as_root = Caller(f"arn:aws:iam::{ACCOUNT}:root", ACCOUNT, root=True)
anonymous = Caller()


def statement(effect: str, action: str = "s3:GetObject", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": f"{BUCKET}/*", **more}


def identity(*statements: dict[str, Any]) -> NamedPolicy:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return NamedPolicy("identity", parse(text))


def resource(effect: str, principal: Any, **more: Any) -> NamedPolicy:
    row = statement(effect, Principal=principal, **more)
    text = json.dumps({"Version": "2012-10-17", "Statement": [row]})
    return NamedPolicy("resource", parse(text, "resource"))


ALLOW = identity(statement("Allow"))
DENY = identity(statement("Deny"))
OTHER = identity(statement("Allow", "s3:PutObject"))

# name, caller, policies, allowed, deciding kind
ROWS: list[tuple[str, Caller, Policies, bool, Kind]] = [
    ("nothing allows", as_user, Policies(), False, Kind.IDENTITY),
    ("identity allows", as_user, Policies([ALLOW]), True, Kind.IDENTITY),
    ("another action is allowed", as_user, Policies([OTHER]), False, Kind.IDENTITY),
    ("an explicit deny wins", as_user, Policies([ALLOW, DENY]), False, Kind.IDENTITY),
    ("within the boundary", as_user, Policies([ALLOW], ALLOW), True, Kind.IDENTITY),
    ("beyond the boundary", as_user, Policies([ALLOW], OTHER), False, Kind.BOUNDARY),
    ("a boundary alone allows nothing", as_user, Policies([], ALLOW), False, Kind.IDENTITY),
    ("the boundary denies", as_user, Policies([ALLOW], DENY), False, Kind.BOUNDARY),
    ("within the session policy", as_role, Policies([ALLOW], None, [ALLOW]), True, Kind.IDENTITY),
    ("beyond it", as_role, Policies([ALLOW], None, [OTHER]), False, Kind.SESSION),
    ("one of two", as_role, Policies([ALLOW], None, [OTHER, ALLOW]), True, Kind.IDENTITY),
    ("it denies", as_role, Policies([ALLOW], None, [ALLOW, DENY]), False, Kind.SESSION),
    (
        "a resource policy that names the user is enough, past a boundary",
        as_user,
        Policies([], OTHER, None, resource("Allow", {"AWS": USER_ARN})),
        True,
        Kind.RESOURCE,
    ),
    (
        "one that names the session is enough, past a boundary",
        as_role,
        Policies([], OTHER, [OTHER], resource("Allow", {"AWS": SESSION})),
        True,
        Kind.RESOURCE,
    ),
    (
        "one that names the role is enough without a boundary",
        as_role,
        Policies([], None, None, resource("Allow", {"AWS": ROLE})),
        True,
        Kind.RESOURCE,
    ),
    (
        "one that names the role is limited by a boundary",
        as_role,
        Policies([], OTHER, None, resource("Allow", {"AWS": ROLE})),
        False,
        Kind.BOUNDARY,
    ),
    (
        "one that names the role is limited by a session policy",
        as_role,
        Policies([], None, [OTHER], resource("Allow", {"AWS": ROLE})),
        False,
        Kind.SESSION,
    ),
    (
        "one that names the account leaves it to the identity",
        as_role,
        Policies([], None, None, resource("Allow", {"AWS": ACCOUNT})),
        False,
        Kind.IDENTITY,
    ),
    (
        "one that names the account, and the identity allows",
        as_role,
        Policies([ALLOW], None, None, resource("Allow", {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})),
        True,
        Kind.IDENTITY,
    ),
    (
        "one that names somebody else",
        as_user,
        Policies([], None, None, resource("Allow", {"AWS": ROLE})),
        False,
        Kind.IDENTITY,
    ),
    (
        "one that denies the account denies all in it",
        as_role,
        Policies([ALLOW], None, None, resource("Deny", {"AWS": ACCOUNT})),
        False,
        Kind.RESOURCE,
    ),
    (
        "a public one is enough for an anonymous caller",
        anonymous,
        Policies([], None, None, resource("Allow", "*")),
        True,
        Kind.RESOURCE,
    ),
    ("root needs no policy", as_root, Policies(), True, Kind.IDENTITY),
    (
        "root is denied by a resource's explicit deny",
        as_root,
        Policies([], None, None, resource("Deny", "*")),
        False,
        Kind.RESOURCE,
    ),
    (
        "a key's policy that is silent refuses even an allowed identity",
        as_role,
        Policies([ALLOW], None, None, resource("Allow", {"AWS": USER_ARN}), True),
        False,
        Kind.RESOURCE,
    ),
    (
        "a key's policy that enables the account leaves it to the identity",
        as_role,
        Policies([ALLOW], None, None, resource("Allow", {"AWS": ACCOUNT}), True),
        True,
        Kind.IDENTITY,
    ),
]


def request(caller: Caller, **keys: list[str]) -> Request:
    return Request(caller, "s3:GetObject", f"{BUCKET}/a", keys.get)


@pytest.mark.parametrize(
    ("caller", "policies", "allowed", "kind"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS]
)
def test_logic(caller: Caller, policies: Policies, allowed: bool, kind: Kind) -> None:
    decision = evaluate(request(caller), policies)
    assert (decision.allowed, decision.kind) == (allowed, kind), LOGIC


def test_not_action_and_not_resource_match_all_else() -> None:
    all_but_put = identity(
        {"Effect": "Allow", "NotAction": "s3:Put*", "NotResource": "arn:aws:s3:::secret/*"}
    )
    assert evaluate(request(as_user), Policies([all_but_put])).allowed
    put = replace(request(as_user), action="s3:PutObject")
    assert not evaluate(put, Policies([all_but_put])).allowed
    secret = replace(request(as_user), resource="arn:aws:s3:::secret/a")
    assert not evaluate(secret, Policies([all_but_put])).allowed


def test_not_principal_spares_the_one_it_names() -> None:
    row = {
        "Effect": "Deny",
        "NotPrincipal": {"AWS": [ROLE]},
        "Action": "s3:*",
        "Resource": f"{BUCKET}/*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [row]})
    fence = NamedPolicy("fence", parse(text, "resource"))
    assert evaluate(request(as_role), Policies([ALLOW], resource=fence)).allowed
    assert not evaluate(request(as_user), Policies([ALLOW], resource=fence)).allowed


def test_a_service_is_nobody_but_itself() -> None:
    service = Caller(service="ecs-tasks.amazonaws.com")
    named = resource("Allow", {"Service": "ecs-tasks.amazonaws.com"})
    assert evaluate(request(service), Policies(resource=named, resource_decides=True)).allowed
    for other in ({"Service": "ec2.amazonaws.com"}, "*", {"AWS": ACCOUNT}):
        policies = Policies(resource=resource("Allow", other), resource_decides=True)
        assert not evaluate(request(service), policies).allowed


def test_an_explicit_deny_names_its_statement() -> None:
    fence = identity(statement("Allow"), statement("Deny", Sid="KeepOut"))
    decision = evaluate(request(as_user), Policies([fence]))
    assert decision.explicit
    assert decision.statement == "identity/KeepOut"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (statement("Allow", "s3:PutObject"), "no statement allows the action at all"),
        (statement("Allow", Resource="arn:aws:s3:::other/*"), "resource: it names arn:aws:s3:::o"),
        (
            statement("Allow", Condition={"StringEquals": {"aws:PrincipalTag/team": "red"}}),
            "condition StringEquals aws:PrincipalTag/team: it wants red, the request has none",
        ),
    ],
)
def test_the_nearest_statement_is_named_with_its_reason(row: dict[str, Any], words: str) -> None:
    decision = evaluate(request(as_user), Policies([identity(row)]))
    assert words in decision.nearest


EFFECTS = st.sampled_from(["Allow", "Deny"])
ACTIONS = st.sampled_from(["s3:GetObject", "s3:Get*", "s3:PutObject", "*"])
RESOURCES = st.sampled_from([f"{BUCKET}/*", "arn:aws:s3:::other/*", "*"])
STATEMENTS = st.lists(
    st.builds(
        lambda e, a, r: {"Effect": e, "Action": a, "Resource": r}, EFFECTS, ACTIONS, RESOURCES
    ),
    min_size=1,
    max_size=5,
)


@given(rows=STATEMENTS, seed=st.randoms())
def test_the_order_of_statements_does_not_matter(rows: list[dict[str, Any]], seed: Any) -> None:
    shuffled = list(rows)
    seed.shuffle(shuffled)
    before = evaluate(request(as_user), Policies([identity(*rows)]))
    after = evaluate(request(as_user), Policies([identity(*shuffled)]))
    assert before.allowed == after.allowed


@given(rows=STATEMENTS)
def test_one_more_matching_deny_always_denies(rows: list[dict[str, Any]]) -> None:
    policies = Policies([identity(*rows), DENY])
    assert not evaluate(request(as_user), policies).allowed


@given(rows=STATEMENTS, boundary=STATEMENTS)
def test_a_boundary_never_adds_a_permission(
    rows: list[dict[str, Any]], boundary: list[dict[str, Any]]
) -> None:
    free = evaluate(request(as_user), Policies([identity(*rows)]))
    bound = evaluate(request(as_user), Policies([identity(*rows)], identity(*boundary)))
    assert free.allowed or not bound.allowed
