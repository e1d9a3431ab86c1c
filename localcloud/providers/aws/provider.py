"""The gRPC server of the package `aws`: each verb of Pulumi's protocol, on the table of rows.

https://pulumi-developer-docs.readthedocs.io/latest/docs/references/provider-protocol.html
"""

# ruff: noqa: N802 -- the names of the protocol's calls

from __future__ import annotations

import importlib.metadata
import json
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import ResourceProviderServicer, plugin_pb2, provider_pb2

from localcloud.providers.aws import answers, configuration, create, delete, read, update
from localcloud.providers.aws.calls import Api, Patience
from localcloud.providers.aws.check import check
from localcloud.providers.aws.configuration import Session, Sessions
from localcloud.providers.aws.diff import diff
from localcloud.providers.aws.functions import FUNCTIONS, Invocation
from localcloud.providers.aws.spec import Resource, Spec, Values
from localcloud.providers.aws.specs import SPECS
from localcloud.providers.aws.values import from_struct, to_struct
from localcloud.providers.engine_log import EngineLog
from localcloud.shared.service import Surroundings

VERSION = importlib.metadata.version("pulumi-aws")


class AwsProvider(ResourceProviderServicer):
    """Serves any number of engines at once; what differs between them is kept by connection."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._sessions = Sessions()

    def GetPluginInfo(self, _request: Any, _context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def Handshake(self, request: Any, context: Any) -> Any:
        self._sessions.greeted(context.peer(), request.engine_address)
        return provider_pb2.ProviderHandshakeResponse(supports_autonaming_configuration=True)

    def Attach(self, request: Any, context: Any) -> Any:
        self._sessions.greeted(context.peer(), request.address)
        return empty_pb2.Empty()

    def GetSchema(self, _request: Any, _context: Any) -> Any:
        schema = {
            "name": "aws",
            "version": VERSION,
            "resources": {token: {} for token in SPECS},
            "functions": {token: {} for token in FUNCTIONS},
        }
        return provider_pb2.GetSchemaResponse(schema=json.dumps(schema))

    def CheckConfig(self, request: Any, _context: Any) -> Any:
        refused = configuration.failures(from_struct(request.news), self._surroundings.account)
        return provider_pb2.CheckResponse(inputs=request.news, failures=answers.failures(refused))

    def DiffConfig(self, request: Any, _context: Any) -> Any:
        old, new = from_struct(request.old_inputs), from_struct(request.news)
        changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
        some = "DIFF_SOME" if changed else "DIFF_NONE"
        # Another region is another place: what is there can't be moved.
        moved = [key for key in changed if key == "region" and key in old and key in new]
        return provider_pb2.DiffResponse(
            changes=provider_pb2.DiffResponse.DiffChanges.Value(some), diffs=changed, replaces=moved
        )

    def Configure(self, request: Any, context: Any) -> Any:
        session = configuration.session(from_struct(request.args), self._surroundings.region)
        self._sessions.remember(context.peer(), session)
        return provider_pb2.ConfigureResponse(
            supportsPreview=True, supports_autonaming_configuration=True
        )

    def Cancel(self, _request: Any, context: Any) -> Any:
        session = self._sessions.get(context.peer())
        if session is not None:
            session.cancelled.set()
        return empty_pb2.Empty()

    def Check(self, request: Any, context: Any) -> Any:
        def work() -> Any:
            session = self._session(context)
            defaults = {"region": session.region, "defaultTags": session.default_tags}
            new, old = from_struct(request.news), from_struct(request.olds)
            checked = check(self._spec(request), new, old, request, defaults)
            return provider_pb2.CheckResponse(
                inputs=to_struct(checked.inputs), failures=answers.failures(checked.failures)
            )

        return answers.answered("checking", request, context, work)

    def Diff(self, request: Any, context: Any) -> Any:
        def work() -> Any:
            spec, told = self._spec(request), from_struct(request.olds)
            old, new = from_struct(request.old_inputs), from_struct(request.news)
            old |= {name: told[name] for name in spec.masked if name in told}
            return answers.diff_response(diff(spec, old, new, request.ignoreChanges))

        return answers.answered("comparing", request, context, work)

    def Create(self, request: Any, context: Any) -> Any:
        def work() -> Any:
            inputs = from_struct(request.properties)
            resource = self._resource(request, context, "", inputs, {})
            if request.preview:
                create.plan(resource)
            else:
                answers.complete(resource, context, lambda: create.create(resource))
            return provider_pb2.CreateResponse(
                id=resource.id, properties=to_struct(resource.outputs)
            )

        return answers.answered("creating", request, context, work)

    def Read(self, request: Any, context: Any) -> Any:
        def work() -> Any:
            inputs, state = from_struct(request.inputs), from_struct(request.properties)
            resource = self._resource(request, context, request.id, inputs, state)
            if not read.read(resource):
                return provider_pb2.ReadResponse()
            return provider_pb2.ReadResponse(
                id=resource.id,
                properties=to_struct(resource.outputs),
                inputs=to_struct(resource.inputs),
            )

        return answers.answered("reading", request, context, work)

    def Update(self, request: Any, context: Any) -> Any:
        def work() -> Any:
            old, new = from_struct(request.old_inputs), from_struct(request.news)
            state = from_struct(request.olds)
            resource = self._resource(request, context, request.id, new, state)
            if request.preview:
                update.plan(resource, old)
            else:
                answers.complete(resource, context, lambda: update.update(resource, old))
            return provider_pb2.UpdateResponse(properties=to_struct(resource.outputs))

        return answers.answered("updating", request, context, work)

    def Delete(self, request: Any, context: Any) -> Any:
        def work() -> Any:
            inputs, state = from_struct(request.old_inputs), from_struct(request.properties)
            delete.delete(self._resource(request, context, request.id, inputs, state))
            return empty_pb2.Empty()

        return answers.answered("deleting", request, context, work)

    def Invoke(self, request: Any, context: Any) -> Any:
        def work() -> Any:
            function = FUNCTIONS.get(request.tok)
            if function is None:
                raise ValueError(
                    f"the local cloud has no function {request.tok}; it has {', '.join(FUNCTIONS)}"
                )
            arguments, session = from_struct(request.args), self._session(context)
            region = arguments.pop("region", session.region)
            api = Api(self._surroundings.client, region, self._patience(context, 0))
            answer = function(Invocation(api, self._surroundings.account, arguments))
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(to_struct(answer))
            return response

        return answers.answered(f"calling {request.tok}", request, context, work)

    def _spec(self, request: Any) -> Spec:
        token = request.type or request.urn.split("::")[2].rsplit("$", 1)[-1]
        if token not in SPECS:
            raise ValueError(
                f"the local cloud has no row for the resource type {token}; "
                "add one to localcloud/providers/aws/specs, or use the target `aws`"
            )
        return SPECS[token]

    def _session(self, context: Any) -> Session:
        session = self._sessions.get(context.peer())
        if session is None:
            raise ValueError("this connection has not been configured; run the command again")
        return session

    def _resource(
        self, request: Any, context: Any, identifier: str, inputs: Values, state: Values
    ) -> Resource:
        region = inputs.get("region") or state.get("region") or self._session(context).region
        api = Api(
            self._surroundings.client,
            region,
            self._patience(context, getattr(request, "timeout", 0), request.urn),
        )
        account = self._surroundings.account
        return Resource(self._spec(request), api, account, identifier, inputs, state)

    def _patience(self, context: Any, limit: float, urn: str = "") -> Patience:
        session = self._session(context)

        def gone() -> bool:
            return session.cancelled.is_set() or not context.is_active()

        def tell(line: str) -> None:
            with EngineLog(session.engine, urn) as log:
                log(line)

        return Patience(gone, limit, tell)
