"""A repository's webhooks, against a small copy of GitHub's hooks API."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import pulumi_github
import pytest
from pulumi.runtime.proto import provider_pb2

from localcloud.providers import github
from localcloud.providers.github import api_url
from localcloud.providers.handler import UNKNOWN
from localcloud.shared.service import Surroundings
from localcloud.tests.unit.providers.attached import attached, struct

TOKEN = "github:index/repositoryWebhook:RepositoryWebhook"
SECRET = "hunter2"
INPUTS = {
    "repository": "app",
    "events": ["push"],
    "configuration": {"url": "https://hooks.example/1", "contentType": "json", "secret": SECRET},
}


class HooksApi(BaseHTTPRequestHandler):
    """https://docs.github.com/en/rest/repos/webhooks, for one repository and one token."""

    def log_message(self, *_):
        pass

    def answer(self, status, body=None):
        self.send_response(status)
        payload = b"" if body is None else json.dumps(body).encode()
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    def handle_call(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.calls.append((self.command, self.path, body))
        if self.headers.get("Authorization") != "Bearer good":
            return self.answer(401, {"message": "Bad credentials"})
        collection = "/api/v3/repos/team/app/hooks"
        if not self.path.startswith(collection):
            return self.answer(404, {"message": "Not Found"})
        return self.on_hook(self.path.removeprefix(collection).strip("/"), body)

    do_GET = do_POST = do_PATCH = do_DELETE = handle_call  # noqa: N815

    def on_hook(self, identifier, body):
        hooks = self.server.hooks
        if self.command == "POST":
            return self.on_create(body)
        if identifier not in hooks:
            return self.answer(404, {"message": "Not Found"})
        if self.command == "DELETE":
            del hooks[identifier]
            return self.answer(204)
        if self.command == "PATCH":
            hooks[identifier] |= body
        return self.answer(200, self.shown(identifier))

    def on_create(self, body):
        hooks = self.server.hooks
        if any(hook["config"]["url"] == body["config"]["url"] for hook in hooks.values()):
            errors = [{"message": "Hook already exists on this repository"}]
            return self.answer(422, {"message": "Validation Failed", "errors": errors})
        assert body["name"] == "web"
        identifier = str(101 + len(hooks))
        hooks[identifier] = body
        return self.answer(201, self.shown(identifier))

    def shown(self, identifier):
        hook = self.server.hooks[identifier]
        config = {**hook["config"]}
        if "secret" in config:
            config["secret"] = "********"
        url = f"http://{self.headers['Host']}{self.path}"
        return {**hook, "config": config, "id": int(identifier), "url": url, "updated_at": "now"}


@pytest.fixture
def api():
    server = ThreadingHTTPServer(("127.0.0.1", 0), HooksApi)
    server.hooks, server.calls = {}, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def surroundings(git_host="http://127.0.0.1:9/"):
    address = "http://127.0.0.1:9"
    return Surroundings(
        "/", "i", "1", "r", address, "", "", "", client=lambda *_: None, git_host_url=git_host
    )


@pytest.fixture
def client(api):
    with attached(github.servicer(surroundings())) as client:
        yield client.configure(baseUrl=api.url, owner="team", token="good")


def created(client, **changes):
    inputs, failures = client.check(TOKEN, {**INPUTS, **changes})
    assert not failures
    identifier, outputs = client.create(TOKEN, inputs)
    return identifier, outputs, inputs


def test_a_hook_is_registered_as_asked(client, api):
    identifier, outputs, _ = created(client)
    assert identifier == "101"
    assert api.hooks["101"] == {
        "name": "web",
        "active": True,
        "events": ["push"],
        "config": {
            "url": "https://hooks.example/1",
            "content_type": "json",
            "insecure_ssl": "0",
            "secret": SECRET,
        },
    }
    assert outputs["url"].startswith(api.url)


def test_a_preview_calls_nobody(client, api):
    identifier, outputs = client.create(TOKEN, client.check(TOKEN, INPUTS)[0], preview=True)
    assert identifier == ""
    assert outputs["url"] == UNKNOWN
    assert api.calls == []


def test_a_read_finds_drift_and_keeps_the_secret(client, api):
    identifier, outputs, inputs = created(client)
    api.hooks[identifier]["active"] = False
    api.hooks[identifier]["events"] = ["push", "pull_request"]
    found, _, read = client.read(TOKEN, identifier, outputs, inputs)
    assert found == identifier
    assert read["active"] is False
    assert read["events"] == ["pull_request", "push"]
    assert read["configuration"]["secret"] == SECRET


def test_a_read_without_drift_changes_nothing(client):
    identifier, outputs, inputs = created(client)
    _, again, read = client.read(TOKEN, identifier, outputs, inputs)
    assert read == inputs
    assert again["configuration"] == outputs["configuration"]


def test_a_hook_that_somebody_removed_is_gone(client, api):
    identifier, outputs, inputs = created(client)
    api.hooks.clear()
    assert client.read(TOKEN, identifier, outputs, inputs)[0] == ""
    client.delete(TOKEN, identifier, outputs)


def test_a_secret_is_rotated_in_place(client, api):
    identifier, outputs, inputs = created(client)
    changed = {**inputs, "configuration": {**inputs["configuration"], "secret": "new"}}
    difference = client.diff(TOKEN, inputs, changed)
    assert list(difference.diffs) == ["configuration"]
    assert not difference.replaces
    client.update(TOKEN, identifier, outputs, changed)
    assert api.hooks[identifier]["config"]["secret"] == "new"


def test_another_repository_needs_another_hook(client):
    difference = client.diff(TOKEN, INPUTS, {**INPUTS, "repository": "other"})
    assert list(difference.replaces) == ["repository"]


def test_an_update_of_a_hook_that_is_gone_says_so(client, api):
    identifier, outputs, inputs = created(client)
    api.hooks.clear()
    with pytest.raises(grpc.RpcError, match="is gone; `refresh`"):
        client.update(TOKEN, identifier, outputs, inputs)


def test_delete_removes_it(client, api):
    identifier, outputs, _ = created(client)
    client.delete(TOKEN, identifier, outputs)
    assert api.hooks == {}


def test_a_second_hook_for_one_address_is_refused_in_githubs_words(client):
    created(client)
    with pytest.raises(grpc.RpcError, match="422, Validation Failed: Hook already exists"):
        created(client)


def test_a_missing_repository_is_named_with_the_settings(client):
    with pytest.raises(grpc.RpcError, match="github_repository"):
        created(client, repository="other")


def test_a_wrong_token_is_named_and_not_shown(api):
    with attached(github.servicer(surroundings())) as client:
        client.configure(baseUrl=api.url, owner="team", token="hunter3")
        with pytest.raises(grpc.RpcError, match="github_token") as caught:
            created(client)
    assert "hunter3" not in caught.value.details()


def test_no_github_is_a_sentence():
    with attached(github.servicer(surroundings())) as client:
        client.configure(baseUrl="http://127.0.0.1:9", owner="team", token="good")
        with pytest.raises(grpc.RpcError, match="GitHub does not answer at"):
            created(client)


def test_without_an_address_the_local_clouds_own_is_used(api):
    assert api_url("https://api.github.com") == "https://api.github.com/"
    with attached(github.servicer(surroundings(api.url + "/"))) as client:
        client.configure(owner="team", token="good")
        created(client)
    assert [path for _, path, _ in api.calls] == ["/api/v3/repos/team/app/hooks"]


def test_an_owner_is_needed(api):
    with attached(github.servicer(surroundings())) as client:
        client.configure(baseUrl=api.url, token="good")
        with pytest.raises(grpc.RpcError, match="`owner`"):
            created(client)


CHECKS = [
    ({"events": []}, "events"),
    ({"repository": None}, "repository"),
    ({"configuration": {"contentType": "json"}}, "configuration.url"),
    ({"configuration": {"url": "u", "contentType": "xml"}}, "configuration.contentType"),
    ({"configuration": {"url": "u", "colour": "red"}}, "configuration.colour"),
    ({"etag": "x"}, "etag"),
]


@pytest.mark.parametrize(("change", "named"), CHECKS, ids=[named for _, named in CHECKS])
def test_wrong_inputs_are_named(client, change, named):
    given = {name: value for name, value in {**INPUTS, **change}.items() if value is not None}
    _, failures = client.check(TOKEN, given)
    assert list(failures) == [named]


def test_unknown_inputs_of_a_preview_pass(client):
    configuration = {"url": UNKNOWN, "contentType": "json", "secret": UNKNOWN}
    _, failures = client.check(TOKEN, {**INPUTS, "configuration": configuration})
    assert not failures


@pytest.mark.parametrize("setting", ["appAuth", "readDelayMs"])
def test_settings_that_are_not_supported_are_refused(setting):
    with attached(github.servicer(surroundings())) as client:
        request = provider_pb2.CheckRequest(news=struct({setting: "x"}))
        [failure] = client.stub.CheckConfig(request).failures
    assert failure.property == setting


def test_the_sdk_has_these_inputs():
    names = {
        value.fget.__dict__.get("_pulumi_name") or name
        for name, value in vars(pulumi_github.RepositoryWebhookArgs).items()
        if isinstance(value, property)
    }
    assert names >= github._INPUTS
