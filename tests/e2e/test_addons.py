"""An application with a bucket, a table and a queue of its own, by the documented examples."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request

import pytest

from tests.e2e.checkout import Checkout

DOCKERFILE = """\
ARG BASE_IMAGE=public.ecr.aws/docker/library/python:3.13-slim
FROM ${BASE_IMAGE}
RUN python3 -m venv /srv/venv && /srv/venv/bin/pip install --no-cache-dir boto3
COPY shop.py /srv/
CMD ["/srv/venv/bin/python", "/srv/shop.py"]
"""
SHOP = """
import http.server, os, sys, boto3
bucket, table, queue = (os.environ[n] for n in ("UPLOADS_BUCKET", "ORDERS_TABLE", "JOBS_QUEUE"))
s3, orders, jobs = boto3.client("s3"), boto3.resource("dynamodb").Table(table), boto3.client("sqs")

class Shop(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path.strip("/")
        try:
            text = s3.get_object(Bucket=bucket, Key=name)["Body"].read() if name else b"shop"
            self.answer(200, text)
        except Exception as error:
            self.answer(404, type(error).__name__.encode())

    def do_POST(self):
        name = self.path.strip("/")
        try:
            if name == "forbidden":
                s3.delete_bucket(Bucket=bucket)
            orders.put_item(Item={"id": name, "state": "new"})
            jobs.send_message(QueueUrl=queue, MessageBody=name)
            self.answer(200, b"taken")
        except Exception as error:
            self.answer(500, str(error).encode())

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

if sys.argv[1:] == ["work"]:
    while True:
        for row in jobs.receive_message(QueueUrl=queue, WaitTimeSeconds=2).get("Messages", []):
            item = orders.get_item(Key={"id": row["Body"]})["Item"]
            s3.put_object(Bucket=bucket, Key=item["id"], Body=b"done: " + item["state"].encode())
            jobs.delete_message(QueueUrl=queue, ReceiptHandle=row["ReceiptHandle"])
else:
    http.server.ThreadingHTTPServer(("", 9292), Shop).serve_forever()
"""
ADDONS = """
from docs.examples.addons_bucket import addons as bucket
from docs.examples.addons_queue import addons as queue
from docs.examples.addons_table import addons as table
from infra.addons import Addons
from infra.place import Place


def addons(place: Place) -> Addons:
    parts = [bucket(place), table(place), queue(place)]
    return Addons(
        variables={name: value for part in parts for name, value in part.variables.items()},
        permissions=[grant for part in parts for grant in part.permissions],
        queues=parts[2].queues,
    )
"""


@pytest.fixture(scope="module")
def url(checkout: Checkout) -> str:
    """Where the shop answers."""
    folder = checkout.root / "shop"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "shop.py").write_text(SHOP)
    (checkout.root / "addons.py").write_text(ADDONS)
    worker = {"command": ["/srv/venv/bin/python", "/srv/shop.py", "work"], "messages_per_task": 10}
    checkout.configure(app_path="shop", desired_count=1, processes={"worker": worker})
    return str(checkout.json("up", "--stack", "local", "--yes")["outputs"]["service_url"])


def ask(url: str, method: str = "GET") -> tuple[int, str]:
    try:
        request = urllib.request.Request(url, method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_an_order_goes_through_table_queue_and_bucket(url: str) -> None:
    assert ask(f"{url}/first", "POST") == (200, "taken")
    deadline = time.monotonic() + 300
    while (found := ask(f"{url}/first")) != (200, "done: new"):
        assert time.monotonic() < deadline, found
        time.sleep(0.5)


def test_the_code_may_do_just_what_the_file_grants(url: str) -> None:
    status, text = ask(f"{url}/forbidden", "POST")
    assert (status, "AccessDenied" in text) == (500, True), text


def test_nothing_changes_by_itself(url: str, checkout: Checkout) -> None:
    done = checkout.run("preview", "--stack", "local", "--expect-no-changes")
    assert done.returncode == 0, done.stdout + done.stderr
    items = [line["item"] for line in checkout.json("cost", "--stack", "local")["lines"]]
    assert any("DynamoDB" in item for item in items), items
    assert any("SQS" in item for item in items), items


def test_a_grant_that_is_too_wide_touches_nothing(url: str, checkout: Checkout) -> None:
    file = checkout.root / "addons.py"
    wide = "parts[0].permissions[0].__class__(['s3:*'], ['*'])"
    file.write_text(ADDONS.replace("grant for part", f"{wide} for part"))
    done = checkout.run("up", "--stack", "local", "--yes")
    assert done.returncode != 0
    assert "'s3:*' is a wildcard" in done.stdout + done.stderr
    file.write_text(ADDONS)
    assert ask(f"{url}/first")[0] == 200


def test_destroy_leaves_nothing(url: str, checkout: Checkout) -> None:
    gone = checkout.json("destroy", "--stack", "local", "--yes")
    assert (gone["result"], gone["leftovers"]) == ("succeeded", [])
    assert json.dumps(checkout.client("dynamodb").list_tables()["TableNames"]) == "[]"
