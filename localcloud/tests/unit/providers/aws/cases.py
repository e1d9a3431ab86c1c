"""Resources to make, change and delete, one or more for each row of the table."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from localcloud.tests.unit.gateway_harness import Served

Values = dict[str, Any]


def trust(service: str) -> str:
    statement = {
        "Effect": "Allow",
        "Action": "sts:AssumeRole",
        "Principal": {"Service": service},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def policy(resource: str, action: str = "s3:GetObject") -> str:
    statement = {"Effect": "Allow", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def resource_policy(arn: str, service: str = "events.amazonaws.com") -> str:
    statement = {
        "Sid": "Told",
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sns:Publish",
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def expiry(days: int) -> str:
    rule = {
        "rulePriority": 1,
        "selection": {
            "tagStatus": "untagged",
            "countType": "sinceImagePushed",
            "countUnit": "days",
            "countNumber": days,
        },
        "action": {"type": "expire"},
    }
    return json.dumps({"rules": [rule]})


def containers(**changes: Any) -> str:
    return json.dumps(
        [
            {
                "name": "app",
                "image": "web:1",
                "portMappings": [{"containerPort": 9292}],
                "environment": [{"name": "B", "value": "2"}, {"name": "A", "value": "1"}],
                **changes,
            }
        ]
    )


class World:
    """What resources need around them, made by boto3 when it is first asked for."""

    def __init__(self, cloud: Served, name: str) -> None:
        self._cloud = cloud
        self._made: dict[str, Any] = {}
        self.name = name

    def client(self, service: str) -> Any:
        key = f"client {service}"
        return self._once(key, lambda: self._cloud.client(service))

    def _once(self, key: str, make: Callable[[], Any]) -> Any:
        if key not in self._made:
            self._made[key] = make()
        return self._made[key]

    @property
    def vpc(self) -> str:
        make = lambda: self.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]  # noqa: E731
        return str(self._once("vpc", make))

    def subnet(self, index: int) -> str:
        return str(
            self._once(
                f"subnet {index}",
                lambda: self.client("ec2").create_subnet(
                    VpcId=self.vpc,
                    CidrBlock=f"10.0.{index}.0/24",
                    AvailabilityZone=f"us-east-1{'ab'[index % 2]}",
                )["Subnet"]["SubnetId"],
            )
        )

    @property
    def route_table(self) -> str:
        def make() -> str:
            table = self.client("ec2").create_route_table(VpcId=self.vpc)["RouteTable"]
            return str(table["RouteTableId"])

        return str(self._once("route table", make))

    @property
    def gateway(self) -> str:
        def make() -> str:
            ec2 = self.client("ec2")
            made = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            ec2.attach_internet_gateway(InternetGatewayId=made, VpcId=self.vpc)
            return str(made)

        return str(self._once("gateway", make))

    def group(self, name: str = "group") -> str:
        def make() -> str:
            made = self.client("ec2").create_security_group(
                GroupName=f"{self.name}-{name}", Description="x", VpcId=self.vpc
            )
            return str(made["GroupId"])

        return str(self._once(f"group {name}", make))

    @property
    def address(self) -> str:
        make = lambda: self.client("ec2").allocate_address(Domain="vpc")["AllocationId"]  # noqa: E731
        return str(self._once("address", make))

    @property
    def load_balancer(self) -> str:
        def make() -> str:
            made = self.client("elbv2").create_load_balancer(
                Name=self.name[:32],
                Subnets=[self.subnet(0), self.subnet(1)],
                Scheme="internet-facing",
            )
            return str(made["LoadBalancers"][0]["LoadBalancerArn"])

        return str(self._once("load balancer", make))

    def target_group(self, name: str = "one") -> str:
        def make() -> str:
            made = self.client("elbv2").create_target_group(
                Name=f"{self.name}-{name}"[-32:].strip("-"),
                Port=80,
                Protocol="HTTP",
                VpcId=self.vpc,
                TargetType="ip",
            )
            return str(made["TargetGroups"][0]["TargetGroupArn"])

        return str(self._once(f"target group {name}", make))

    @property
    def listener(self) -> str:
        def make() -> str:
            made = self.client("elbv2").create_listener(
                LoadBalancerArn=self.load_balancer,
                Port=80,
                Protocol="HTTP",
                DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group()}],
            )
            return str(made["Listeners"][0]["ListenerArn"])

        return str(self._once("listener", make))

    @property
    def secure_listener(self) -> str:
        def make() -> str:
            made = self.client("elbv2").create_listener(
                LoadBalancerArn=self.load_balancer,
                Port=443,
                Protocol="HTTPS",
                Certificates=[{"CertificateArn": self.certificate("default")}],
                DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group()}],
            )
            return str(made["Listeners"][0]["ListenerArn"])

        return str(self._once("secure listener", make))

    def certificate(self, name: str) -> str:
        """A certificate that was asked for."""

        def make() -> str:
            domain = f"{name}.{self.name}.example.com"
            asked = self.client("acm").request_certificate(DomainName=domain)
            return str(asked["CertificateArn"])

        return str(self._once(f"certificate {name}", make))

    @property
    def repository(self) -> str:
        def make() -> str:
            self.client("ecr").create_repository(repositoryName=self.name.lower())
            return self.name.lower()

        return str(self._once("repository", make))

    @property
    def cluster(self) -> str:
        make = lambda: self.client("ecs").create_cluster(clusterName=self.name)["cluster"]  # noqa: E731
        return str(self._once("cluster", make)["clusterArn"])

    def task_definition(self, cpu: str = "256") -> str:
        def make() -> str:
            made = self.client("ecs").register_task_definition(
                family=self.name,
                cpu=cpu,
                memory="512",
                networkMode="awsvpc",
                requiresCompatibilities=["FARGATE"],
                containerDefinitions=[
                    {
                        "name": "app",
                        "image": "web:1",
                        "memory": 128,
                        "portMappings": [{"containerPort": 80}],
                    }
                ],
            )
            return str(made["taskDefinition"]["taskDefinitionArn"])

        return str(self._once(f"task definition {cpu}", make))

    @property
    def service(self) -> str:
        """The resource id that Application Auto Scaling knows a service by."""

        def make() -> str:
            self.client("ecs").create_service(
                cluster=self.cluster,
                serviceName=self.name,
                taskDefinition=self.task_definition(),
                desiredCount=1,
            )
            return f"service/{self.name}/{self.name}"

        return str(self._once("service", make))

    @property
    def target(self) -> str:
        def make() -> str:
            self.client("application-autoscaling").register_scalable_target(
                ServiceNamespace="ecs",
                ResourceId=self.service,
                ScalableDimension="ecs:service:DesiredCount",
                MinCapacity=1,
                MaxCapacity=4,
            )
            return self.service

        return str(self._once("scalable target", make))

    def role(self, service: str = "ecs-tasks.amazonaws.com") -> str:
        def make() -> str:
            made = self.client("iam").create_role(
                RoleName=f"{self.name}-{service.split('.')[0]}"[:64],
                AssumeRolePolicyDocument=trust(service),
            )
            return str(made["Role"]["Arn"])

        return str(self._once(f"role {service}", make))

    @property
    def role_name(self) -> str:
        return self.role().rpartition("/")[2]

    @property
    def managed_policy(self) -> str:
        def make() -> str:
            made = self.client("iam").create_policy(
                PolicyName=self.name, PolicyDocument=policy("arn:aws:s3:::x")
            )
            return str(made["Policy"]["Arn"])

        return str(self._once("policy", make))

    @property
    def log_group(self) -> str:
        def make() -> str:
            self.client("logs").create_log_group(logGroupName=self.name)
            return f"arn:aws:logs:us-east-1:123456789012:log-group:{self.name}"

        return str(self._once("log group", make))

    @property
    def topic(self) -> str:
        make = lambda: self.client("sns").create_topic(Name=self.name)["TopicArn"]  # noqa: E731
        return str(self._once("topic", make))

    @property
    def rule(self) -> str:
        def make() -> str:
            self.client("events").put_rule(Name=self.name[:64], ScheduleExpression="rate(1 hour)")
            return self.name[:64]

        return str(self._once("rule", make))

    def key_arn(self) -> str:
        described = self.client("kms").describe_key(KeyId=self.key())
        return str(described["KeyMetadata"]["Arn"])

    def key(self, name: str = "one") -> str:
        make = lambda: self.client("kms").create_key()["KeyMetadata"]["KeyId"]  # noqa: E731
        return str(self._once(f"key {name}", make))

    @property
    def bucket(self) -> str:
        def make() -> str:
            self.client("s3").create_bucket(Bucket=self.name.lower())
            return self.name.lower()

        return str(self._once("bucket", make))

    @property
    def zone(self) -> str:
        def make() -> str:
            made = self.client("route53").create_hosted_zone(
                Name="example.com", CallerReference=self.name
            )
            return str(made["HostedZone"]["Id"]).rpartition("/")[2]

        return str(self._once("zone", make))

    @property
    def web_acl(self) -> str:
        def make() -> str:
            made = self.client("wafv2").create_web_acl(
                Name=self.name,
                Scope="REGIONAL",
                DefaultAction={"Allow": {}},
                VisibilityConfig={
                    "SampledRequestsEnabled": True,
                    "CloudWatchMetricsEnabled": True,
                    "MetricName": "m",
                },
            )
            return str(made["Summary"]["ARN"])

        return str(self._once("web acl", make))

    @property
    def pipeline(self) -> str:
        """One of a source on GitHub and a build."""

        def make() -> str:
            outside = {"category": "Source", "owner": "ThirdParty", "provider": "GitHub"}
            build = {"category": "Build", "owner": "AWS", "provider": "CodeBuild"}
            source = {
                "name": "Source",
                "actionTypeId": {**outside, "version": "1"},
                "outputArtifacts": [{"name": "code"}],
                "configuration": {
                    "Owner": "o",
                    "Repo": "r",
                    "Branch": "main",
                    "OAuthToken": "t",
                    "PollForSourceChanges": "false",
                },
            }
            builder = {
                "name": "Build",
                "actionTypeId": {**build, "version": "1"},
                "inputArtifacts": [{"name": "code"}],
                "configuration": {"ProjectName": "p"},
            }
            self.client("codepipeline").create_pipeline(
                pipeline={
                    "name": self.name,
                    "roleArn": self.role("codepipeline.amazonaws.com"),
                    "artifactStore": {"type": "S3", "location": self.bucket},
                    "stages": [
                        {"name": "Source", "actions": [source]},
                        {"name": "Build", "actions": [builder]},
                    ],
                }
            )
            return self.name

        return str(self._once("pipeline", make))

    @property
    def secret(self) -> str:
        make = lambda: self.client("secretsmanager").create_secret(Name=self.name)["ARN"]  # noqa: E731
        return str(self._once("secret", make))


@dataclass(frozen=True)
class Case:
    """One resource's life.

    Attributes:
        token: its type.
        inputs: what the program gives.
        change: inputs that replace those, in an update.
        replaces: whether the change takes a new resource.
        outputs: properties that a program reads, which must be there after the creation.
        imports: the id to import it by, from its outputs; None: its own id.
    """

    token: str
    inputs: Callable[[World], Values]
    change: Callable[[World], Values] = field(default=lambda _world: {})
    replaces: bool = False
    outputs: tuple[str, ...] = ()
    imports: Callable[[Values], str] | None = None

    def __str__(self) -> str:
        return self.token.rpartition(":")[2]


TAGGED = {"tags": {"stack": "dev", "team": "a"}}
RETAGGED = {"tags": {"stack": "prod"}}
