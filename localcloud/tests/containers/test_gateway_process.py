"""The local cloud as a process: started once, killed, brought back with its state and addresses."""

from __future__ import annotations

import ipaddress
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from localcloud.server import process
from localcloud.server.docker_network import connect
from localcloud.server.process import Endpoints
from localcloud.tests.cloud_process import CloudProcess, await_snapshot, running

TRUST = """{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
"Principal": {"Service": "ecs-tasks.amazonaws.com"}}]}"""


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudProcess]:
    with running(tmp_path_factory.mktemp("cloud") / "state") as found:
        yield found


def test_starts_side_by_side_give_one_process(cloud: CloudProcess) -> None:
    found: list[Endpoints] = []
    threads = [
        threading.Thread(target=lambda: found.append(process.start(cloud.state_dir)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {endpoints.pid for endpoints in found} == {cloud.endpoints.pid}


def test_nothing_listens_beyond_loopback_and_the_docker_network(cloud: CloudProcess) -> None:
    network = connect().networks.get(f"fargate-cd-{process.instance_of(cloud.state_dir)}")
    gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
    family = psutil.Process(cloud.endpoints.pid)
    listening = [
        connection.laddr.ip
        for member in [family, *family.children(recursive=True)]
        for connection in member.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]

    assert listening
    addresses = {ipaddress.ip_address(ip.removeprefix("::ffff:")) for ip in listening}
    beyond = {
        str(address)
        for address in addresses
        if not (address.is_loopback or address.is_link_local or str(address) == gateway)
    }
    assert beyond == set()


def test_tasks_reach_the_same_apis_on_their_network(cloud: CloudProcess) -> None:
    network = connect().networks.get(f"fargate-cd-{process.instance_of(cloud.state_dir)}")
    gateway = network.attrs["IPAM"]["Config"][0]["Gateway"]
    port = int(cloud.endpoints.api_url.rsplit(":", 1)[1])
    with socket.create_connection((gateway, port), timeout=60):
        pass


def test_a_killed_cloud_comes_back_with_everything_at_the_same_addresses(
    cloud: CloudProcess,
) -> None:
    before = cloud.endpoints
    ec2, elbv2 = cloud.client("ec2"), cloud.client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=zone)["Subnet"][
            "SubnetId"
        ]
        for n, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]
    gate = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gate, VpcId=vpc)
    balancer = elbv2.create_load_balancer(Name="kept", Subnets=subnets)["LoadBalancers"][0]
    cloud.client("iam").create_role(RoleName="kept", AssumeRolePolicyDocument=TRUST)
    cloud.client("logs").create_log_group(logGroupName="/kept")
    cloud.client("s3").create_bucket(Bucket="kept")
    cloud.client("s3").put_object(Bucket="kept", Key="k", Body=b"content")
    cloud.client("ecr").create_repository(repositoryName="kept")
    cloud.client("ecs").create_cluster(clusterName="kept")
    await_snapshot(cloud.state_dir, cloud.client("ssm"))

    cloud.kill()
    assert process.status(cloud.state_dir) is None
    cloud.start()

    assert cloud.endpoints.pid != before.pid
    assert cloud.endpoints.api_url == before.api_url
    assert cloud.endpoints.registry_host == before.registry_host
    assert cloud.endpoints.providers == before.providers
    assert process.lost_state(cloud.state_dir) is None
    assert len(ec2.describe_subnets(SubnetIds=subnets)["Subnets"]) == 2
    (row,) = elbv2.describe_load_balancers(Names=["kept"])["LoadBalancers"]
    assert (row["LoadBalancerArn"], row["DNSName"]) == (
        balancer["LoadBalancerArn"],
        balancer["DNSName"],
    )
    assert cloud.client("iam").get_role(RoleName="kept")["Role"]["RoleName"] == "kept"
    assert cloud.client("logs").describe_log_groups()["logGroups"][0]["logGroupName"] == "/kept"
    assert cloud.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"content"
    assert cloud.client("ecr").describe_repositories(repositoryNames=["kept"])["repositories"]
    assert cloud.client("ecs").describe_clusters(clusters=["kept"])["clusters"][0]["status"]


def test_what_is_in_use_still_can_not_be_deleted_after_a_restart(cloud: CloudProcess) -> None:
    """Runs after the test above, on what it left: the restored services still know each other."""
    ec2, elbv2 = cloud.client("ec2"), cloud.client("elbv2")
    (balancer,) = elbv2.describe_load_balancers(Names=["kept"])["LoadBalancers"]
    subnets = [zone["SubnetId"] for zone in balancer["AvailabilityZones"]]
    with pytest.raises(ec2.exceptions.ClientError, match="DependencyViolation"):
        ec2.delete_subnet(SubnetId=subnets[0])
    elbv2.delete_load_balancer(LoadBalancerArn=balancer["LoadBalancerArn"])
    for subnet in subnets:
        ec2.delete_subnet(SubnetId=subnet)


def test_stop_and_start_keep_the_state_and_the_key(cloud: CloudProcess) -> None:
    environment = cloud.endpoints.environment()
    cloud.client("sns").create_topic(Name="kept-by-stop")
    assert process.stop(cloud.state_dir) is True
    assert process.stop(cloud.state_dir) is False
    cloud.start()

    assert cloud.endpoints.environment() == environment
    topics = cloud.client("sns").list_topics()["Topics"]
    assert [topic["TopicArn"].rsplit(":")[-1] for topic in topics] == ["kept-by-stop"]


def test_a_second_process_on_the_same_folder_says_who_is_there(cloud: CloudProcess) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localcloud", "serve", "--state-dir", str(cloud.state_dir)],
        cwd=process.CHECKOUT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "Another local cloud serves" in done.stderr


def test_a_deleted_folder_ends_its_process(tmp_path: Path) -> None:
    """Otherwise it would hold its ports, and a new one could start beside it."""
    state_dir = tmp_path / "state"
    with running(state_dir) as cloud:
        orphan = psutil.Process(cloud.endpoints.pid)
        children = orphan.children(recursive=True)
        shutil.rmtree(state_dir)
        orphan.wait(120)
        assert not any(child.is_running() for child in children)
        assert not state_dir.exists()


def test_every_call_is_a_line_of_the_log(cloud: CloudProcess) -> None:
    cloud.client("sqs").list_queues(QueueNamePrefix="logged")
    lines = process.log_file(cloud.state_dir).read_text().splitlines()

    line = next(line for line in reversed(lines) if "sqs ListQueues" in line)
    assert ":root 200 " in line
    assert line.endswith("ms")
