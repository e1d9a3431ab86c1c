"""Run the program without an engine, a cloud or credentials, and record what it says.

The program runs against Pulumi's mocks (https://www.pulumi.com/docs/iac/guides/testing/unit/):
every resource that it registers is kept, and whatever it asks of a cloud is answered with names.
"""

from __future__ import annotations

import contextvars
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

import grpc
import pulumi
from pulumi.runtime import mocks, resource
from pulumi.runtime.proto.source_pb2 import StackTrace
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack

from infra.account import Account
from infra.image.running_image import NO_SERVICE
from infra.own_outputs import READ_OUTPUTS

_ARN_PATHS = {
    "aws:ecr/repository:Repository": "ecr:{region}:{account}:repository/{name}",
    "aws:ecs/cluster:Cluster": "ecs:{region}:{account}:cluster/{name}",
    "aws:ecs/taskDefinition:TaskDefinition": "ecs:{region}:{account}:task-definition/{name}:1",
    "aws:ecs/service:Service": "ecs:{region}:{account}:service/{name}/{name}",
    "aws:iam/role:Role": "iam::{account}:role/{name}",
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": (
        "iam::{account}:oidc-provider/token.actions.githubusercontent.com"
    ),
    "aws:cloudwatch/logGroup:LogGroup": "logs:{region}:{account}:log-group:{name}",
    "aws:lb/loadBalancer:LoadBalancer": (
        "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/50dc6c495c0c9188"
    ),
    "aws:lb/targetGroup:TargetGroup": (
        "elasticloadbalancing:{region}:{account}:targetgroup/{name}/73e2d6bc24d8a067"
    ),
    "aws:s3/bucket:Bucket": "s3:::{name}",
    "aws:sns/topic:Topic": "sns:{region}:{account}:{name}",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "cloudwatch:{region}:{account}:alarm:{name}",
    "aws:lb/listenerRule:ListenerRule": (
        "elasticloadbalancing:{region}:{account}:listener-rule/app/lb/50dc6c495c0c9188/f2f7/9683"
    ),
    "aws:cloudwatch/eventRule:EventRule": "events:{region}:{account}:rule/{name}",
    "aws:codebuild/project:Project": "codebuild:{region}:{account}:project/{name}",
    "aws:sfn/stateMachine:StateMachine": "states:{region}:{account}:stateMachine:{name}",
    "aws:scheduler/scheduleGroup:ScheduleGroup": (
        "scheduler:{region}:{account}:schedule-group/{name}"
    ),
    "aws:kms/key:Key": "kms:{region}:{account}:key/1234abcd-12ab-34cd-56ef-1234567890ab",
}


@dataclass(frozen=True)
class Registered:
    """One resource that the program registered.

    Attributes:
        token: its type token.
        name: its logical name.
        inputs: its inputs, by the provider's (camel-case) names.
        parent: its parent's URN.
        options: `protect`, `ignoreChanges` and the like.
        depends_on: URNs.
    """

    token: str
    name: str
    inputs: dict[str, Any]
    parent: str
    options: dict[str, Any]
    depends_on: tuple[str, ...]


Invoke = tuple[str, dict[str, Any]]
Answer = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Recording:
    """What one run of the program did."""

    resources: list[Registered] = field(default_factory=list)
    invokes: list[Invoke] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, token: str) -> list[Registered]:
        """The resources of a type, by the last part of its token, such as `Service`."""
        return [each for each in self.resources if each.token.rsplit(":", 1)[-1] == token]

    def one(self, token: str, name: str | None = None) -> Registered:
        """The one resource of a type, or the one of that name."""
        found = [each for each in self.of(token) if name is None or each.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} of {token} {name or ''}")
        return found[0]

    @property
    def container(self) -> dict[str, Any]:
        """The application's container in the web process's task definition."""
        return self.containers["app"]

    @property
    def containers(self) -> dict[str, dict[str, Any]]:
        """The containers of the web process's task definition, by name."""
        found = self.of("TaskDefinition")
        (web,) = (each for each in found if not each.name.startswith("process-"))
        return {each["name"]: each for each in json.loads(web.inputs["containerDefinitions"])}


def _repository(inputs: Mapping[str, Any]) -> str:
    return str(inputs.get("imageName")).rpartition(":")[0]


_KEPT_PASSWORD = "secretsmanager:{region}:{account}:secret:rds!db-{name}-AbCdEf"  # noqa: S105 - its address


def _usual_arn(token: str) -> str:
    """The form of most ARNs: `service:region:account:type/name`."""
    service, _, rest = token.partition(":")[2].partition("/")
    kind = rest.partition(":")[0].lower()
    return f"{service}:{{region}}:{{account}}:{kind}/{{name}}"


_ROUTE_TABLE = "urn:pulumi:dev::fargate-cd::aws:ec2/routeTable:RouteTable::public"


def _route_table() -> dict[str, str]:
    """A reference to a resource, as a remote component returns it."""
    signature = pulumi.runtime.rpc._special_sig_key
    return {signature: pulumi.runtime.rpc._special_resource_sig, "urn": _ROUTE_TABLE}


def registry_host(account: Account) -> str:
    """The host name of an account's registry of images."""
    return f"{account.account_id}.dkr.ecr.{account.region}.{account.domain}"


class _Cloud(mocks.Mocks):
    def __init__(
        self, recording: Recording, account: Account, answers: Mapping[str, Answer]
    ) -> None:
        self.recording, self._account, self._answers = recording, account, answers

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        name = args.inputs.get(
            "name", args.inputs.get("family", args.inputs.get("bucket", args.name))
        )
        arn = _ARN_PATHS.get(args.typ) or _usual_arn(args.typ)
        computed = {
            "arn": self._arn(arn, name),
            "name": name,
            "arnSuffix": arn.rpartition(":")[2].removeprefix("loadbalancer/").format(name=name),
            "dnsName": f"{name}.elb.{self._account.domain}",
            "repositoryUrl": f"{registry_host(self._account)}/{name}",
            "domainValidationOptions": [
                {
                    "resourceRecordName": "_1.example.com",
                    "resourceRecordType": "CNAME",
                    "resourceRecordValue": "_2.acm-validations.aws",
                }
            ],
            "prefixListId": "pl-s3",
            "fqdn": "_1.example.com",
            "zoneId": "ZLB",
            "masterUserSecrets": [{"secretArn": self._arn(_KEPT_PASSWORD, name)}],
            "repoDigest": f"{_repository(args.inputs)}@sha256:{'0' * 64}",
        }
        if args.typ == "awsx:ec2:Vpc":
            zones = range(len(args.inputs["availabilityZoneNames"]))
            return None, {"vpcId": "vpc-1", "routeTables": [_route_table()]} | {
                f"{kind}SubnetIds": [f"subnet-{kind}-{zone}" for zone in zones]
                for kind in ("public", "private", "isolated")
            }
        return f"{args.name}-id", {**computed, **args.inputs}

    def _arn(self, path: str, name: object) -> str:
        account = self._account
        filled = path.format(region=account.region, account=account.account_id, name=name)
        return f"arn:{account.partition}:{filled}"

    def call(self, args: mocks.MockCallArgs) -> Any:
        self.recording.invokes.append((args.token, dict(args.args)))
        return self._answers[args.token](dict(args.args))


class RefusedError(grpc.RpcError):
    """A function that fails, as the engine tells the program.

    Args:
        words: the provider's sentence.
    """

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self._words = words

    def code(self) -> grpc.StatusCode:
        """The kind of failure that the engine tells for every function."""
        return grpc.StatusCode.UNKNOWN

    def details(self) -> str:
        """The provider's sentence."""
        return self._words


def _no_service(_: object) -> Any:
    raise RefusedError(NO_SERVICE)


_ANSWERS: Mapping[str, Answer] = {
    READ_OUTPUTS: lambda _: {"outputs": {}},
    "aws:ecr/getAuthorizationToken:getAuthorizationToken": lambda _: {
        "userName": "AWS",
        "password": "hush",
    },
    "aws:index/getAvailabilityZones:getAvailabilityZones": lambda _: {
        "names": [f"zone-{number}" for number in range(6)]
    },
    "aws:route53/getZone:getZone": lambda asked: {"zoneId": "Z1", "name": asked["name"]},
    "aws:secretsmanager/getSecretVersions:getSecretVersions": lambda _: {
        "versions": [
            {"versionId": "old", "versionStages": ["AWSPREVIOUS"]},
            {"versionId": "new", "versionStages": ["AWSCURRENT"]},
        ]
    },
    "aws:lb/getListener:getListener": lambda asked: {
        "arn": asked["arn"],
        "loadBalancerArn": asked["arn"].replace(":listener/", ":loadbalancer/").rpartition("/")[0],
        "port": 443,
        "protocol": "HTTPS",
    },
    "aws:lb/getLoadBalancer:getLoadBalancer": lambda asked: {
        "arn": asked["arn"],
        "dnsName": "theirs.example.com",
        "internal": False,
        "securityGroups": ["sg-theirs"],
    },
    "aws:ssm/getParameter:getParameter": lambda _: {"version": 3},
    "aws:resourcegroupstaggingapi/getResources:getResources": lambda _: {
        "resourceTagMappingLists": []
    },
    "aws:ecs/getService:getService": _no_service,
}


def _of_account(account: Account) -> dict[str, Answer]:
    return {
        "aws:index/getCallerIdentity:getCallerIdentity": lambda _: {
            "accountId": account.account_id
        },
        "aws:index/getPartition:getPartition": lambda _: {
            "partition": account.partition,
            "dnsSuffix": account.domain,
        },
        "aws:index/getRegion:getRegion": lambda _: {
            "region": account.region,
            "name": account.region,
        },
    }


def _whole(value: Any) -> Any:
    """Numbers travel as floats; whole ones are shown as they were written."""
    if isinstance(value, dict):
        return {key: _whole(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class _Monitor(mocks.MockMonitor):
    def __init__(self, cloud: _Cloud) -> None:
        super().__init__(cloud)
        self.recording = cloud.recording

        self.resources[_ROUTE_TABLE] = mocks.MockMonitor.ResourceRegistration(
            _ROUTE_TABLE, "rtb-0", {}
        )

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802
        if request.type != "pulumi:pulumi:Stack":
            inputs = _whole(pulumi.runtime.rpc.deserialize_properties(request.object))
            self.recording.resources.append(
                Registered(
                    request.type,
                    request.name,
                    inputs,
                    request.parent,
                    {
                        "protect": request.protect,
                        "ignoreChanges": list(request.ignoreChanges),
                        "replaceOnChanges": list(request.replaceOnChanges),
                        "custom": request.custom,
                        "retainOnDelete": request.retainOnDelete,
                    },
                    tuple(request.dependencies),
                )
            )
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def _unsent(*_: object, **__: object) -> None:
    """Take the place of `pulumi.log.debug`."""


@contextmanager
def _unobserved() -> Iterator[None]:
    """Leave out what nobody reads of a recording, which takes a quarter of its processor time.

    The SDK tells the engine where in the code each resource is registered, and its messages for
    `pulumi up --debug`.
    """
    with (
        mock.patch.object(resource, "_get_stack_trace", StackTrace),
        mock.patch.object(pulumi.log, "debug", _unsent),
    ):
        yield


def run(
    program: Callable[[], object],
    config: Mapping[str, str],
    account: Account,
    *,
    project: str,
    stack: str,
    answers: Mapping[str, Answer] | None = None,
    preview: bool = False,
) -> Recording:
    """Run a program and record what it does.

    Args:
        program: what `pulumi up` would run.
        config: the stack's configuration, with namespaces, as Pulumi passes it.
        account: where the program believes to be.
        project: the Pulumi project.
        stack: the Pulumi stack.
        answers: answers to functions of providers, beside the usual ones.
        preview: whether it is only a preview.

    Returns:
        What it registered, asked for and exported.
    """
    recording = Recording()
    exported: dict[str, Any] = {}

    def isolated() -> None:
        cloud = _Cloud(recording, account, {**_ANSWERS, **_of_account(account), **(answers or {})})
        mocks.set_mocks(cloud, project, stack, preview, monitor=_Monitor(cloud))
        pulumi.runtime.set_all_config(dict(config))

        @mocks.test  # type: ignore[untyped-decorator]
        def whole() -> pulumi.Output[None]:
            program()
            root = get_root_resource()
            assert isinstance(root, Stack)  # noqa: S101 - the mocks' own root
            return pulumi.Output.all(**root.outputs).apply(exported.update)

        whole()

    with _unobserved():
        contextvars.Context().run(isolated)
    recording.outputs.update(exported)
    return recording
