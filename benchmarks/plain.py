"""The same service by plain boto3 calls, and a release by plain commands: no state, no checks.

What a script would do that somebody writes in an afternoon, on the same local cloud with the same
image, task size, health check and drain as the stack's.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3

NAME = "plain"
PORT = 9292
PATIENCE_SECONDS = 300

PUSH = """set -e
tag=$1 repository=$2 cluster=$3 service=$4 family=$5 base=$6
export DOCKER_CONFIG=$PWD/.docker DOCKER_BUILDKIT=0
aws ecr get-login-password |
  docker login --username AWS --password-stdin "${repository%%/*}" >/dev/null 2>&1
docker build --quiet --build-arg BASE_IMAGE="$base" --tag "$repository:$tag" app >build.log 2>&1
docker push --quiet "$repository:$tag" >/dev/null
aws ecs describe-task-definition --task-definition "$family" --query taskDefinition >old.json
python3 - "$repository:$tag" <<'END'
import json, sys
old = json.load(open("old.json"))
known = ("family", "taskRoleArn", "executionRoleArn", "networkMode", "volumes", "cpu", "memory",
         "requiresCompatibilities", "containerDefinitions", "runtimePlatform")
new = {key: old[key] for key in known if old.get(key)}
for each in new["containerDefinitions"]:
    each["image"] = sys.argv[1]
json.dump(new, open("new.json", "w"))
END
made=$(aws ecs register-task-definition --cli-input-json file://new.json \
  --query taskDefinition.taskDefinitionArn --output text)
aws ecs update-service --cluster "$cluster" --service "$service" \
  --task-definition "$made" >/dev/null
"""
"""Build, push, register, update: a release as a shell script."""


@dataclass
class PlainService:
    """A service with a load balancer, made, changed and deleted by boto3.

    Args:
        client: service → its boto3 client.
        task: the stack's task definition, of which this service runs a copy.
    """

    client: Callable[[str], Any]
    task: Mapping[str, Any]
    made: dict[str, str] = field(default_factory=dict)

    def create(self) -> str:
        """Make everything, wait until the rollout is complete; the URL."""
        subnets, groups = self._network()
        elbv2, ecs = self.client("elbv2"), self.client("ecs")
        balancer = elbv2.create_load_balancer(
            Name=NAME, Subnets=subnets, SecurityGroups=[groups["balancer"]]
        )["LoadBalancers"][0]
        target = self._target_group(elbv2)
        listener = elbv2.create_listener(
            LoadBalancerArn=balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": target}],
        )["Listeners"][0]
        ecs.create_cluster(clusterName=NAME)
        network = {"subnets": subnets, "securityGroups": [groups["tasks"]]}
        ecs.create_service(
            cluster=NAME,
            serviceName=NAME,
            taskDefinition=self._register({}),
            desiredCount=2,
            launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {**network, "assignPublicIp": "ENABLED"}},
            loadBalancers=[
                {"targetGroupArn": target, "containerName": "app", "containerPort": PORT}
            ],
            deploymentConfiguration={
                "deploymentCircuitBreaker": {"enable": True, "rollback": True}
            },
        )
        self.made |= {
            "listener": listener["ListenerArn"],
            "balancer": balancer["LoadBalancerArn"],
            "target": target,
        }
        self._complete()
        return f"http://{balancer['DNSName']}/"

    def update(self, version: str) -> None:
        """Change one variable, wait until the rollout is complete."""
        definition = self._register({"VERSION": version})
        self.client("ecs").update_service(cluster=NAME, service=NAME, taskDefinition=definition)
        self._complete()

    def delete(self) -> None:
        """Delete everything, and wait until no task is left."""
        ecs, elbv2, ec2 = self.client("ecs"), self.client("elbv2"), self.client("ec2")
        ecs.delete_service(cluster=NAME, service=NAME, force=True)
        elbv2.delete_listener(ListenerArn=self.made["listener"])
        elbv2.delete_load_balancer(LoadBalancerArn=self.made["balancer"])
        elbv2.delete_target_group(TargetGroupArn=self.made["target"])

        def gone() -> bool:
            found = ecs.describe_services(cluster=NAME, services=[NAME])["services"]
            return all(each["status"] == "INACTIVE" for each in found)

        self._until(gone)
        ecs.delete_cluster(cluster=NAME)
        for kind in ("tasks", "balancer"):
            ec2.delete_security_group(GroupId=self.made[f"group {kind}"])
        for name in ("subnet 0", "subnet 1"):
            ec2.delete_subnet(SubnetId=self.made[name])
        gateway, vpc = self.made["gateway"], self.made["vpc"]
        ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        ec2.delete_internet_gateway(InternetGatewayId=gateway)
        ec2.delete_vpc(VpcId=vpc)

    def _network(self) -> tuple[list[str], dict[str, str]]:
        ec2 = self.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
        (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])[
            "RouteTables"
        ]
        ec2.create_route(
            RouteTableId=table["RouteTableId"],
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=gateway,
        )
        subnets = [
            ec2.create_subnet(
                VpcId=vpc, CidrBlock=f"10.77.{number}.0/24", AvailabilityZone=f"us-east-1{zone}"
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        groups = {
            kind: ec2.create_security_group(
                GroupName=f"{NAME}-{kind}", Description=kind, VpcId=vpc
            )["GroupId"]
            for kind in ("balancer", "tasks")
        }
        for group, port in ((groups["balancer"], 80), (groups["tasks"], PORT)):
            ec2.authorize_security_group_ingress(
                GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp="0.0.0.0/0"
            )
        self.made |= {"vpc": vpc, "gateway": gateway}
        self.made |= {f"group {kind}": group for kind, group in groups.items()}
        self.made |= {f"subnet {number}": subnet for number, subnet in enumerate(subnets)}
        return subnets, groups

    def _target_group(self, elbv2: Any) -> str:
        target = elbv2.create_target_group(
            Name=NAME,
            Protocol="HTTP",
            Port=PORT,
            VpcId=self.made["vpc"],
            TargetType="ip",
            HealthCheckIntervalSeconds=5,
            HealthCheckTimeoutSeconds=4,
            HealthyThresholdCount=2,
        )["TargetGroups"][0]["TargetGroupArn"]
        drain = {"Key": "deregistration_delay.timeout_seconds", "Value": "10"}
        elbv2.modify_target_group_attributes(TargetGroupArn=target, Attributes=[drain])
        return str(target)

    def _register(self, variables: Mapping[str, str]) -> str:
        client = self.client("ecs")
        known = client.meta.service_model.operation_model("RegisterTaskDefinition").input_shape
        copied = {key: self.task[key] for key in known.members if self.task.get(key)}
        containers = json.loads(json.dumps(copied["containerDefinitions"]))
        containers[0]["environment"] = [{"name": n, "value": v} for n, v in variables.items()]
        request = {**copied, "family": NAME, "containerDefinitions": containers}
        made = client.register_task_definition(**request)
        return str(made["taskDefinition"]["taskDefinitionArn"])

    def _complete(self) -> None:
        client = self.client("ecs")

        def done() -> bool:
            (service,) = client.describe_services(cluster=NAME, services=[NAME])["services"]
            states = [each["rolloutState"] for each in service["deployments"]]
            if "FAILED" in states:
                raise RuntimeError(f"the plain service failed: {service['events'][:2]}")
            return states == ["COMPLETED"]

        self._until(done)

    def _until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + PATIENCE_SECONDS
        while not done():
            if time.monotonic() > end:
                raise TimeoutError("the plain service is not there yet")
            time.sleep(0.3)


def clients(environment: Mapping[str, str]) -> Callable[[str], Any]:
    """boto3 clients of a local cloud, from what `local env` prints."""
    return lambda service: boto3.client(
        service,
        region_name=environment["AWS_REGION"],
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )


def release(folder: Path, environment: Mapping[str, str], *arguments: str) -> None:
    """Run the shell script in a folder that has `app/`."""
    subprocess.run(
        ["sh", "-c", PUSH, "release", *arguments], cwd=folder, env=dict(environment), check=True
    )
