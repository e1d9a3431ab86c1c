"""The emulator: what it lacks is told apart, and its policies leave the decision to ours."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from localcloud.emulator.emulator import EMULATED, backends
from localcloud.emulator.emulator_fixes import Ec2Amendments, Wafv2Amendments
from localcloud.gateway.protocol import known_services
from localcloud.tests.unit.gateway_harness import ACCOUNT, Served, served

TLS_ONLY = """{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*",
"Action": "s3:*", "Resource": ["arn:aws:s3:::emulator-tls", "arn:aws:s3:::emulator-tls/*"],
"Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}"""


@pytest.fixture(scope="module")
def cloud() -> Iterator[Served]:
    with served() as found:
        found.gateway.add(Ec2Amendments(found.gateway.emulator))
        found.gateway.add(Wafv2Amendments())
        yield found


@pytest.mark.parametrize("service", EMULATED)
def test_every_emulated_service_exists_in_both_libraries(service: str) -> None:
    assert service in known_services()
    assert backends(service)[ACCOUNT] is not None


def test_a_conditional_deny_locks_nobody_out(cloud: Served) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="emulator-tls")
    s3.put_bucket_policy(Bucket="emulator-tls", Policy=TLS_ONLY)
    s3.put_object(Bucket="emulator-tls", Key="k", Body=b"x")

    assert s3.get_object(Bucket="emulator-tls", Key="k")["Body"].read() == b"x"


def test_waiting_for_a_message_holds_up_nobody(cloud: Served) -> None:
    sqs = cloud.client("sqs")
    sqs.create_queue(QueueName="emulator-waiting")
    url = f"{cloud.url}/{ACCOUNT}/emulator-waiting"
    received: list[str] = []

    def wait() -> None:
        answer = cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=20)
        received.extend(message["Body"] for message in answer["Messages"])

    waiting = threading.Thread(target=wait)
    waiting.start()
    cloud.client("sns").list_topics()  # would wait for the lock
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    waiting.join()
    assert received == ["hello"]


def test_a_new_default_group_talks_to_itself(cloud: Served) -> None:
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    only_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    (group,) = ec2.describe_security_groups(Filters=only_vpc)["SecurityGroups"]

    (rule,) = group["IpPermissions"]
    assert rule["IpProtocol"] == "-1"
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [group["GroupId"]]


def test_a_deleted_nat_gateway_frees_its_address(cloud: Served) -> None:
    ec2 = cloud.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.2.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.2.0.0/24")["Subnet"]["SubnetId"]
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    made = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=address)["NatGateway"]
    ec2.delete_nat_gateway(NatGatewayId=made["NatGatewayId"])

    (row,) = ec2.describe_addresses(AllocationIds=[address])["Addresses"]
    assert "AssociationId" not in row
    only_subnet = [{"Name": "subnet-id", "Values": [subnet]}]
    assert ec2.describe_network_interfaces(Filters=only_subnet)["NetworkInterfaces"] == []


def test_a_web_acl_needs_a_load_balancer(cloud: Served) -> None:
    waf = cloud.client("wafv2")
    visible = {
        "SampledRequestsEnabled": False,
        "CloudWatchMetricsEnabled": False,
        "MetricName": "m",
    }
    acl = waf.create_web_acl(
        Name="emulator", Scope="REGIONAL", DefaultAction={"Allow": {}}, VisibilityConfig=visible
    )["Summary"]["ARN"]
    absent = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:loadbalancer/app/absent/0123456789"

    with pytest.raises(ClientError, match="doesn't exist") as error:
        waf.associate_web_acl(WebACLArn=acl, ResourceArn=absent)
    assert error.value.response["Error"]["Code"] == "WAFNonexistentItemException"
    assert waf.list_resources_for_web_acl(WebACLArn=acl)["ResourceArns"] == []


def test_what_is_deleted_is_held_by_nobody(cloud: Served) -> None:
    """moto lists every instance of its models; a process that runs for days can't."""
    logs = cloud.client("logs")
    logs.create_log_group(logGroupName="emulator-forgotten")
    logs.create_log_stream(logGroupName="emulator-forgotten", logStreamName="s")
    event = {"timestamp": int(time.time() * 1000), "message": "m"}
    logs.put_log_events(logGroupName="emulator-forgotten", logStreamName="s", logEvents=[event])
    groups = backends("logs")[ACCOUNT]["us-east-1"].groups
    kept = weakref.ref(groups["emulator-forgotten"].streams["s"].events[0])
    assert kept() is not None

    logs.delete_log_group(logGroupName="emulator-forgotten")
    gc.collect()

    assert kept() is None
