"""HAProxy's configuration: a pure function of the load balancers' description.

HAProxy 2.6: https://docs.haproxy.org/2.6/configuration.html
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from localcloud.elb.access_logs import frontend_lines
from localcloud.elb.localhost_listeners import door_lines
from localcloud.elb.model import Listener, LoadBalancer, Plane, Server, TargetGroup
from localcloud.elb.rules import quoted, rule_lines
from localcloud.elb.supported_members import RESPONSE_HEADERS, SERVER_HEADER

CONNECT_TIMEOUT = 10
"""Seconds to connect to a target: "failed to establish a connection to the target before the
connection timeout expired (10 seconds)".
https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html
"""

UNSERVED = "no-target-group"

ERRORS = {
    400: "Bad Request",
    408: "Request Time-out",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}
"""The answers that the load balancer gives itself, with their titles."""


def frontend_name(listener: Listener) -> str:
    """The name of a listener's HAProxy frontend."""
    return ".".join(listener.arn.split("/")[-3:])


def time_variable(group: TargetGroup) -> str:
    """The variable that adds up a group's response times, in microseconds."""
    return f"proc.time.{hashlib.sha256(group.arn.encode()).hexdigest()[:12]}"


def configuration(plane: Plane, instance: str, sockets: Path) -> str:
    """The whole configuration, with the servers as they are now.

    Args:
        plane: what to serve.
        instance: the local cloud's name, part of the description.
        sockets: the folder of the sockets by which an old worker reaches the current one.
    """
    lines = [
        "global",
        f"  description {description(plane, instance)}",
        "  nbthread 1",  # so that sums in process variables are exact
        *(f"  set-var {time_variable(group)} int(0)" for group in plane.target_groups),
        *_defaults(),
    ]
    for balancer in plane.load_balancers:
        for listener in balancer.listeners:
            lines += _frontend(plane, balancer, listener, sockets)
    for door in plane.doors:
        lines += door_lines(door)
    users = {arn: one for one in plane.load_balancers for arn in one.forwarded_groups()}
    for group in plane.target_groups:
        if group.arn not in users:
            continue  # used by a listener alone that can't be served
        lines += _backend(group, users[group.arn])
        for server in plane.servers.get(group.backend, ()):
            state = "" if server.routable else " disabled"
            lines.append(f"  server {server.name} {server_address(group, server)}{state}")
    return "\n".join([*lines, ""])


def description(plane: Plane, instance: str) -> str:
    """What `show info` of a worker with this structure tells: changes only when all but the
    servers would change, which is when a reload is needed."""
    bare = replace(plane, servers={})
    digest = hashlib.sha256(repr(bare).encode()).hexdigest()[:16]
    return f"fargate-cd-{instance}-{digest}"


def server_address(group: TargetGroup, server: Server) -> str:
    """Address and parameters of a server, as in its line and in `add server`.

    Targets' certificates are not verified, as on AWS.
    """
    host = f"[{server.address}]" if ":" in server.address else server.address
    tls = " ssl verify none" if group.protocol == "HTTPS" else ""
    return f"{host}:{server.port}{tls}"


def _defaults() -> list[str]:
    return [
        "defaults",
        "  mode http",
        f"  timeout connect {CONNECT_TIMEOUT}s",
        "  timeout client 60s",
        "  timeout server 60s",
        "  retries 0",
        "  http-reuse safe",
        "  option idle-close-on-response",
        "  option http-ignore-probes",
        *(_error(status, title) for status, title in ERRORS.items()),
        f"backend {UNSERVED}",
    ]


def _page(title: str) -> str:
    return (
        f"<html>\\r\\n<head><title>{title}</title></head>\\r\\n<body>\\r\\n"
        f"<center><h1>{title}</h1></center>\\r\\n</body>\\r\\n</html>\\r\\n"
    )


def _error(status: int, title: str) -> str:
    return (
        f'  http-error status {status} content-type text/html string "{_page(f"{status} {title}")}"'
    )


_WAITED = "date(0,ms),sub(txn.began)"
"""Milliseconds since the request was read."""


def _unreachable() -> list[str]:
    """HAProxy says 503 of a target that it can't connect to; AWS says 502 of one that refuses and
    504 of one that does not react. Where no target is in rotation, the answer is 503 for both.

    (`be_conn_free` is 0 only where every server is in maintenance; `nbsrv` would be 0 in a worker
    that finishes its connections after a reload, whatever its servers are.)
    """
    titles = [f"{status} {ERRORS[status]}" for status in (504, 502)]
    title = f"%[{_WAITED},div({CONNECT_TIMEOUT * 1000}),bool,iif({','.join(titles)})]"
    unserved = f'content-type text/html string "{_page(f"503 {ERRORS[503]}")}"'
    return [
        f"  http-request return status 503 {unserved} if {{ be_conn_free eq 0 }}",
        f'  http-error status 503 content-type text/html lf-string "{_page(title)}"',
    ]


def _relay(balancer: LoadBalancer, listener: Listener, socket: Path) -> list[str]:
    """How a worker that a reload has replaced serves the next request of a connection that it
    holds: by the current worker, which alone knows the rules and targets of now."""
    return [
        f"backend relay.{frontend_name(listener)}",
        f"  timeout server {balancer.idle_timeout}s",
        f"  server current unix@{socket} send-proxy-v2",
    ]


def relay_socket(listener: Listener, sockets: Path) -> Path:
    """Where the current worker takes over what an old one can't serve."""
    digest = hashlib.sha256(frontend_name(listener).encode()).hexdigest()[:12]
    return sockets / f"{digest}.sock"


def _frontend(plane: Plane, balancer: LoadBalancer, listener: Listener, sockets: Path) -> list[str]:
    idle = balancer.idle_timeout
    name = frontend_name(listener)
    socket = relay_socket(listener, sockets)
    unreachable = "{ status 503 } { srv_id -m found } !{ var(txn.answered) -m found }"
    late = f"{{ {_WAITED} -m int ge {CONNECT_TIMEOUT * 1000} }}"
    return [
        *_relay(balancer, listener, socket),
        f"frontend {name}",
        f"  bind {listener.address}:{listener.local_port}{_tls(balancer, listener)}",
        f"  bind unix@{socket} mode 600 accept-proxy",
        f"  timeout client {idle}s",
        f"  timeout http-keep-alive {idle}s",
        "  tcp-request session set-var(sess.began) date()",
        "  http-request set-var(txn.began) date(0,ms)",
        *frontend_lines(balancer, sockets),
        *rule_lines(balancer, listener, {group.arn: group for group in plane.target_groups}),
        *_listener_headers(balancer, listener),
        *_keep_alive(balancer),
        "  http-response set-var(txn.answered) bool(true)",
        f'  http-after-response set-status 504 reason "{ERRORS[504]}" if {unreachable} {late}',
        f'  http-after-response set-status 502 reason "{ERRORS[502]}" if {unreachable}',
        "  http-after-response set-header Server awselb/2.0 unless { var(txn.answered) -m found }",
        *_response_headers(listener),
        f"  use_backend relay.{name} if {{ stopping }}",
        "  use_backend %[var(txn.backend)]",
        f"  default_backend {UNSERVED}",
    ]


def _tls(balancer: LoadBalancer, listener: Listener) -> str:
    tls = listener.tls
    if tls is None:
        return ""
    certificates = "".join(f" crt {quoted(path)}" for path in listener.certificates)
    alpn = "h2,http/1.1" if balancer.flag("routing.http2.enabled") else "http/1.1"
    ciphers = f" ciphers {':'.join(tls.ciphers)}" if tls.ciphers else ""
    suites = f" ciphersuites {':'.join(tls.suites)}" if tls.suites else ""
    versions = f" ssl-min-ver {tls.minimum} ssl-max-ver {tls.maximum}"
    return f" ssl{certificates} alpn {alpn}{versions}{ciphers}{suites}"


def _keep_alive(balancer: LoadBalancer) -> list[str]:
    """A connection that is older than the limit ends with its next answer.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html
    """
    limit = balancer.attributes["client_keep_alive.seconds"]
    return [
        "  http-request set-var(txn.age) date(),sub(sess.began)",
        "  http-after-response set-header Connection close"
        f" if {{ var(txn.age) -m int ge {limit} }}",
    ]


def _response_headers(listener: Listener) -> list[str]:
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html"""
    lines = [
        f"  http-after-response set-header {header} {quoted(value.replace('%', '%%'))}"
        for key, header in RESPONSE_HEADERS.items()
        if (value := listener.attributes.get(key))
    ]
    if listener.attributes.get(SERVER_HEADER) == "false":
        lines.append("  http-after-response del-header Server")
    return lines


def _backend(group: TargetGroup, balancer: LoadBalancer) -> list[str]:
    total = time_variable(group)
    algorithms = {"round_robin": "roundrobin", "least_outstanding_requests": "leastconn"}
    return [
        f"backend {group.backend}",
        f"  balance {algorithms[group.attributes['load_balancing.algorithm.type']]}",
        f"  timeout server {group.idle_timeout}s",
        *_request_headers(balancer),
        *_unreachable(),
        "  http-request set-var(txn.sent) date(0,us)",
        "  http-response set-var(txn.took) date(0,us),sub(txn.sent)",
        f"  http-response set-var({total}) var({total}),add(txn.took)",
    ]


def _forwarded_for(balancer: LoadBalancer) -> list[str]:
    with_port = balancer.flag("routing.http.xff_client_port.enabled")
    client = "%[src]:%[src_port]" if with_port else "%[src]"
    before = "{ req.fhdr(X-Forwarded-For) -m found }"
    setting = "  http-request set-var-fmt(txn.for)"
    modes = {
        "append": [
            f'{setting} "%[req.fhdr(X-Forwarded-For)], {client}" if {before}',
            f'{setting} "{client}" if !{before}',
            "  http-request set-header X-Forwarded-For %[var(txn.for)]",
        ],
        "preserve": [],
        "remove": ["  http-request del-header X-Forwarded-For"],
    }
    return modes[balancer.attributes["routing.http.xff_header_processing.mode"]]


def _listener_headers(balancer: LoadBalancer, listener: Listener) -> list[str]:
    """The headers that tell of the listener; no harm is done by setting them twice.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    """
    lines = [
        f"  http-request set-header X-Forwarded-Proto {listener.protocol.lower()}",
        f"  http-request set-header X-Forwarded-Port {listener.port}",
    ]
    if balancer.flag("routing.http.x_amzn_tls_version_and_cipher_suite.enabled"):
        lines += [
            "  http-request set-header x-amzn-tls-version %[ssl_fc_protocol] if { ssl_fc }",
            "  http-request set-header x-amzn-tls-cipher-suite %[ssl_fc_cipher] if { ssl_fc }",
        ]
    return lines


def _request_headers(balancer: LoadBalancer) -> list[str]:
    """The headers that an Application Load Balancer extends, on the way to a target.

    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/x-forwarded-headers.html
    https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-request-tracing.html
    """
    lines = []
    if balancer.flag("routing.http.drop_invalid_header_fields.enabled"):
        lines.append("  http-request del-header '[^-A-Za-z0-9]' -m reg")
    trace = "%[var(txn.time),lower]-%[uuid(4),regsub(-,,g),bytes(0,24)]"
    return [
        *lines,
        *_forwarded_for(balancer),
        "  http-request set-var-fmt(txn.time) %{+X}Ts",
        "  http-request set-var(txn.trace) req.fhdr(X-Amzn-Trace-Id)",
        f'  http-request set-header X-Amzn-Trace-Id "Root=1-{trace}"'
        " unless { var(txn.trace) -m found }",
        f'  http-request set-header X-Amzn-Trace-Id "Self=1-{trace};%[var(txn.trace)]"'
        " if { var(txn.trace) -m found }",
    ]
