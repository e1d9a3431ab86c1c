"""Sidecars with real containers, whose image is the test's own, in a private repository.

The tests share one stack and run in the order in which they stand.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from functools import cache
from typing import Any

import pytest

from tests.e2e import faulty
from tests.e2e.checkout import Checkout, until
from tests.e2e.own_images import pushed

STACK = ("--stack", "local")
REPOSITORY = "tools/mirror"

MIRROR = '''"""Answers on PORT of localhost alone; ends with the code that it is asked for."""
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/end/"):
            os._exit(int(self.path.rpartition("/")[2]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"mirror {os.getuid()} {os.environ['COLOUR']}".encode())
        print("asked for", self.path, flush=True)

    def log_message(self, *_):
        pass

print("the mirror listens", flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
'''
ASK = (
    "import sys, urllib.request as r; "
    "print(r.urlopen('http://localhost:4317' + sys.argv[1]).read().decode())"
)
PROGRAM = '''"""Says what the container beside it says."""
import http.server, os, urllib.request

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = b"ok"
        if self.path == "/mirror":
            told = urllib.request.urlopen("http://localhost:4317/hello").read()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_):
        pass

urllib.request.urlopen("http://localhost:4317/at-the-start").read()
print("the mirror was there first", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
'''


def sidecars(image: str, **mirror: object) -> dict[str, Any]:
    return {
        "prepare": {
            "image": image,
            "command": ["python3", "-c", "print('prepared')"],
            "essential": False,
            "app_depends_on": "SUCCESS",
        },
        "mirror": {
            "image": image,
            "environment": {"COLOUR": "green"},
            "port": 4317,
            "cpu": 32,
            "memory": 128,
            "user": "10002:10002",
            "health_check_command": ["python3", "-c", ASK, "/health"],
            "app_depends_on": "HEALTHY",
            "depends_on": {"prepare": "COMPLETE"},
            "stop_timeout": 2,
            **mirror,
        },
    }


@pytest.fixture(scope="module")
def image(checkout: Checkout) -> str:
    """The sidecars' image: built from the base image, pushed into a repository of its own."""
    faulty.prepare(checkout, desired_count=1)
    (checkout.root / "faulty" / "faulty.py").write_text(PROGRAM)
    assert checkout.run("local", "start").returncode == 0
    folder = checkout.root / "mirror"
    folder.mkdir()
    (folder / "mirror.py").write_text(MIRROR)
    copied = 'COPY mirror.py /mirror.py\nCMD ["python3", "/mirror.py"]\n'
    return pushed(checkout, REPOSITORY, folder, copied)


@pytest.fixture(scope="module")
def stack(checkout: Checkout, image: str) -> Checkout:
    checkout.configure(sidecars=sidecars(image))
    faulty.up(checkout)
    return checkout


@cache
def address(stack: Checkout) -> str:
    return str(stack.json("outputs", *STACK)["service_url"]).rstrip("/")


def page(stack: Checkout, path: str) -> str:
    """What a page says; nothing where the load balancer has no task to ask."""
    try:
        with urllib.request.urlopen(address(stack) + path, timeout=30) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        return str(error)


def task(stack: Checkout) -> dict[str, Any]:
    """What `status` tells of the one task, by container."""
    (found,) = stack.json("status", *STACK)["tasks"]
    return {"id": found["id"], **{each["name"]: each for each in found["containers"]}}


def test_they_run_beside_the_application_in_its_network(stack: Checkout) -> None:
    assert page(stack, "/mirror") == "mirror 10002 green"
    found = task(stack)
    assert (found["mirror"]["status"], found["mirror"]["health"]) == ("RUNNING", "HEALTHY")
    assert (found["prepare"]["status"], found["prepare"]["exit_code"]) == ("STOPPED", 0)


def test_logs_show_all_containers_or_one(stack: Checkout) -> None:
    def rows(*arguments: str) -> dict[str, str]:
        done = stack.json("logs", "--since", "1h", *arguments, *STACK)
        return {row["message"]: row["container"] for row in done}  # type: ignore[index]

    faulty.until_said(stack, "prepared")
    everything = until(lambda: (all_rows := rows()) and "prepared" in all_rows and all_rows)
    assert everything["prepared"] == "prepare"
    assert everything["the mirror listens"] == "mirror"
    assert everything["the mirror was there first"] == "app"
    assert set(rows("--container", "mirror").values()) == {"mirror"}
    assert stack.run("logs", "--container", "none", *STACK).returncode == 2


def test_exec_runs_in_the_application_or_in_a_sidecar(stack: Checkout) -> None:
    where = "grep Answers /mirror.py"
    assert stack.run("exec", *STACK, "--", where).returncode == 2
    done = stack.run("exec", *STACK, "--container", "mirror", "--", where)
    assert (done.returncode, "Answers on PORT" in done.stdout) == (0, True), done.stderr


def test_the_end_of_an_essential_one_replaces_the_task(stack: Checkout) -> None:
    before = task(stack)["id"]
    stack.run("exec", *STACK, "--", f'python3 -c "{ASK}" /end/5')
    ecs, names = stack.client("ecs"), faulty.names(stack)

    def stopped() -> dict[str, Any] | None:
        answer = ecs.describe_tasks(cluster=names["cluster"], tasks=[before])["tasks"]
        return answer[0] if answer and answer[0]["lastStatus"] == "STOPPED" else None

    found = until(stopped)
    assert found["stoppedReason"] == "Essential container in task exited"
    codes = {each["name"]: each.get("exitCode") for each in found["containers"]}
    assert (codes["mirror"], codes["prepare"]) == (5, 0)
    elbv2 = stack.client("elbv2")
    (group,) = elbv2.describe_target_groups()["TargetGroups"]

    def answers() -> bool:
        told = elbv2.describe_target_health(TargetGroupArn=group["TargetGroupArn"])
        states = [row["TargetHealth"]["State"] for row in told["TargetHealthDescriptions"]]
        return "healthy" in states

    until(answers)
    until(lambda: [each for each in ready(stack) if each != before])
    until(lambda: page(stack, "/mirror") == "mirror 10002 green")


def ready(stack: Checkout) -> list[str]:
    """The tasks to which the load balancer sends requests."""
    told = stack.json("status", *STACK)
    healthy = {row["id"].rpartition(":")[0] for row in told["targets"] if row["state"] == "healthy"}
    return [each["id"] for each in told["tasks"] if each["address"] in healthy]


def test_diagnose_names_the_sidecar_that_fails(stack: Checkout, image: str) -> None:
    stack.configure(
        sidecars=sidecars(image, command=["python3", "-c", "raise SystemExit(6)"]),
    )
    told = faulty.up(stack, 1)
    assert told["result"] == "rolled_back", told
    assert "mirror exited with code 6" in told["diagnosis"]["cause"]
    assert "sidecars: mirror" in told["diagnosis"]["setting"]
    assert page(stack, "/mirror") == "mirror 10002 green"


def test_a_one_off_task_has_them_too(stack: Checkout, image: str) -> None:
    stack.configure(sidecars=sidecars(image))
    faulty.up(stack)
    done = stack.run("run", *STACK, "--", "python3", "-c", ASK, "/one-off")
    assert (done.returncode, "mirror 10002 green" in done.stdout) == (0, True), done.stderr


def test_destroy_leaves_the_repository_that_is_not_the_stacks(stack: Checkout) -> None:
    gone = stack.json("destroy", *STACK, "--yes")
    assert gone["leftovers"] == []
    found = stack.client("ecr").describe_images(repositoryName=REPOSITORY)["imageDetails"]
    assert len(found) == 1
