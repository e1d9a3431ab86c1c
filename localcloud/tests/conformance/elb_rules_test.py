"""Listener rules and actions: one row a behaviour that AWS documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.tests.conformance.elb_stage import (
    API,
    GUIDE,
    Row,
    Stage,
    Table,
    ask,
    condition,
    fixed,
    forward,
    play,
    running,
)
from localcloud.tests.elb_harness import Cloud, Network, await_state, register

TABLE = Table()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    with running(tmp_path_factory.mktemp("elb")) as cloud_and_network:
        yield cloud_and_network


CONDITIONS: list[tuple[str, dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]] = [
    # page's anchor, condition, requests that match, requests that don't
    (
        "host-conditions",
        condition("host-header", "*.example.com", "one.test"),
        [{"headers": {"Host": "A.Example.COM"}}, {"headers": {"Host": "one.test:80"}}],
        [{"headers": {"Host": "example.com"}}, {"headers": {"Host": "one.test.org"}}],
    ),
    (
        "path-conditions",
        condition("path-pattern", "/img/*", "/a?c"),
        [{"path": "/img/1.png?x=y"}, {"path": "/abc"}],
        [{"path": "/IMG/1.png"}, {"path": "/ac"}, {"path": "/abcd"}],
    ),
    (
        "http-header-conditions",
        condition("http-header", "*Chrome*", HttpHeaderName="User-Agent"),
        [{"headers": {"User-Agent": "Mozilla chrome/1"}}],
        [{"headers": {"User-Agent": "Firefox"}}, {}],
    ),
    (
        "http-request-method-conditions",
        condition("http-request-method", "POST", "PUT"),
        [{"method": "POST"}, {"method": "PUT"}],
        [{"method": "GET"}],
    ),
    (
        "query-string-conditions",
        condition("query-string", {"Key": "version", "Value": "v?"}, {"Value": "*deep*"}),
        [{"path": "/?a=1&Version=V1"}, {"path": "/?x=undeepened"}],
        [{"path": "/?version=v12"}, {"path": "/?xversion=v1"}, {"path": "/"}],
    ),
    (
        "source-ip-conditions",
        condition("source-ip", "127.0.0.0/8"),
        [{}],
        [],
    ),
    (
        "source-ip-conditions",
        condition("source-ip", "10.0.0.0/8"),
        [],
        [{}],
    ),
]


def _condition_row(wanted: dict[str, Any], matching: list[Any], others: list[Any]) -> Row:
    def check(stage: Stage) -> None:
        made = stage.site()
        stage.rule(made, 1, fixed("matched"), wanted)
        for request in matching:
            assert ask(made.host, **request).body == "matched", request
        for request in others:
            assert ask(made.host, **request).status == 503, request

    return check


for number, (anchor, wanted, matching, others) in enumerate(CONDITIONS):
    TABLE.row(
        GUIDE + f"rule-condition-types.html#{anchor}",
        f"{wanted['Field']} conditions match ({number})",
    )(_condition_row(wanted, matching, others))


@TABLE.row(GUIDE + "rule-condition-types.html", "all conditions of a rule must match")
def all_conditions(stage: Stage) -> None:
    made = stage.site()
    both = condition("path-pattern", "/a"), condition("http-request-method", "POST")
    stage.rule(made, 1, fixed("both"), *both)
    assert ask(made.host, "/a", "POST").body == "both"
    assert ask(made.host, "/a").status == 503
    assert ask(made.host, "/b", "POST").status == 503


@TABLE.row(
    GUIDE + "listener-rules.html", "rules are evaluated from the lowest priority to the highest"
)
def priorities(stage: Stage) -> None:
    made = stage.site()
    late = stage.rule(made, 20, fixed("late"), condition("path-pattern", "/*"))
    early = stage.rule(made, 10, fixed("early"), condition("path-pattern", "/a*"))
    assert ask(made.host, "/a").body == "early"
    assert ask(made.host, "/b").body == "late"
    stage.elbv2.set_rule_priorities(
        RulePriorities=[{"RuleArn": late, "Priority": 10}, {"RuleArn": early, "Priority": 20}]
    )
    assert ask(made.host, "/a").body == "late"
    listed = stage.elbv2.describe_rules(ListenerArn=made.listener)["Rules"]
    assert [one["Priority"] for one in listed] == ["10", "20", "default"]


@TABLE.row(API + "API_RedirectActionConfig.html", "redirects fill in what the request had")
def redirect(stage: Stage) -> None:
    made = stage.site()
    whole = {
        "Type": "redirect",
        "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
    }
    parts = {
        "Type": "redirect",
        "RedirectConfig": {
            "Host": "www.#{host}",
            "Path": "/new/#{path}",
            "Query": "#{query}&by=#{protocol}",
            "StatusCode": "HTTP_302",
        },
    }
    stage.rule(made, 1, whole, condition("path-pattern", "/secure/*"))
    stage.rule(made, 2, parts, condition("path-pattern", "/old/*"))
    secure = ask(made.host, "/secure/x?a=b%20c")
    assert (secure.status, secure.headers["location"]) == (
        301,
        f"https://{made.host}:443/secure/x?a=b%20c",
    )
    assert ask(made.host, "/secure/x").headers["location"] == f"https://{made.host}:443/secure/x"
    moved = ask(made.host, "/old/y?q=1", headers={"Host": "example.com"})
    assert (moved.status, moved.headers["location"]) == (
        302,
        "http://www.example.com:80/new/old/y?q=1&by=http",
    )


@TABLE.row(API + "API_FixedResponseActionConfig.html", "a fixed response has status, type and body")
def fixed_response(stage: Stage) -> None:
    made = stage.site()
    body = '{"text": "it\'s \\ 100% \\"done\\" $HOME\nünïcode #1"}'
    action = {
        "Type": "fixed-response",
        "FixedResponseConfig": {
            "StatusCode": "418",
            "ContentType": "application/json",
            "MessageBody": body,
        },
    }
    stage.rule(made, 1, action, condition("path-pattern", "/tea"))
    answer = ask(made.host, "/tea")
    assert (answer.status, answer.headers["content-type"]) == (418, "application/json")
    assert answer.body == body
    assert answer.headers["server"] == "awselb/2.0"


@TABLE.row(API + "API_ForwardActionConfig.html", "a forward action follows the weights")
def weights(stage: Stage) -> None:
    made, blue = stage.served()
    green_group, green = stage.group(), stage.target()
    shares = [(made.target_group, 1), (green_group, 3)]
    stage.elbv2.modify_listener(ListenerArn=made.listener, DefaultActions=[forward(shares)])
    register(stage.cloud.client, green_group, green)
    await_state(stage.cloud.client, green_group, "healthy")
    answers = [ask(made.host).body for _ in range(200)]
    assert 25 <= answers.count(blue.address) <= 80
    assert answers.count(blue.address) + answers.count(green.address) == 200
    stage.elbv2.modify_listener(
        ListenerArn=made.listener,
        DefaultActions=[forward([(made.target_group, 0), (green_group, 1)])],
    )
    assert {ask(made.host).body for _ in range(20)} == {green.address}


@pytest.mark.parametrize(("page", "check"), TABLE.rows)
def test_documented(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    play(started, page, check)
