"""A stack that nobody touched: neither a preview nor a refresh finds anything to tell.

The program runs under the real engine and the local providers, against the APIs alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
from pulumi import automation

from automation.engine.locate import find_engine
from infra.image.image import Release
from infra.stack import define_stack
from localcloud.providers.aws.specs import ecs
from localcloud.tests.unit.gateway_harness import REGION
from localcloud.tests.without_docker import WholeCloud, whole_cloud
from tests.policy.matrix import CERTIFICATE, MATRIX, NOT_MADE
from tests.unit.infra import recorder

PROJECT = "fargate-cd"
IMAGE = f"registry.example.com/app@sha256:{'a' * 64}"


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WholeCloud]:
    """No task runs, so a service is steady at once."""
    monkeypatch.setattr(ecs, "_deployments", lambda _resource: [STEADY])
    with whole_cloud(tmp_path / "cloud") as running:
        yield running


STEADY = {
    "id": "1",
    "status": "PRIMARY",
    "rolloutState": "COMPLETED",
    "runningCount": 2,
    "desiredCount": 2,
}


def settings_of(cloud: WholeCloud, name: str) -> dict[str, str]:
    """A row of the matrix, with what it names made in the cloud."""
    given = {"image": IMAGE, **MATRIX[name]}
    secret = cloud.client("secretsmanager").create_secret(Name="db", SecretString='{"dsn": "x"}')
    for parameter in ("/team/flag", "/team/collector"):
        cloud.client("ssm").put_parameter(Name=parameter, Value="on", Type="String")
    cloud.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    requests.post(
        f"{cloud.git_host_url}api/v3/orgs/octo/repos", json={"name": "shop"}, timeout=60
    ).raise_for_status()
    named = {
        f"arn:aws:secretsmanager:{recorder.REGION}:123456789012:secret:db-AbCdEf": secret["ARN"],
        **({CERTIFICATE: issued(cloud)} if CERTIFICATE in given.values() else {}),
        recorder.REGION: REGION,
    }
    for before, after in named.items():
        given = {key: value.replace(before, after) for key, value in given.items()}
    return given


def issued(cloud: WholeCloud) -> str:
    """A certificate whose domain is proven."""
    acm, route53 = cloud.client("acm"), cloud.client("route53")
    arn = acm.request_certificate(DomainName="app.example.com", ValidationMethod="DNS")[
        "CertificateArn"
    ]
    detail = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    record = detail["DomainValidationOptions"][0]["ResourceRecord"]
    proof = {
        "Name": record["Name"],
        "Type": record["Type"],
        "TTL": 60,
        "ResourceRecords": [{"Value": record["Value"]}],
    }
    route53.change_resource_record_sets(
        HostedZoneId=route53.list_hosted_zones()["HostedZones"][0]["Id"],
        ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": proof}]},
    )
    assert acm.describe_certificate(CertificateArn=arn)["Certificate"]["Status"] == "ISSUED"
    return str(arn)


@pytest.fixture
def stack_of(
    cloud: WholeCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Mapping[str, str]], Any]:
    engine = find_engine()
    assert engine is not None, "no Pulumi engine: run `make setup`"
    (tmp_path / "states").mkdir()
    monkeypatch.setenv("GITHUB_BASE_URL", cloud.git_host_url)
    backend = f"file://{tmp_path / 'states'}"
    environment = {
        "PULUMI_BACKEND_URL": backend,
        "PULUMI_CONFIG_PASSPHRASE": "passphrase",
        "PULUMI_DEBUG_PROVIDERS": ",".join(
            f"{name}:{port}" for name, port in cloud.providers.ports.items()
        ),
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }

    def make(settings: Mapping[str, str]) -> automation.Stack:
        stack = automation.create_or_select_stack(
            "dev",
            PROJECT,
            lambda: define_stack(Release(image=settings["image"])),
            opts=automation.LocalWorkspaceOptions(
                env_vars=environment,
                pulumi_command=engine,
                project_settings=automation.ProjectSettings(
                    name=PROJECT, runtime="python", backend=automation.ProjectBackend(backend)
                ),
            ),
        )
        stack.set_config("aws:region", automation.ConfigValue(REGION))
        for key, value in settings.items():
            stack.set_config(
                f"{PROJECT}:{key}", automation.ConfigValue(value, secret=key == "github_token")
            )
        return stack

    return make


class Changes:
    """What an operation changed, as the engine's events tell it."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def __call__(self, event: Any) -> None:
        for found in (event.res_outputs_event, event.resource_pre_event):
            if found is None:
                continue
            step = found.metadata
            paths = sorted(step.detailed_diff or step.diffs or ())
            if paths or step.op.value not in ("same", "refresh", "read"):
                self.told[step.urn.rsplit("::", 1)[-1]] = [step.op.value, *paths]


# Rows whose place must exist before: tests/e2e/test_place.py makes one and asks for no changes.
@pytest.mark.parametrize(
    "name", [name for name in MATRIX if "Cluster" not in NOT_MADE.get(name, ())]
)
def test_a_stack_that_nobody_touched_tells_of_no_change(
    name: str, cloud: WholeCloud, stack_of: Callable[[Mapping[str, str]], Any]
) -> None:
    stack = stack_of(settings_of(cloud, name))
    stack.up()
    for operation in (stack.preview, stack.refresh, stack.preview):
        changes = Changes()
        operation(on_event=changes)
        assert changes.told == {}
