"""A provider's server side behind a real gRPC server, as an engine attaches to it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc


def struct(values):
    return json_format.ParseDict(values, struct_pb2.Struct())


def values(message):
    return json_format.MessageToDict(message)


class Client:
    """What an engine says to a provider, in plain values."""

    def __init__(self, stub):
        self.stub = stub

    def configure(self, **settings):
        checked = self.stub.CheckConfig(provider_pb2.CheckRequest(news=struct(settings)))
        assert not checked.failures, checked.failures
        self.stub.Configure(provider_pb2.ConfigureRequest(args=struct(settings)))
        return self

    def check(self, token, new, old=None):
        answer = self.stub.Check(
            provider_pb2.CheckRequest(urn=urn(token), news=struct(new), olds=struct(old or {}))
        )
        return values(answer.inputs), {f.property: f.reason for f in answer.failures}

    def diff(self, token, old, new, ignore=()):
        return self.stub.Diff(
            provider_pb2.DiffRequest(
                urn=urn(token), old_inputs=struct(old), news=struct(new), ignoreChanges=ignore
            )
        )

    def create(self, token, inputs, preview=False):
        answer = self.stub.Create(
            provider_pb2.CreateRequest(urn=urn(token), properties=struct(inputs), preview=preview)
        )
        return answer.id, values(answer.properties)

    def read(self, token, identifier, outputs, inputs):
        answer = self.stub.Read(
            provider_pb2.ReadRequest(
                urn=urn(token), id=identifier, properties=struct(outputs), inputs=struct(inputs)
            )
        )
        return answer.id, values(answer.properties), values(answer.inputs)

    def update(self, token, identifier, outputs, inputs, preview=False):
        answer = self.stub.Update(
            provider_pb2.UpdateRequest(
                urn=urn(token),
                id=identifier,
                olds=struct(outputs),
                news=struct(inputs),
                preview=preview,
            )
        )
        return values(answer.properties)

    def delete(self, token, identifier, outputs):
        self.stub.Delete(
            provider_pb2.DeleteRequest(urn=urn(token), id=identifier, properties=struct(outputs))
        )


def urn(token):
    return f"urn:pulumi:dev::project::{token}::name"


@contextmanager
def serving(servicer, register=provider_pb2_grpc.add_ResourceProviderServicer_to_server):
    """The address of a server that answers with this servicer."""
    server = grpc.server(ThreadPoolExecutor(16))
    register(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()


@contextmanager
def attached(servicer) -> Iterator[Client]:
    """An engine's connection to a provider."""
    with serving(servicer) as address, grpc.insecure_channel(address) as channel:
        yield Client(provider_pb2_grpc.ResourceProviderStub(channel))
