"""The documented PostgreSQL of RDS, for which a real server stands in on the local cloud."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import docker
import pytest

from localcloud.rds.servers import LABEL, image
from localcloud.server.process import instance_of
from tests.e2e.checkout import Checkout

STACK = ("--stack", "local")
DOCKERFILE = """\
ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.13-slim
FROM ${BASE_IMAGE}
RUN python3 -m venv /srv/venv && /srv/venv/bin/pip install --no-cache-dir pg8000
COPY shop.py /srv/
CMD ["/srv/venv/bin/python", "/srv/shop.py"]
"""
SHOP = """
import http.server, os, pg8000.native

def ask(text, **values):
    given = {name: os.environ["DATABASE_" + name.upper()] for name in ("host", "user", "password")}
    port, name = int(os.environ["DATABASE_PORT"]), os.environ["DATABASE_NAME"]
    database = pg8000.native.Connection(port=port, database=name, timeout=10, **given)
    try:
        return database.run(text, **values) or []
    finally:
        database.close()

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/":
            return self.answer(b"shop")
        rows = ask("SELECT name FROM orders ORDER BY name")
        self.answer(" ".join(row[0] for row in rows).encode())

    def do_POST(self):
        ask("CREATE TABLE IF NOT EXISTS orders (name text PRIMARY KEY)")
        ask("INSERT INTO orders VALUES (:name)", name=self.path.strip("/"))
        self.answer(b"taken")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

http.server.ThreadingHTTPServer(("", 9292), Shop).serve_forever()
"""


@pytest.fixture(scope="module")
def url(checkout: Checkout) -> str:
    """Where the shop answers."""
    image(docker.from_env(), "16")  # it can take minutes, which are not the update's
    folder = checkout.root / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "shop.py").write_text(SHOP)
    example = "from docs.examples.addons_postgresql import addons as addons\n"
    (checkout.root / "addons.py").write_text(example)
    checkout.configure(app_path="shop", desired_count=1)
    return up(checkout)


def up(checkout: Checkout) -> str:
    return str(checkout.json("up", *STACK, "--yes")["outputs"]["service_url"]).rstrip("/")


def ask(url: str, method: str = "GET") -> str:
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read().decode()}"


def test_a_task_makes_a_table_and_reads_a_row_with_the_password_of_the_secret(url: str) -> None:
    assert ask(f"{url}/first", "POST") == "taken"
    assert ask(f"{url}/orders") == "first"


def test_nothing_changes_by_itself_and_it_is_priced(url: str, checkout: Checkout) -> None:
    done = checkout.run("preview", *STACK, "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    items = [line["item"] for line in checkout.json("cost", *STACK)["lines"]]
    assert any("RDS" in item for item in items), items


def test_the_data_outlive_an_update_and_the_local_cloud(url: str, checkout: Checkout) -> None:
    assert checkout.run("local", "stop").returncode == 0
    checkout.configure(environment={"COLOUR": "red"})
    assert up(checkout) == url
    assert ask(f"{url}/second", "POST") == "taken"
    assert ask(f"{url}/orders") == "first second"


def test_destroy_removes_the_server_with_its_data_and_its_secret(
    url: str, checkout: Checkout
) -> None:
    engine, instance = docker.from_env(), instance_of(checkout.state_dir)
    here: Any = {"filters": {"label": [f"fargate-cd.instance={instance}", LABEL]}}
    assert len(engine.containers.list(all=True, ignore_removed=True, **here)) == 1
    assert len(engine.volumes.list(**here)) == 1
    gone = checkout.json("destroy", *STACK, "--yes")
    assert (gone["result"], gone["leftovers"]) == ("succeeded", [])
    assert engine.containers.list(all=True, ignore_removed=True, **here) == []
    assert engine.volumes.list(**here) == []
    kept = checkout.client("secretsmanager").list_secrets()["SecretList"]
    assert [each["Name"] for each in kept if each["Name"].startswith("rds!")] == []
