"""Access logs of load balancers: HAProxy tells each request, and the bucket gets them in objects.

https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
The local cloud does not know the trace's number and the rule of a request; both are `-`.
"""

from __future__ import annotations

import gzip
import logging
import secrets
import socket
import threading
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from localcloud.elb.model import Listener, LoadBalancer, Plane
from localcloud.emulator.emulator import backends
from localcloud.iam.directory import parsed
from localcloud.iam.evaluation import Caller, Policies, Request, evaluate
from localcloud.shared import clock
from localcloud.shared.service import Call, ServiceError, Surroundings

log = logging.getLogger("localcloud.elb")

PRINCIPAL = "logdelivery.elasticloadbalancing.amazonaws.com"
PUBLISH_SECONDS = 300
LARGEST = 16384
ENABLED, BUCKET, PREFIX = (f"access_logs.s3.{name}" for name in ("enabled", "bucket", "prefix"))

FIELDS: Mapping[str, str] = {
    "frontend": "%f",
    "client": "%ci:%cp",
    "backend": "%b",
    "target": "%si:%sp",
    "began": "%[var(txn.began)]",
    "waited": "%Tw",
    "connected": "%Tc",
    "answered": "%Tr",
    "sent": "%Td",
    "status": "%ST",
    "received_bytes": "%U",
    "sent_bytes": "%B",
    "own": "%[var(txn.answered)]",
    "cipher": "%sslc",
    "tls": "%sslv",
    "method": "%HM",
    "version": "%HV",
    "host": "%[var(txn.host)]",
    "path": "%HU",
    "agent": "%[var(txn.agent)]",
}
"""What HAProxy tells of a request, in this order, with a tab between each two."""


def socket_path(sockets: Path) -> Path:
    """Where HAProxy sends what it tells."""
    return sockets / "access.log"


def frontend_lines(balancer: LoadBalancer, sockets: Path) -> list[str]:
    """The lines of a listener's frontend that have its requests told, if they are to be logged."""
    if not balancer.flag(ENABLED):
        return []
    told = "\\t".join(FIELDS.values())
    return [
        f"  log {socket_path(sockets)} len {LARGEST} format raw local0",
        f'  log-format "{told}"',
        "  http-request set-var(txn.host) req.hdr(Host)",
        "  http-request set-var(txn.agent) req.fhdr(User-Agent)",
    ]


class AccessLogs:
    """Keeps what HAProxy tells, and writes it into the load balancers' buckets.

    Args:
        sockets: the folder of HAProxy's sockets.
        surroundings: the local cloud around it.
    """

    def __init__(self, sockets: Path, surroundings: Surroundings) -> None:
        self._path, self._around = socket_path(sockets), surroundings
        self._told: dict[str, list[dict[str, str]]] = defaultdict(list)
        self._lock = threading.Lock()
        self._published = clock.now()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="elb-logs", daemon=True)

    def start(self) -> None:
        """Take in what HAProxy tells from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Take in nothing more."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def _listen(self) -> None:
        self._path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
            listening.bind(str(self._path))
            self._path.chmod(0o600)
            listening.settimeout(0.5)
            while not self._ended.is_set():
                try:
                    self._take(listening.recv(LARGEST).decode("utf-8", "replace").rstrip("\n"))
                except TimeoutError:
                    continue
        self._path.unlink(missing_ok=True)

    def _take(self, line: str) -> None:
        values = line.split("\t")
        if len(values) != len(FIELDS):
            log.warning("HAProxy told a request that can't be read: %s", line)
            return
        told = dict(zip(FIELDS, values, strict=True))
        with self._lock:
            self._told[told["frontend"]].append(told)

    def due(self) -> bool:
        """Whether it is time to write the next objects."""
        return clock.now() - self._published >= PUBLISH_SECONDS

    def publish(self, plane: Plane, frontends: Mapping[str, tuple[LoadBalancer, Listener]]) -> None:
        """Write an object for each load balancer that was asked something.

        Args:
            plane: what is served.
            frontends: HAProxy's name of a listener → its load balancer and the listener.
        """
        self._published = clock.now()
        with self._lock:
            told, self._told = self._told, defaultdict(list)
        groups = {group.backend: group.arn for group in plane.target_groups}
        lines: dict[str, list[str]] = defaultdict(list)
        balancers = {}
        for name, rows in told.items():
            if name in frontends:
                balancer, listener = frontends[name]
                balancers[balancer.arn] = balancer
                lines[balancer.arn] += [entry(balancer, listener, groups, row) for row in rows]
        for arn, found in lines.items():
            self._write(balancers[arn], found)

    def _write(self, balancer: LoadBalancer, lines: list[str]) -> None:
        _, _, _, region, account, resource = balancer.arn.split(":", 5)
        moment = datetime.now(UTC)
        name = resource.removeprefix("loadbalancer/").replace("/", ".")
        folder = f"AWSLogs/{account}/elasticloadbalancing/{region}/{moment:%Y/%m/%d}"
        file = f"{account}_elasticloadbalancing_{region}_{name}_{moment:%Y%m%dT%H%MZ}_127.0.0.1_"
        key = _key(balancer.attributes, f"{folder}/{file}{secrets.token_hex(4)}.log.gz")
        bucket = balancer.attributes[BUCKET]
        if refused := denied(account, region, bucket, key, balancer.arn):
            log.warning("the access log of %s was not delivered: %s", balancer.arn, refused)
            return
        body = gzip.compress("".join(f"{line}\n" for line in lines).encode())
        self._around.client("s3", region).put_object(Bucket=bucket, Key=key, Body=body)


def entry(
    balancer: LoadBalancer, listener: Listener, groups: Mapping[str, str], told: Mapping[str, str]
) -> str:
    """A request's line, in the order of AWS's fields."""
    began = datetime.fromtimestamp(int(told["began"]) / 1000, UTC)
    times = [int(told[name]) for name in ("waited", "answered", "sent")]
    ended = began + timedelta(milliseconds=sum(max(0, each) for each in times))
    secure = listener.protocol == "HTTPS"
    version = told["version"]
    kind = "h2" if secure and version.startswith("HTTP/2") else listener.protocol.lower()
    host = told["host"].partition(":")[0] if told["host"] != "-" else "-"
    path = told["path"].partition("://")[2].partition("/")[2] if "://" in told["path"] else ""
    address = f"{listener.protocol.lower()}://{host}:{listener.port}"
    asked = f"{told['method']} {address}{f'/{path}' if path else told['path']} {version}"
    group = groups.get(told["backend"], "-")
    own = told["own"] not in ("", "-", "0")
    target = told["target"] if group != "-" and told["target"][0].isdigit() else "-"
    redirected = group == "-" and told["status"].startswith("3")
    action = "forward" if group != "-" else "redirect" if redirected else "fixed-response"
    seconds = [f"{each / 1000:.3f}" if each >= 0 and target != "-" else "-1" for each in times]
    own_status = told["status"] if own and target != "-" else "-"
    return " ".join(
        [
            kind,
            _stamp(ended),
            balancer.arn.partition(":loadbalancer/")[2],
            told["client"],
            target,
            *seconds,
            told["status"],
            own_status,
            told["received_bytes"],
            told["sent_bytes"],
            _quoted(asked),
            _quoted(told["agent"]),
            told["cipher"] if secure else "-",
            told["tls"] if secure else "-",
            group,
            '"-"',
            _quoted(host if secure else "-"),
            '"-"',
            "-",
            _stamp(began),
            _quoted(action),
            *('"-"', '"-"'),
            _quoted(target),
            _quoted(own_status),
            *('"-"', '"-"', "-"),
        ]
    )


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"


def _quoted(text: str) -> str:
    escaped = text.replace('"', "\\x22")
    return f'"{escaped}"'


def _key(attributes: Mapping[str, str], rest: str) -> str:
    prefix = attributes.get(PREFIX) or ""
    return f"{prefix}/{rest}" if prefix else rest


def check(call: Call, attributes: Mapping[str, str], client: Any) -> None:
    """Prove that the logs can be delivered, as AWS does when they are turned on: by a test file.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html

    Raises:
        ServiceError: the bucket is missing, elsewhere, under a key of KMS, or lets nobody write.
    """
    if attributes.get(ENABLED) != "true":
        return
    arn, bucket = call.input["LoadBalancerArn"], attributes.get(BUCKET) or ""
    key = _key(attributes, f"AWSLogs/{call.account}/ELBAccessLogTestFile")
    if refused := denied(call.account, call.region, bucket, key, arn):
        raise ServiceError("InvalidConfigurationRequest", refused)
    client.put_object(Bucket=bucket, Key=key, Body=b"Enable AccessLog for ELB")


def denied(account: str, region: str, bucket: str, key: str, balancer: str) -> str:
    """Why load balancing may not write an object; nothing where it may."""
    found = backends("s3")[account]["aws"].buckets.get(bucket)
    if found is None:
        return f"S3bucket: {bucket} does not exist"
    if found.region_name != region:
        return f"S3bucket: {bucket} is not located in the same region with ELB"
    if "aws:kms" in str(found.encryption or ""):
        return (
            f"Access Denied for bucket: {bucket}. Its objects are encrypted by a key of KMS; "
            "access logs need S3's own key"
        )
    told = {
        "aws:sourceaccount": [account],
        "aws:sourcearn": [balancer],
        "aws:securetransport": ["true"],
    }
    request = Request(
        Caller(service=PRINCIPAL),
        "s3:PutObject",
        f"arn:aws:s3:::{bucket}/{key}",
        lambda name: told.get(name.lower()),
    )
    policy = parsed(f"policy of {bucket}", found.policy or "{}", "resource")
    decision = evaluate(request, Policies(resource=policy, resource_decides=True))
    if decision.allowed:
        return ""
    why = decision.nearest or decision.statement or "its policy has no statement for it"
    return f"Access Denied for bucket: {bucket}. Please check S3bucket permission ({why})"
