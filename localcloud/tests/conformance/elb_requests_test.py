"""Requests through a load balancer: one row a behaviour that AWS documents."""

from __future__ import annotations

import gzip
import json
import re
import shlex
import socket
import time
from collections.abc import Iterator

import pytest

from localcloud.server.cloud import ACCOUNT
from localcloud.tests.conformance.elb_stage import (
    GUIDE,
    NUMBERS,
    Row,
    Stage,
    Table,
    ask,
    play,
    running,
)
from localcloud.tests.elb_harness import Cloud, Network, await_state

TABLE = Table()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Cloud, Network]]:
    with running(tmp_path_factory.mktemp("elb")) as cloud_and_network:
        yield cloud_and_network


@TABLE.row(GUIDE + "load-balancer-troubleshooting.html", "503 when a group has no targets")
def no_targets(stage: Stage) -> None:
    answer = ask(stage.site().host)
    assert answer.status == 503
    assert "503 Service Temporarily Unavailable" in answer.body
    assert answer.headers["server"] == "awselb/2.0"


@TABLE.row(GUIDE + "load-balancer-troubleshooting.html", "502 when a target refuses the connection")
def connection_refused(stage: Stage) -> None:
    made, target = stage.served()
    target.close()
    answer = ask(made.host)
    assert answer.status == 502
    assert "502 Bad Gateway" in answer.body


@TABLE.row(
    GUIDE + "load-balancer-troubleshooting.html", "504 when a target does not answer in time"
)
def target_timeout(stage: Stage) -> None:
    made, target = stage.served()
    stage.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=made.load_balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    target.delay = 10
    began = time.monotonic()
    assert ask(made.host).status == 504
    assert 0.9 < time.monotonic() - began < 25


@TABLE.row(GUIDE + "load-balancer-troubleshooting.html", "504 when a target can't be connected to")
def connection_timeout(stage: Stage) -> None:
    """A full backlog answers no connection: the target fails open, and then times out."""
    made = stage.site()
    with socket.socket() as deaf, socket.socket() as filling:
        deaf.bind(("127.8.250.1", 0))
        deaf.listen(0)
        filling.connect(deaf.getsockname())
        stage.elbv2.register_targets(
            TargetGroupArn=made.target_group,
            Targets=[{"Id": "127.8.250.1", "Port": deaf.getsockname()[1]}],
        )
        await_state(stage.cloud.client, made.target_group, "unhealthy")
        answer = ask(made.host)
        assert answer.status == 504
        assert "504 Gateway Time-out" in answer.body


def log_bucket(stage: Stage) -> str:
    name = f"row-{next(NUMBERS)}-logs"
    stage.cloud.client("s3").create_bucket(Bucket=name)
    return name


def logged_in(bucket: str, prefix: str = "") -> list[dict[str, str]]:
    attributes = {"enabled": "true", "bucket": bucket, "prefix": prefix}
    return [{"Key": f"access_logs.s3.{key}", "Value": text} for key, text in attributes.items()]


def let_balancers_write(stage: Stage, bucket: str, folder: str = "") -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/{folder}AWSLogs/{ACCOUNT}/*",
        "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    stage.cloud.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


@TABLE.row(
    GUIDE + "enable-access-logging.html", "access logs need a bucket that load balancing may write"
)
def access_log_refused(stage: Stage) -> None:
    arn, bucket = stage.site().load_balancer, log_bucket(stage)

    def refusal(prefix: str = "") -> str:
        return stage.refused(
            "InvalidConfigurationRequest",
            "modify_load_balancer_attributes",
            LoadBalancerArn=arn,
            Attributes=logged_in(bucket, prefix),
        )

    assert "Access Denied for bucket" in refusal()
    let_balancers_write(stage, bucket)
    assert "Access Denied for bucket" in refusal("other")
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    stage.cloud.client("s3").put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    assert "S3's own key" in refusal()


@TABLE.row(GUIDE + "load-balancer-access-logs.html", "a request is a line of an object, in order")
def access_log(stage: Stage) -> None:
    made, target = stage.served()
    s3, bucket = stage.cloud.client("s3"), log_bucket(stage)
    let_balancers_write(stage, bucket, "shop/")
    stage.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=made.load_balancer, Attributes=logged_in(bucket, "shop")
    )

    def written() -> dict[str, bytes]:
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}

    test_file = f"shop/AWSLogs/{ACCOUNT}/ELBAccessLogTestFile"
    assert list(written()) == [test_file]
    ask(made.host, "/logged?a=1", headers={"User-Agent": 'the "agent"'})
    given_up = time.monotonic() + 120
    lines: list[str] = []
    while not lines and time.monotonic() < given_up:
        stage.cloud.elb.data_plane.publish_access_logs()
        for key, body in written().items():
            if key != test_file:
                assert re.fullmatch(
                    rf"shop/AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/\d{{4}}/\d\d/\d\d/"
                    rf"{ACCOUNT}_elasticloadbalancing_us-east-1_app\..+\.log\.gz",
                    key,
                )
                lines += gzip.decompress(body).decode().splitlines()
        time.sleep(0.1)
    (line,) = lines
    fields = shlex.split(line)
    assert fields[0] == "http"
    assert fields[2] == made.load_balancer.partition(":loadbalancer/")[2]
    assert fields[4] == f"{target.address}:{target.port}"
    assert (fields[8], fields[9]) == ("200", "200")
    assert fields[12].startswith("GET http://")
    assert fields[12].endswith("/logged?a=1 HTTP/1.1")
    assert fields[13] == "the \\x22agent\\x22"
    assert fields[16] == made.target_group
    assert fields[22] == "forward"
    assert len(fields) == 30


@TABLE.row(GUIDE + "load-balancer-troubleshooting.html", "a target's own 503 is passed on")
def own_error(stage: Stage) -> None:
    made, target = stage.served()
    target.status = 503
    answer = ask(made.host)
    assert (answer.status, answer.body) == (503, target.address)


@TABLE.row(GUIDE + "x-forwarded-headers.html", "X-Forwarded headers are set and appended to")
def forwarded_headers(stage: Stage) -> None:
    made, target = stage.served()
    ask(made.host, headers={"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https"})
    headers = target.last_headers()
    assert re.fullmatch(r"203\.0\.113\.7, 127\.\d+\.\d+\.\d+", headers["x-forwarded-for"])
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-port"] == "80"
    assert headers["host"] == made.host


@TABLE.row(GUIDE + "x-forwarded-headers.html", "X-Forwarded-For can be preserved or removed")
def forwarded_modes(stage: Stage) -> None:
    made, target = stage.served()
    seen = {}
    for mode in ("preserve", "remove"):
        stage.elbv2.modify_load_balancer_attributes(
            LoadBalancerArn=made.load_balancer,
            Attributes=[{"Key": "routing.http.xff_header_processing.mode", "Value": mode}],
        )
        ask(made.host, headers={"X-Forwarded-For": "203.0.113.7"})
        seen[mode] = target.last_headers().get("x-forwarded-for")
    assert seen == {"preserve": "203.0.113.7", "remove": None}


@TABLE.row(GUIDE + "load-balancer-request-tracing.html", "X-Amzn-Trace-Id is added or extended")
def trace(stage: Stage) -> None:
    made, target = stage.served()
    ask(made.host)
    assert re.fullmatch(
        r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}", target.last_headers()["x-amzn-trace-id"]
    )
    ask(made.host, headers={"X-Amzn-Trace-Id": "Root=1-67891233-abcdef012345678912345678"})
    assert re.fullmatch(
        r"Self=1-[0-9a-f]{8}-[0-9a-f]{24};Root=1-67891233-abcdef012345678912345678",
        target.last_headers()["x-amzn-trace-id"],
    )


@TABLE.row(
    GUIDE + "edit-load-balancer-attributes.html", "invalid header fields are dropped if asked"
)
def invalid_headers(stage: Stage) -> None:
    made, target = stage.served()
    ask(made.host, headers={"under_score": "1", "X-Right": "1"})
    assert "under_score" in target.last_headers()
    stage.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=made.load_balancer,
        Attributes=[{"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"}],
    )
    ask(made.host, headers={"under_score": "1", "X-Right": "1"})
    assert "under_score" not in target.last_headers()
    assert target.last_headers()["x-right"] == "1"


@TABLE.row(GUIDE + "edit-load-balancer-attributes.html", "the idle timeout closes idle connections")
def idle_timeout(stage: Stage) -> None:
    made, _ = stage.served()
    stage.elbv2.modify_load_balancer_attributes(
        LoadBalancerArn=made.load_balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "1"}],
    )
    with socket.create_connection((made.host, 80), timeout=60) as connection:
        began = time.monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        while connection.recv(65536):
            """Until the load balancer closes."""
        assert 0.8 < time.monotonic() - began < 25


@TABLE.row(GUIDE + "header-modification.html", "listener attributes put headers into answers")
def response_headers(stage: Stage) -> None:
    made, _ = stage.served()
    stage.elbv2.modify_listener_attributes(
        ListenerArn=made.listener,
        Attributes=[
            {
                "Key": "routing.http.response.strict_transport_security.header_value",
                "Value": "max-age=31536000; includeSubDomains",
            },
            {"Key": "routing.http.response.server.enabled", "Value": "false"},
        ],
    )
    answer = ask(made.host)
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
    assert "server" not in answer.headers


@pytest.mark.parametrize(("page", "check"), TABLE.rows)
def test_documented(started: tuple[Cloud, Network], page: str, check: Row) -> None:
    play(started, page, check)
