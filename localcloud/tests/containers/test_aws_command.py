"""The `aws` command and plain boto3 scripts against the local cloud, after
`eval "$(python automation/run.py local env)"` and nothing else."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localcloud.tests.checkout import ROOT
from localcloud.tests.cloud_process import running

ENTER = 'eval "$("$PYTHON" automation/run.py local env)"; '
SHELL_SECONDS = 300

SCRIPT = """
import boto3, json, time
ecs = boto3.client("ecs")
ecs.create_cluster(clusterName="script", tags=[{"key": "by", "value": "boto3"}])
tagging, found, end = boto3.client("resourcegroupstaggingapi"), {}, time.monotonic() + 60
while not found.get("ResourceTagMappingList") and time.monotonic() < end:
    found = tagging.get_resources(TagFilters=[{"Key": "by", "Values": ["boto3"]}])
    time.sleep(1)
print(json.dumps([one["ResourceARN"] for one in found["ResourceTagMappingList"]]))
bucket = boto3.resource("s3").create_bucket(Bucket="script")
bucket.put_object(Key="a", Body=b"hello")
print(bucket.Object("a").get()["Body"].read().decode())
"""


@dataclass
class Shell:
    """A shell whose environment comes of `local env` alone."""

    state_dir: Path
    home: Path

    def run(self, command: str) -> str:
        """What a command prints."""
        done = self.ended(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ended(self, command: str) -> subprocess.CompletedProcess[str]:
        """A command, whatever its exit code."""
        folder = str(Path(sys.executable).parent)
        return subprocess.run(
            ["bash", "-c", ENTER + command],
            cwd=ROOT,
            env={
                "HOME": str(self.home),
                "PATH": f"{folder}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "PYTHON": sys.executable,
                "FARGATE_CD_STATE_DIR": str(self.state_dir),
                "AWS_PAGER": "",
            },
            capture_output=True,
            text=True,
            timeout=SHELL_SECONDS,
            check=False,
        )

    def aws(self, arguments: str) -> Any:
        """The JSON that the `aws` command prints; None where it prints nothing."""
        printed = self.run(f"aws {arguments} --output json")
        return json.loads(printed) if printed.strip() else None


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    state_dir = tmp_path_factory.mktemp("aws") / ".localcloud"
    with running(state_dir):
        yield Shell(state_dir, tmp_path_factory.mktemp("home"))


def test_who_is_asking(shell: Shell) -> None:
    assert shell.aws("sts get-caller-identity")["Arn"] == "arn:aws:iam::123456789012:root"


ASKED = {
    "ecs create-cluster --cluster-name shell --query cluster.status": "ACTIVE",
    "ec2 describe-availability-zones --query AvailabilityZones[0].State": "available",
    "elbv2 describe-load-balancers --query length(LoadBalancers)": "0",
    "route53 list-hosted-zones --query length(HostedZones)": "0",
    "logs describe-log-groups --query length(logGroups)": "0",
}
"""ECS and Logs speak JSON, EC2 and ELB the query protocol, Route 53 REST with XML."""


def test_json_query_and_rest_services_answer(shell: Shell) -> None:
    commands = [f"aws {shlex.join(arguments.split())} --output text" for arguments in ASKED]
    assert shell.run("; ".join(commands)).split() == list(ASKED.values())


def test_files_are_copied_to_s3_and_back(shell: Shell) -> None:
    copied = shell.run(
        "aws s3 mb s3://shell >&2; echo hello | aws s3 cp - s3://shell/greeting; "
        "aws s3 cp s3://shell/greeting -; aws s3 rb s3://shell --force >&2"
    )
    assert copied == "hello\n"


def test_the_password_of_the_registry(shell: Shell) -> None:
    assert len(shell.run("aws ecr get-login-password").strip()) > 20


def test_a_refusal_is_told_as_by_aws(shell: Shell) -> None:
    done = shell.ended("aws ecs list-services --cluster nowhere")
    assert done.returncode in (254, 255)  # of version 2 and 1
    assert "(ClusterNotFoundException)" in done.stderr


def test_a_waiter_of_the_command_waits(shell: Shell) -> None:
    shell.aws("ec2 create-vpc --cidr-block 10.0.0.0/16")
    shell.run("aws ec2 wait vpc-available")


def test_a_plain_boto3_script(shell: Shell) -> None:
    script = shell.home / "script.py"
    script.write_text(SCRIPT)
    lines = shell.run(f'"$PYTHON" {script}').splitlines()
    assert lines == ['["arn:aws:ecs:us-east-1:123456789012:cluster/script"]', "hello"]
