"""A request's line in an access log, field by field.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
"""

from __future__ import annotations

import gzip
import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from localcloud.elb.access_logs import FIELDS, PRINCIPAL, AccessLogs, entry, frontend_lines
from localcloud.elb.model import Listener, LoadBalancer, Plane
from localcloud.shared import clock
from localcloud.shared.service import Surroundings
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, served

ARN = "arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188"
GROUP = "arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/73e2d6bc24d8a067"
TOLD = {
    **dict.fromkeys(FIELDS, "-"),
    "frontend": "app.web.1",
    "client": "192.0.2.1:2817",
    "backend": "web.73e2d6bc24d8a067",
    "target": "10.0.0.1:80",
    "began": "1795887218424",
    "waited": "1",
    "connected": "0",
    "answered": "20",
    "sent": "3",
    "own": "1",
    "status": "200",
    "received_bytes": "34",
    "sent_bytes": "366",
    "method": "GET",
    "version": "HTTP/1.1",
    "host": "www.example.com:80",
    "path": "/a?b=1",
    "agent": "curl/7.46.0",
}


def line(protocol: str = "HTTP", **told: str) -> list[str]:
    listener = Listener(f"{ARN}/l", protocol, 443 if protocol == "HTTPS" else 80, "", 1, ())
    balancer = LoadBalancer(ARN, {}, (listener,))
    return shlex.split(entry(balancer, listener, {"web.73e2d6bc24d8a067": GROUP}, {**TOLD, **told}))


UNREACHED = {"target": "-:-", "waited": "-1", "answered": "-1", "sent": "-1", "own": "-"}


@pytest.mark.parametrize(
    ("protocol", "told", "expected"),
    [
        ("HTTP", {}, {0: "http", 4: "10.0.0.1:80", 5: "0.001", 6: "0.020", 9: "200", 16: GROUP}),
        ("HTTP", {}, {12: "GET http://www.example.com:80/a?b=1 HTTP/1.1", 18: "-", 22: "forward"}),
        ("HTTPS", {"tls": "TLSv1.3", "cipher": "C"}, {0: "https", 14: "C", 15: "TLSv1.3"}),
        ("HTTPS", {"version": "HTTP/2.0"}, {0: "h2", 18: "www.example.com"}),
        (
            "HTTPS",
            {"version": "HTTP/2.0", "path": "https://www.example.com/a"},
            {12: "GET https://www.example.com:443/a HTTP/2.0"},
        ),
        ("HTTP", {**UNREACHED, "status": "503"}, {4: "-", 5: "-1", 8: "503", 9: "-", 16: GROUP}),
        ("HTTP", {**UNREACHED, "backend": "x", "status": "301"}, {16: "-", 22: "redirect"}),
        ("HTTP", {**UNREACHED, "backend": "x", "status": "404"}, {16: "-", 22: "fixed-response"}),
        ("HTTP", {"own": "-", "status": "502"}, {8: "502", 9: "-", 26: "-"}),
        ("HTTP", {"agent": 'a "b"'}, {13: "a \\x22b\\x22"}),
    ],
)
def test_the_fields(protocol: str, told: dict[str, Any], expected: dict[int, str]) -> None:
    fields = line(protocol, **told)
    assert len(fields) == 30
    assert {index: fields[index] for index in expected} == expected


def test_objects_are_written_every_five_minutes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    around = Surroundings("", "", "", "", "", "", "", "", lambda *_: None)
    monkeypatch.setattr(clock, "now", lambda: 1000.0)
    logs = AccessLogs(tmp_path, around)
    monkeypatch.setattr(clock, "now", lambda: 1299.0)
    assert not logs.due()
    monkeypatch.setattr(clock, "now", lambda: 1300.0)
    assert logs.due()
    logs.publish(Plane((), (), {}), {})
    assert not logs.due()


def test_what_was_told_is_an_object_of_the_bucket(tmp_path: Path) -> None:
    listener = Listener(f"{ARN}/l", "HTTP", 80, "", 1, ())
    attributes = {"access_logs.s3.bucket": "logs-of-web", "access_logs.s3.prefix": "shop"}
    balancer = LoadBalancer(ARN, attributes, (listener,))
    with served() as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="logs-of-web")
        around = Surroundings(
            "", "", ACCOUNT, REGION, "", "", "", "", lambda name, *_: cloud.client(name)
        )
        logs = AccessLogs(tmp_path, around)

        def keys() -> list[str]:
            logs._take("\t".join(TOLD[name] for name in FIELDS))
            logs._take("what nobody can read")
            logs.publish(Plane((balancer,), (), {}), {"app.web.1": (balancer, listener)})
            return [
                each["Key"] for each in s3.list_objects_v2(Bucket="logs-of-web").get("Contents", [])
            ]

        assert keys() == [], "the bucket has no policy"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": PRINCIPAL},
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::logs-of-web/shop/AWSLogs/{ACCOUNT}/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        s3.put_bucket_policy(Bucket="logs-of-web", Policy=policy)
        (key,) = keys()
        assert re.fullmatch(
            rf"shop/AWSLogs/{ACCOUNT}/elasticloadbalancing/us-east-1/\d{{4}}/\d\d/\d\d/{ACCOUNT}_"
            r"elasticloadbalancing_us-east-1_app\.web\.50dc6c495c0c9188_\d{8}T\d{4}Z_127\.0\.0\.1_"
            r"[0-9a-f]{8}\.log\.gz",
            key,
        )
        body = s3.get_object(Bucket="logs-of-web", Key=key)["Body"].read()
        (written,) = gzip.decompress(body).decode().splitlines()
        assert written.startswith("http 2026-")


def test_a_listener_is_logged_only_where_the_logs_are_on() -> None:
    balancer = LoadBalancer(ARN, {"access_logs.s3.enabled": "false"}, ())
    assert frontend_lines(balancer, Path("/run")) == []
    on = LoadBalancer(ARN, {"access_logs.s3.enabled": "true"}, ())
    assert frontend_lines(on, Path("/run"))[0].startswith("  log /run/access.log ")
