"""Whether a URL answers, through real sockets: plain, TLS, and under a name that is not in DNS."""

from __future__ import annotations

import ssl
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from automation.aws import http_check
from automation.aws.http_check import url_answers
from localcloud.elb.certificates import Authority

NAME = "app.fargate-cd.invalid"
"""No resolver knows a name below `invalid`: https://www.rfc-editor.org/rfc/rfc2606"""


class Page(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.headers["Host"] else 400)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        del format, args


class Broken(Page):
    status = 502


def served(
    page: type[Page], context: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    server = ThreadingHTTPServer((host, 0), page)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def port() -> Iterator[int]:
    yield from served(Page)


@pytest.fixture
def broken() -> Iterator[int]:
    yield from served(Broken)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "test")


@pytest.fixture
def tls(authority: Authority) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue([NAME]))
    yield from served(Page, context)


def test_it_answers(port: int) -> None:
    answers, sentence = url_answers(f"http://127.0.0.1:{port}", seconds=0.0)
    assert answers
    assert "answers 200" in sentence


def test_a_server_error_is_no_answer(broken: int) -> None:
    answers, sentence = url_answers(f"http://127.0.0.1:{broken}", seconds=0.0)
    assert not answers
    assert "answers 502" in sentence


def test_an_unreachable_url_says_why() -> None:
    answers, sentence = url_answers("http://127.0.0.1:1", seconds=0.0)
    assert not answers
    assert "refused" in sentence


def test_a_name_that_is_not_in_dns_is_asked_at_the_load_balancer(port: int) -> None:
    url = f"http://{NAME}:{port}"
    answers, sentence = url_answers(url, "127.0.0.1", 0.0)
    assert answers
    assert f"at 127.0.0.1; {NAME} is not known here yet and must point there" in sentence
    answers, _ = url_answers(url, None, 0.0)
    assert not answers


def test_the_certificate_must_be_the_names_and_trusted(
    tls: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://{NAME}:{tls}"
    answers, sentence = url_answers(url, "127.0.0.1", 0.0)
    assert not answers
    assert "certificate verify failed" in sentence.lower()
    monkeypatch.setenv(http_check.AUTHORITY, str(authority.certificate_file))
    assert url_answers(url, "127.0.0.1", 0.0)[0]
    answers, sentence = url_answers(f"https://other.{NAME}:{tls}", "127.0.0.1", 0.0)
    assert not answers
    assert "certificate" in sentence.lower()


def test_a_load_balancer_without_its_own_ports_names_them_by_its_redirect(
    tls: int, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One whose name carries the port that stands for port 80, as without privileges."""
    monkeypatch.setenv(http_check.AUTHORITY, str(authority.certificate_file))

    class Redirect(Page):
        def do_GET(self) -> None:
            self.send_response(301)
            host = self.headers["Host"].partition(":")[0]
            self.send_header("Location", f"https://{host}:{tls}{self.path}")
            self.end_headers()

    for port in served(Redirect):
        answers, sentence = url_answers(f"https://{NAME}/ok", f"127.0.0.1:{port}", 0.0)
        assert answers, sentence
        assert "answers 200" in sentence
    for port in served(Page):
        assert url_answers(f"http://{NAME}/ok", f"127.0.0.1:{port}", 0.0)[0]


def test_names_below_localhost_need_no_resolver(port: int) -> None:
    answers, sentence = url_answers(f"http://app.localhost:{port}", "127.0.0.2", 0.0)
    assert answers
    assert sentence.endswith("answers 200.")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have 127.0.0.1 alone")
def test_a_name_below_localhost_that_is_not_let_in_is_asked_at_the_load_balancer() -> None:
    for port in served(Page, host="127.0.0.2"):
        answers, sentence = url_answers(f"http://app.localhost:{port}", "127.0.0.2", 0.0)
        assert answers
        assert "at 127.0.0.2; app.localhost is not let in at 127.0.0.1" in sentence
