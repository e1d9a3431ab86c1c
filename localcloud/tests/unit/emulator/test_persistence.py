"""A snapshot of the emulator comes back in another process as it was."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.emulator.emulator import Emulator, backends
from localcloud.emulator.persistence import Snapshots
from localcloud.tests.unit.gateway_harness import ACCOUNT, REGION, Served, served

EVENT_TIME = time.time_ns() // 1_000_000

# Run by another interpreter: restores a folder and prints what it finds.
READER = """
import json, sys
from pathlib import Path
from localcloud.gateway import service_models
service_models.share()
from localcloud.emulator.emulator import Emulator
from localcloud.emulator.persistence import Snapshots
from localcloud.tests.unit.gateway_harness import served
emulator = Emulator()
lost = Snapshots(Path(sys.argv[1]), emulator).restore()
found = {"lost": lost}
with served() as cloud:
    c = cloud.client
    given = json.loads(sys.argv[2])
    where = dict(Bucket="kept", Key="k")
    versions = c("s3").list_object_versions(Bucket="kept")
    found["versions"] = [
        c("s3").get_object(VersionId=v["VersionId"], **where)["Body"].read().decode()
        for v in versions["Versions"]
    ]
    found["markers"] = len(versions["DeleteMarkers"])
    groups = c("ec2").describe_subnets(SubnetIds=given["subnets"])["Subnets"]
    found["subnets"] = len(groups)
    balancers = c("elbv2").describe_load_balancers(Names=["kept"])["LoadBalancers"]
    found["balancer"] = balancers[0]["LoadBalancerName"]
    found["role"] = c("iam").get_role(RoleName="kept")["Role"]["RoleName"]
    found["plain"] = c("kms").decrypt(CiphertextBlob=bytes.fromhex(given["cipher"]))[
        "Plaintext"].decode()
    # Other tests of this process may have left things in the emulator's memory.
    listed = c("acm").list_certificates()["CertificateSummaryList"]
    found["certificates"] = len([s for s in listed if s["DomainName"] == "kept.example.com"])
    found["parameter"] = c("ssm").get_parameter(Name="kept")["Parameter"]["Value"]
    found["message"] = c("sqs").receive_message(QueueUrl=cloud.url + "/123456789012/kept")[
        "Messages"][0]["Body"]
    found["events"] = c("logs").filter_log_events(logGroupName="kept")["events"]
    found["streams"] = len(c("logs").describe_log_streams(logGroupName="kept")["logStreams"])
    # The load balancer still holds on to its own subnets, not to copies.
    from moto.ec2.models import ec2_backends
    from moto.elbv2.models import elbv2_backends
    balancers = elbv2_backends["123456789012"]["us-east-1"].load_balancers.values()
    balancer = next(b for b in balancers if b.name == "kept")
    ec2 = ec2_backends["123456789012"]["us-east-1"]
    found["same"] = all(ec2.get_subnet(s.id) is s for s in balancer.subnets)
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Served]:
    with served() as found:
        yield found


@pytest.fixture(scope="module")
def given(cloud: Served) -> dict[str, object]:
    """Resources of every kind that pickle alone can't take, or that refer to each other."""
    c = cloud.client
    vpc = c("ec2").create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        c("ec2").create_subnet(VpcId=vpc, CidrBlock=f"10.7.{n}.0/24", AvailabilityZone=zone)[
            "Subnet"
        ]["SubnetId"]
        for n, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]
    c("elbv2").create_load_balancer(Name="kept", Subnets=subnets, Scheme="internal")
    c("iam").create_role(
        RoleName="kept", AssumeRolePolicyDocument='{"Version":"2012-10-17","Statement":[]}'
    )
    s3 = c("s3")
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        s3.put_object(Bucket="kept", Key="k", Body=body)
    s3.delete_object(Bucket="kept", Key="k")
    key = c("kms").create_key()["KeyMetadata"]["KeyId"]
    cipher = c("kms").encrypt(KeyId=key, Plaintext=b"plain")["CiphertextBlob"]
    c("kms").create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")
    c("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    c("acm").request_certificate(DomainName="kept.example.com")
    c("ssm").put_parameter(Name="kept", Value="value", Type="String")
    c("sqs").create_queue(QueueName="kept")
    c("sqs").send_message(QueueUrl=f"{cloud.url}/{ACCOUNT}/kept", MessageBody="message")
    where = {"logGroupName": "kept", "logStreamName": "task"}
    c("logs").create_log_group(logGroupName="kept")
    c("logs").create_log_stream(**where)
    lines = [{"timestamp": EVENT_TIME + n, "message": f"line {n}"} for n in range(2)]
    c("logs").put_log_events(**where, logEvents=lines)
    events = c("logs").filter_log_events(logGroupName="kept")["events"]
    return {"subnets": subnets, "cipher": cipher.hex(), "events": events}


def test_everything_comes_back_in_another_process(
    cloud: Served, given: dict[str, object], tmp_path: Path
) -> None:
    Snapshots(tmp_path, cloud.gateway.emulator).save()

    done = subprocess.run(
        [sys.executable, "-c", READER, str(tmp_path), json.dumps(given)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[4],
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "lost": None,
        "versions": ["second", "first"],
        "markers": 1,
        "subnets": 2,
        "balancer": "kept",
        "role": "kept",
        "plain": "plain",
        "certificates": 1,
        "parameter": "value",
        "message": "message",
        "events": given["events"],
        "streams": 1,
        "same": True,
    }


def test_objects_that_are_gone_leave_no_file(cloud: Served, tmp_path: Path) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="gone")
    s3.put_object(Bucket="gone", Key="k", Body=b"content that is in no other object")
    snapshots = Snapshots(tmp_path, cloud.gateway.emulator)
    snapshots.save()
    before = {file.name for file in (tmp_path / "objects").iterdir()}
    s3.delete_object(Bucket="gone", Key="k")
    snapshots.save()
    after = {file.name for file in (tmp_path / "objects").iterdir()}

    assert len(before - after) == 1


def test_an_unreadable_snapshot_is_set_aside_and_told(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, Emulator())
    snapshots.save()
    (tmp_path / "snapshot.pickle").write_bytes(b"half a pick")

    lost = snapshots.restore()

    assert lost is not None
    assert "could not be read" in lost
    assert (tmp_path / "snapshot.unreadable").read_bytes() == b"half a pick"
    assert snapshots.restore() is None


def test_what_cannot_be_saved_is_named_and_the_rest_is_kept(
    cloud: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cloud.client("sns").create_topic(Name="unsaved")
    generator = (n for n in range(3))
    sns = backends("sns")[ACCOUNT][REGION]
    monkeypatch.setattr(sns, "unpicklable", generator, raising=False)
    snapshots = Snapshots(tmp_path, cloud.gateway.emulator)
    snapshots.save()

    lost = snapshots.restore()
    assert lost is not None
    assert lost.startswith("What sns held could not be saved")


def test_nothing_is_written_by_one_that_never_began(tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, Emulator())
    snapshots.stop()

    assert not (tmp_path / "snapshot.pickle").exists()


def test_changes_are_saved_in_the_background(cloud: Served, tmp_path: Path) -> None:
    snapshots = Snapshots(tmp_path, cloud.gateway.emulator)
    snapshots.start()
    snapshots.changed("a service of our own", "Create")
    snapshots.changed("logs", "CreateLogGroup")
    snapshots.stop()

    assert (tmp_path / "snapshot.pickle").stat().st_size > 0
