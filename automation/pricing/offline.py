"""What the program registers under given settings, without an engine, a cloud or credentials.

The program runs against Pulumi's mocks (https://www.pulumi.com/docs/iac/guides/testing/unit/):
whatever it asks of a cloud is answered with a name, and every resource that it registers is kept.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import pulumi
from pulumi.runtime import mocks

from automation.pricing.resources import Resource, Resources, told
from infra.image.image import Release
from infra.settings.model import NAMESPACE, PROJECT_ROOT, Settings
from infra.settings.previews import environment_values
from infra.shared import OUTPUT, Shared, preview_domain

ANY_IMAGE = "example.com/any:1"
"""Stands for the image, so that none is looked up or built; no price depends on it."""

ACCOUNT = "123456789012"


def offline(settings: Settings, project: str, stack: str, region: str) -> Resources:
    """The resources that the program registers.

    Args:
        settings: the stack's settings.
        project: the Pulumi project's name.
        stack: the stack's name.
        region: where it would be made.
    """
    found: list[Resource] = []

    def run() -> None:
        cloud = _Cloud(region, settings)
        mocks.set_mocks(cloud, project, stack, monitor=_Monitor(cloud, found))
        pulumi.runtime.set_all_config(
            {f"{NAMESPACE}:{name}": text for name, text in _config(settings).items()}
        )
        _run_program()

    contextvars.Context().run(run)
    return Resources(found)


def _run_program() -> None:
    from infra.stack import define_stack

    @mocks.test  # type: ignore[untyped-decorator]
    def program() -> None:
        define_stack(Release(image=ANY_IMAGE))

    program()


def _config(settings: Settings) -> dict[str, str]:
    """Setting → text, as Pulumi passes it; those that are not set are left out."""
    values = settings.model_dump(exclude_unset=True)
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in values.items()
        if value not in (None, "") and name != "image"
    }


class _Cloud(mocks.Mocks):
    """Answers with names: a resource's are made of its own, an invoke's of what it asks for."""

    def __init__(self, region: str, settings: Settings) -> None:
        self._region, self._settings = region, settings

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            shared = {OUTPUT: _shared(self._settings)}
            return args.name, {"name": args.name, "outputs": shared, "secretOutputNames": []}
        if args.typ == "awsx:ec2:Vpc":
            return None, _network(int(args.inputs["numberOfAvailabilityZones"]))
        names = {
            key: f"{args.name}-{key}"
            for key in ("arn", "name", "dnsName", "zoneId", "fqdn", "prefixListId", "url")
        }
        validation = {
            "resourceRecordName": "name",
            "resourceRecordType": "CNAME",
            "resourceRecordValue": "value",
        }
        more = {
            "arn": f"arn:aws:any:{self._region}:{ACCOUNT}:any/{args.name}",
            "arnSuffix": f"app/{args.name}/0",
            "domainValidationOptions": [validation],
            "repositoryUrl": f"example.com/{args.name}",
        }
        return f"{args.name}-id", {**names, **more, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> Any:
        return {
            "accountId": ACCOUNT,
            "partition": "aws",
            "dnsSuffix": "amazonaws.com",
            "region": self._region,
            "zoneId": "zone",
            "resourceTagMappingLists": [],
            "imageIds": [],
            "userName": "",
            "password": "",
            "version": 1,
            "versions": [],
        } | {name: value for name, value in args.args.items() if isinstance(value, str)}


def _shared(settings: Settings) -> dict[str, Any]:
    """What the environment of a preview shares with it, as its file describes it."""
    environment = environment_values(PROJECT_ROOT, settings.preview_of, NAMESPACE)
    names = {field.name: field.name for field in fields(Shared)}
    return names | {
        "task_subnet_ids": ["subnet"],
        "public_tasks": environment.get("egress", "public") == "public",
        "allowed_cidrs": [],
        "container_port": settings.container_port,
        "preview_domain": preview_domain(str(environment.get("domain") or "")),
        "repository_url": "example.com/any",
        "key_arn": "",
    }


_ROUTE_TABLE = "urn:pulumi:any::any::aws:ec2/routeTable:RouteTable::public"


def _network(zones: int) -> dict[str, Any]:
    """The outputs of a network, which a component of another process makes."""
    signature = pulumi.runtime.rpc._special_sig_key
    table = {signature: pulumi.runtime.rpc._special_resource_sig, "urn": _ROUTE_TABLE}
    subnets = {
        f"{kind}SubnetIds": [f"{kind}-{zone}" for zone in range(zones)]
        for kind in ("public", "private", "isolated")
    }
    return {"vpcId": "vpc", "routeTables": [table], **subnets}


class _Monitor(mocks.MockMonitor):
    """Keeps what is registered."""

    def __init__(self, cloud: _Cloud, found: list[Resource]) -> None:
        super().__init__(cloud)
        self._found = found
        self.resources[_ROUTE_TABLE] = mocks.MockMonitor.ResourceRegistration(
            _ROUTE_TABLE, "route-table", {}
        )

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the engine's name
        inputs: Mapping[str, Any] = pulumi.runtime.rpc.deserialize_properties(request.object)
        self._found.append(
            Resource(
                request.type,
                request.name,
                told(inputs),
                request.custom,
                request.parent,
                tuple(request.dependencies),
            )
        )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]
