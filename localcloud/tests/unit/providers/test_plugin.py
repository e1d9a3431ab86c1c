"""What every provider does with its connections and its errors."""

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from localcloud.providers.handler import Difference, ProviderError, revealed
from localcloud.providers.plugin import Plugin
from localcloud.tests.unit.providers.attached import Client, attached, serving, struct, urn

TOKEN = "docker:index/echo:Echo"


class Echo:
    """Answers with the provider's settings."""

    def check(self, context, old, new):
        return new, []

    def diff(self, old, new):
        return Difference(tuple(sorted(k for k in {*old, *new} if old.get(k) != new.get(k))))

    def create(self, context, inputs, preview):
        if inputs.get("broken"):
            raise ProviderError("it is broken; mend it")
        return "id", {"owner": context.configuration["owner"], "number": inputs.get("number")}

    def read(self, context, identifier, outputs, inputs):
        return None

    def update(self, context, identifier, outputs, inputs, preview):
        return {"cancelled": context.cancelled.is_set()}

    def delete(self, context, identifier, outputs):
        raise ProviderError("it stays")


@pytest.fixture
def plugin():
    return Plugin("docker", "pulumi_docker", ["owner"], {TOKEN: Echo()})


def test_connections_keep_their_own_settings(plugin):
    with serving(plugin) as address:
        clients = []
        for owner in ("one", "two"):
            channel = grpc.insecure_channel(address, [("grpc.use_local_subchannel_pool", 1)])
            client = Client(provider_pb2_grpc.ResourceProviderStub(channel))
            clients.append(client.configure(owner=owner))
        owners = [client.create(TOKEN, {})[1]["owner"] for client in clients]
    assert owners == ["one", "two"]


def test_a_connection_without_settings_is_refused(plugin):
    with attached(plugin) as client, pytest.raises(grpc.RpcError, match="was not configured"):
        client.create(TOKEN, {})


def test_an_unknown_setting_of_the_provider_is_named(plugin):
    with attached(plugin) as client:
        request = provider_pb2.CheckRequest(news=struct({"ownr": "me", "version": "1"}))
        [failure] = client.stub.CheckConfig(request).failures
    assert failure.property == "ownr"
    assert "owner" in failure.reason


def test_an_error_is_a_sentence_without_a_traceback(plugin):
    with attached(plugin) as client, pytest.raises(grpc.RpcError) as caught:
        client.configure(owner="me").create(TOKEN, {"broken": True})
    assert caught.value.details() == "it is broken; mend it"


def test_an_unknown_type_is_named_with_those_there_are(plugin):
    with attached(plugin) as client, pytest.raises(grpc.RpcError, match="docker:index/echo:Echo"):
        client.configure(owner="me").create("docker:index/other:Other", {})


def test_whole_numbers_arrive_whole(plugin):
    with attached(plugin) as client:
        _, outputs = client.configure(owner="me").create(TOKEN, {"number": 3})
    assert outputs["number"] == 3


def test_ignored_changes_are_no_difference(plugin):
    with attached(plugin) as client:
        client.configure(owner="me")
        answer = client.diff(TOKEN, {"a": 1, "b": 1}, {"a": 2, "b": 2}, ignore=["a.deep"])
        same = client.diff(TOKEN, {"a": 1}, {"a": 2}, ignore=["a"])
    assert list(answer.diffs) == ["b"]
    assert same.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_what_is_gone_reads_as_nothing(plugin):
    with attached(plugin) as client:
        assert client.configure(owner="me").read(TOKEN, "id", {}, {})[0] == ""


def test_cancel_reaches_the_work(plugin):
    with attached(plugin) as client:
        client.configure(owner="me")
        before = client.update(TOKEN, "id", {}, {})
        client.stub.Cancel(provider_pb2.google_dot_protobuf_dot_empty__pb2.Empty())
        after = client.update(TOKEN, "id", {}, {})
    assert (before["cancelled"], after["cancelled"]) == (False, True)


def test_types_of_child_resources_are_found():
    assert urn(TOKEN).split("::")[2] == TOKEN
    plugin = Plugin("docker", "pulumi_docker", [], {TOKEN: Echo()})
    request = provider_pb2.CreateRequest(urn=f"urn:pulumi:d::p::a:b:C${TOKEN}::n")
    assert isinstance(plugin._handler(request), Echo)


def test_secrets_of_settings_are_unwrapped():
    wrapped = {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        "value": "hunter2",
    }
    assert revealed({"token": wrapped, "list": [wrapped]}) == {
        "token": "hunter2",
        "list": ["hunter2"],
    }
