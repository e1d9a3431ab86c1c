"""Adopt what an interrupted update created and did not write down.

The engine notes in its state that it begins to create a resource, and afterwards that it has. If
it is killed in between, the resource may exist or not; the engine alone can't tell, and its next
update would create it a second time (https://www.pulumi.com/docs/support/troubleshooting/#interrupted-update-recovery).
Its physical name or its tags tell: what is found is taken into the state, what isn't is created.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.errors import DriverError
from automation.recovery import delivery_finders

Inputs = Mapping[str, Any]
Finder = Callable[[Cloud, Inputs], list[str]]
Note = Callable[[str], None]

CREATING = "creating"


@dataclass(frozen=True)
class Adopted:
    """What became of the creations that an earlier update did not finish.

    Attributes:
        deployment: the state, with what exists taken in and nothing pending.
        urns: what was taken in; a refresh must read its properties.
        absent: what does not exist, or is safely created again.
    """

    deployment: dict[str, Any]
    urns: list[str]
    absent: list[str]


def adopt(deployment: Mapping[str, Any], cloud: Cloud) -> Adopted:
    """Settle every creation that is pending in an exported state.

    Args:
        deployment: the `deployment` part of `pulumi stack export`.
        cloud: where to look.

    Raises:
        DriverError: several resources could be the one; nothing was changed.
    """
    resources: list[dict[str, Any]] = list(deployment.get("resources") or [])
    urns, absent, kept = [], [], []
    for operation in deployment.get("pending_operations") or []:
        resource = operation["resource"]
        if operation["type"] != CREATING:
            kept.append(operation)
            continue
        known = {row.get("id") for row in resources if row["type"] == resource["type"]}
        found = [i for i in _find(cloud, resource) if i not in known]
        if len(found) > 1:
            raise DriverError(
                f"An interrupted update may have made {resource['urn']}, and there are several "
                "that it could be: delete the superfluous ones, then run this again.",
                found,
            )
        if not found:
            WITHDRAWALS.get(resource["type"], _nothing)(cloud, resource.get("inputs") or {})
            absent.append(resource["urn"])
            continue
        urns.append(resource["urn"])
        resources = _taken_in(resources, resource, found[0])
    settled = {**deployment, "resources": resources, "pending_operations": kept}
    return Adopted(settled, urns, absent)


def _find(cloud: Cloud, resource: Mapping[str, Any]) -> list[str]:
    finder = FINDERS.get(resource["type"])
    if finder is None:
        return []
    try:
        return finder(cloud, resource.get("inputs") or {})
    except ClientError as error:
        if error_code(error) not in ABSENT:
            raise
        return []


def _taken_in(
    resources: list[dict[str, Any]], resource: Mapping[str, Any], identity: str
) -> list[dict[str, Any]]:
    """The state with one more resource; one that it replaces waits for its deletion."""
    new = {**resource, "id": identity, "outputs": dict(resource.get("inputs") or {})}
    older = [{**row, "delete": True} if row["urn"] == resource["urn"] else row for row in resources]
    return [*older, new]


def _named(service: str, operation: str, parameter: str, key: str, identity: str) -> Finder:
    """Look a resource up by its physical name."""

    def find(cloud: Cloud, inputs: Inputs) -> list[str]:
        if not inputs.get("name"):
            return []
        answer = getattr(cloud.client(service), operation)(**{parameter: [inputs["name"]]})
        return [row[identity] for row in answer[key] if row.get("status") != "INACTIVE"]

    return find


def _tagged(operation: str, key: str, identity: str, filters: str = "Filters") -> Finder:
    """Look a part of the network up by all its tags; the stack's own are among them."""

    def find(cloud: Cloud, inputs: Inputs) -> list[str]:
        tags = inputs.get("tags") or {}
        if not {"project", "stack"} <= tags.keys():
            return []
        wanted = [{"Name": f"tag:{name}", "Values": [value]} for name, value in tags.items()]
        if inputs.get("vpcId") and operation != "describe_internet_gateways":
            wanted.append({"Name": "vpc-id", "Values": [inputs["vpcId"]]})
        if inputs.get("cidrBlock"):
            name = "cidr-block" if operation == "describe_subnets" else "cidr"
            wanted.append({"Name": name, "Values": [inputs["cidrBlock"]]})
        rows = cloud.pages("ec2", operation, key, **{filters: wanted})
        return [row[identity] for row in rows if row.get("State") not in {"deleted", "deleting"}]

    return find


def _role(cloud: Cloud, inputs: Inputs) -> list[str]:
    return [cloud.client("iam").get_role(RoleName=inputs["name"])["Role"]["RoleName"]]


def _role_policy(cloud: Cloud, inputs: Inputs) -> list[str]:
    found = cloud.client("iam").get_role_policy(RoleName=inputs["role"], PolicyName=inputs["name"])
    return [f"{found['RoleName']}:{found['PolicyName']}"]


def _log_group(cloud: Cloud, inputs: Inputs) -> list[str]:
    rows = cloud.pages(
        "logs", "describe_log_groups", "logGroups", logGroupNamePrefix=inputs["name"]
    )
    return [row["logGroupName"] for row in rows if row["logGroupName"] == inputs["name"]]


def _alarm(cloud: Cloud, inputs: Inputs) -> list[str]:
    rows = cloud.client("cloudwatch").describe_alarms(AlarmNames=[inputs["name"]])["MetricAlarms"]
    return [row["AlarmName"] for row in rows]


def _dashboard(cloud: Cloud, inputs: Inputs) -> list[str]:
    name = inputs["dashboardName"]
    rows = cloud.client("cloudwatch").list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    return [row["DashboardName"] for row in rows if row["DashboardName"] == name]


def _event_rule(cloud: Cloud, inputs: Inputs) -> list[str]:
    return [cloud.client("events").describe_rule(Name=inputs["name"])["Name"]]


def _scalable_target(cloud: Cloud, inputs: Inputs) -> list[str]:
    rows = cloud.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace=inputs["serviceNamespace"],
        ResourceIds=[inputs["resourceId"]],
        ScalableDimension=inputs["scalableDimension"],
    )["ScalableTargets"]
    return [row["ResourceId"] for row in rows]


def _service(cloud: Cloud, inputs: Inputs) -> list[str]:
    answer = cloud.client("ecs").describe_services(
        cluster=inputs["cluster"], services=[inputs["name"]]
    )
    return [row["serviceArn"] for row in answer["services"] if row["status"] == "ACTIVE"]


def _listener(cloud: Cloud, inputs: Inputs) -> list[str]:
    rows = cloud.pages(
        "elbv2", "describe_listeners", "Listeners", LoadBalancerArn=inputs["loadBalancerArn"]
    )
    return [row["ListenerArn"] for row in rows if row["Port"] == inputs["port"]]


def _route(cloud: Cloud, inputs: Inputs) -> list[str]:
    """A route has no id in AWS; pulumi-aws makes one of the table and the destination."""
    table, destination = inputs["routeTableId"], inputs.get("destinationCidrBlock")
    found = cloud.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    exists = any(r.get("DestinationCidrBlock") == destination for r in found[0]["Routes"])
    return [f"r-{table}{zlib.crc32(destination.encode())}"] if destination and exists else []


def _route_table_association(cloud: Cloud, inputs: Inputs) -> list[str]:
    found = cloud.client("ec2").describe_route_tables(RouteTableIds=[inputs["routeTableId"]])
    return [
        row["RouteTableAssociationId"]
        for row in found["RouteTables"][0]["Associations"]
        if row.get("SubnetId") == inputs.get("subnetId")
    ]


def _bucket(cloud: Cloud, inputs: Inputs) -> list[str]:
    cloud.client("s3").head_bucket(Bucket=inputs["bucket"])
    return [inputs["bucket"]]


def _table(cloud: Cloud, inputs: Inputs) -> list[str]:
    found = cloud.client("dynamodb").describe_table(TableName=inputs["name"])
    return [found["Table"]["TableName"]]


def _queue(cloud: Cloud, inputs: Inputs) -> list[str]:
    return [cloud.client("sqs").get_queue_url(QueueName=inputs["name"])["QueueUrl"]]


def _security_group_rule(egress: bool) -> Finder:
    """A rule by what it allows; AWS refuses a second one that allows the same."""

    def find(cloud: Cloud, inputs: Inputs) -> list[str]:
        group = [{"Name": "group-id", "Values": [inputs["securityGroupId"]]}]
        rows = cloud.pages(
            "ec2", "describe_security_group_rules", "SecurityGroupRules", Filters=group
        )
        return [
            row["SecurityGroupRuleId"]
            for row in rows
            if row["IsEgress"] is egress and _same_rule(row, inputs)
        ]

    return find


def _same_rule(row: Mapping[str, Any], inputs: Inputs) -> bool:
    other = (row.get("ReferencedGroupInfo") or {}).get("GroupId")
    return (
        row.get("CidrIpv4") == inputs.get("cidrIpv4")
        and other == inputs.get("referencedSecurityGroupId")
        and row.get("IpProtocol") == inputs.get("ipProtocol")
        and row.get("FromPort", -1) == inputs.get("fromPort", -1)
        and row.get("ToPort", -1) == inputs.get("toPort", -1)
    )


FINDERS: Mapping[str, Finder] = {
    **delivery_finders.FINDERS,
    "aws:appautoscaling/target:Target": _scalable_target,
    "aws:cloudwatch/dashboard:Dashboard": _dashboard,
    "aws:cloudwatch/eventRule:EventRule": _event_rule,
    "aws:cloudwatch/logGroup:LogGroup": _log_group,
    "aws:cloudwatch/metricAlarm:MetricAlarm": _alarm,
    "aws:dynamodb/table:Table": _table,
    "aws:ec2/eip:Eip": _tagged("describe_addresses", "Addresses", "AllocationId"),
    "aws:ec2/internetGateway:InternetGateway": _tagged(
        "describe_internet_gateways", "InternetGateways", "InternetGatewayId"
    ),
    "aws:ec2/natGateway:NatGateway": _tagged(
        "describe_nat_gateways", "NatGateways", "NatGatewayId", filters="Filter"
    ),
    "aws:ec2/route:Route": _route,
    "aws:ec2/routeTable:RouteTable": _tagged(
        "describe_route_tables", "RouteTables", "RouteTableId"
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": _route_table_association,
    "aws:ec2/securityGroup:SecurityGroup": _tagged(
        "describe_security_groups", "SecurityGroups", "GroupId"
    ),
    "aws:ec2/subnet:Subnet": _tagged("describe_subnets", "Subnets", "SubnetId"),
    "aws:ec2/vpc:Vpc": _tagged("describe_vpcs", "Vpcs", "VpcId"),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _tagged(
        "describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId"
    ),
    "aws:ecr/repository:Repository": _named(
        "ecr", "describe_repositories", "repositoryNames", "repositories", "repositoryName"
    ),
    "aws:ecs/cluster:Cluster": _named(
        "ecs", "describe_clusters", "clusters", "clusters", "clusterArn"
    ),
    "aws:ecs/service:Service": _service,
    "aws:iam/role:Role": _role,
    "aws:iam/rolePolicy:RolePolicy": _role_policy,
    "aws:lb/listener:Listener": _listener,
    "aws:lb/loadBalancer:LoadBalancer": _named(
        "elbv2", "describe_load_balancers", "Names", "LoadBalancers", "LoadBalancerArn"
    ),
    "aws:lb/targetGroup:TargetGroup": _named(
        "elbv2", "describe_target_groups", "Names", "TargetGroups", "TargetGroupArn"
    ),
    "aws:s3/bucket:Bucket": _bucket,
    "aws:sqs/queue:Queue": _queue,
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _security_group_rule(egress=True),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _security_group_rule(egress=False),
}
"""Type → how to find one. The program's other types are created again without harm:
`delivery_finders.HARMLESS` says why."""


def _untag(cloud: Cloud, inputs: Inputs) -> None:
    """Take away a tag that was pushed: tags never change, so it could not be pushed again."""
    path, _, tag = str(inputs.get("imageName", "")).rpartition(":")
    repository = path.partition("/")[2]
    if not repository:
        return
    try:
        cloud.client("ecr").batch_delete_image(
            repositoryName=repository, imageIds=[{"imageTag": tag}]
        )
    except ClientError as error:
        if error_code(error) not in ABSENT:
            raise


def _nothing(_cloud: Cloud, _inputs: Inputs) -> None:
    """Nothing stands in the way of creating it again."""


WITHDRAWALS: Mapping[str, Callable[[Cloud, Inputs], None]] = {"docker:index/image:Image": _untag}
"""Type → what must go before it can be created again."""

ABSENT = frozenset(
    {
        "404",
        "AWS.SimpleQueueService.NonExistentQueue",
        "ClusterNotFoundException",
        "InvalidGroup.NotFound",
        "InvalidRouteTableID.NotFound",
        "InvalidVpcID.NotFound",
        "ListenerNotFound",
        "LoadBalancerNotFound",
        "NoSuchEntity",
        "NoSuchHostedZone",
        "PipelineNotFoundException",
        "QueueDoesNotExist",
        "RepositoryNotFoundException",
        "ResourceNotFoundException",
        "ServiceNotFoundException",
        "TargetGroupNotFound",
    }
)
"""Error codes that say that there is none."""
