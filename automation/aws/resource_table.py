"""One table of the AWS types that adoption and the search for leftovers know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from automation.aws import resource_finders as finders
from automation.aws.resource_types import DELETED, DELETED_KEY, ResourceType, Row, Values

Same = Callable[[Row, Values], bool]


def _equal(member: str, value: str) -> Same:
    """A row is meant if one of its members is the value of an input."""
    return lambda row, inputs: bool(row[member] == inputs[value])


def _network_part(call: str, part: str, delete: str, **more: Any) -> ResourceType:
    """A part of the network, found by its tags; the call's last word is the member with its id."""
    described_by, _, identity = call.rpartition(" ")
    identity = f"{{{identity}}}"
    delete = f"ec2 {delete} {identity}"
    more = {"same": _same_place} | more
    return ResourceType(f"ec2 {described_by}", {}, identity, delete, part=part, **more)


def _same_place(row: Row, inputs: Values) -> bool:
    """Whether a part of the network is in the VPC and has the addresses that its inputs name."""
    members = {"vpcId": "VpcId", "cidrBlock": "CidrBlock"}
    pairs = [(row[member], inputs.get(name)) for name, member in members.items() if member in row]
    return all(wanted in (None, value) for value, wanted in pairs)


def _security_group_rule(egress: bool, **more: Any) -> ResourceType:
    """A rule by what it allows; AWS refuses a second one that allows the same."""
    group = {"Filters": [{"Name": "group-id", "Values": ["{securityGroupId}"]}]}
    way = "egress" if egress else "ingress"
    return ResourceType(
        "ec2 describe_security_group_rules SecurityGroupRules",
        group,
        "{SecurityGroupRuleId}",
        f"ec2 revoke-security-group-{way} --group-id {{GroupId}} "
        "--security-group-rule-ids {SecurityGroupRuleId}",
        same=lambda row, inputs: row["IsEgress"] is egress and _same_rule(row, inputs),
        **more,
    )


def _same_rule(row: Row, inputs: Values) -> bool:
    other = (row.get("ReferencedGroupInfo") or {}).get("GroupId")
    return (
        row.get("CidrIpv4") == inputs.get("cidrIpv4")
        and other == inputs.get("referencedSecurityGroupId")
        and row.get("IpProtocol") == inputs.get("ipProtocol")
        and row.get("FromPort", -1) == inputs.get("fromPort", -1)
        and row.get("ToPort", -1) == inputs.get("toPort", -1)
    )


_PARTS = {
    "aws:ec2/vpc:Vpc": _network_part("describe_vpcs Vpcs VpcId", "vpc", "delete-vpc --vpc-id"),
    "aws:ec2/subnet:Subnet": _network_part(
        "describe_subnets Subnets SubnetId", "subnet", "delete-subnet --subnet-id"
    ),
    "aws:ec2/securityGroup:SecurityGroup": _network_part(
        "describe_security_groups SecurityGroups GroupId",
        "security-group",
        "delete-security-group --group-id",
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": _security_group_rule(
        egress=False, part="security-group-rule"
    ),
    "aws:ec2/routeTable:RouteTable": _network_part(
        "describe_route_tables RouteTables RouteTableId",
        "route-table",
        "delete-route-table --route-table-id",
    ),
    "aws:ec2/internetGateway:InternetGateway": _network_part(
        "describe_internet_gateways InternetGateways InternetGatewayId",
        "internet-gateway",
        "delete-internet-gateway --internet-gateway-id",
    ),
    "aws:ec2/natGateway:NatGateway": _network_part(
        "describe_nat_gateways NatGateways NatGatewayId",
        "natgateway",
        "delete-nat-gateway --nat-gateway-id",
        gone=DELETED,
        filters="Filter",
    ),
    "aws:ec2/eip:Eip": _network_part(
        "describe_addresses Addresses AllocationId", "elastic-ip", "release-address --allocation-id"
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": _network_part(
        "describe_vpc_endpoints VpcEndpoints VpcEndpointId",
        "vpc-endpoint",
        "delete-vpc-endpoints --vpc-endpoint-ids",
        gone=DELETED,
    ),
    "aws:ec2/flowLog:FlowLog": _network_part(
        "describe_flow_logs FlowLogs FlowLogId",
        "vpc-flow-log",
        "delete-flow-logs --flow-log-ids",
        filters="Filter",
        same=lambda row, inputs: bool(row["ResourceId"] == inputs["vpcId"]),
    ),
}
"""Parts of the network that carry tags."""

TYPES: Mapping[str, ResourceType] = {
    **_PARTS,
    "aws:acm/certificate:Certificate": ResourceType(
        "acm describe_certificate Certificate",
        {"CertificateArn": "{arn}"},
        delete="acm delete-certificate --certificate-arn {arn}",
        arn=r".*:acm:.*",
        find=finders.certificate,
    ),
    "aws:appautoscaling/target:Target": ResourceType(
        "application-autoscaling describe_scalable_targets ScalableTargets",
        {
            "ServiceNamespace": "{serviceNamespace}",
            "ResourceIds": ["{resourceId}"],
            "ScalableDimension": "{scalableDimension}",
        },
        "{ResourceId}",
        "application-autoscaling deregister-scalable-target --service-namespace "
        "{ServiceNamespace} --resource-id {ResourceId} --scalable-dimension {ScalableDimension}",
    ),
    "aws:cloudwatch/dashboard:Dashboard": ResourceType(
        "cloudwatch list_dashboards DashboardEntries",
        {"DashboardNamePrefix": "{dashboardName}"},
        "{DashboardName}",
        "cloudwatch delete-dashboards --dashboard-names {DashboardName}",
        same=_equal("DashboardName", "dashboardName"),
    ),
    "aws:cloudwatch/eventRule:EventRule": ResourceType(
        "events describe_rule",
        {"Name": "{name}"},
        "{Name}",
        "events delete-rule --force --name {name} (its targets first: remove-targets)",
        arn=r".*:events:.*:rule/(?P<name>.+)",
    ),
    "aws:cloudwatch/logGroup:LogGroup": ResourceType(
        "logs describe_log_groups logGroups",
        {"logGroupNamePrefix": "{name}"},
        "{logGroupName}",
        "logs delete-log-group --log-group-name {name}",
        same=_equal("logGroupName", "name"),
    ),
    "aws:cloudwatch/metricAlarm:MetricAlarm": ResourceType(
        "cloudwatch describe_alarms MetricAlarms",
        {"AlarmNames": ["{name}"]},
        "{AlarmName}",
        "cloudwatch delete-alarms --alarm-names {name}",
        arn=r".*:cloudwatch:.*:alarm:(?P<name>.+)",
    ),
    "aws:codebuild/project:Project": ResourceType(
        "codebuild batch_get_projects projects",
        {"names": ["{name}"]},
        "{arn}",
        "codebuild delete-project --name {name}",
        arn=r".*:codebuild:.*:project/(?P<name>.+)",
    ),
    "aws:codepipeline/pipeline:Pipeline": ResourceType(
        "codepipeline get_pipeline pipeline",
        {"name": "{name}"},
        "{name}",
        "codepipeline delete-pipeline --name {name}",
        arn=r".*:codepipeline:[^:]*:[^:]*:(?P<name>[^:]+)",
    ),
    "aws:codepipeline/webhook:Webhook": ResourceType(
        "codepipeline list_webhooks webhooks",
        same=_equal("arn", "arn"),
        delete="codepipeline delete-webhook --name {name}",
        arn=r".*:codepipeline:.*:webhook:(?P<name>.+)",
    ),
    "aws:dynamodb/table:Table": ResourceType(
        "dynamodb describe_table Table",
        {"TableName": "{name}"},
        "{TableName}",
        "dynamodb delete-table --table-name {name}",
        arn=r".*:dynamodb:.*:table/(?P<name>.+)",
    ),
    "aws:ec2/route:Route": ResourceType(find=finders.route),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": ResourceType(
        find=finders.route_table_association
    ),
    "aws:ecr/repository:Repository": ResourceType(
        "ecr describe_repositories repositories",
        {"repositoryNames": ["{name}"]},
        "{repositoryName}",
        "ecr delete-repository --force --repository-name {repositoryName}",
    ),
    "aws:ecs/cluster:Cluster": ResourceType(
        "ecs describe_clusters clusters",
        {"clusters": ["{name}"]},
        "{clusterArn}",
        "ecs delete-cluster --cluster {arn}",
        gone=frozenset({"inactive"}),
    ),
    "aws:ecs/service:Service": ResourceType(
        "ecs describe_services services",
        {"cluster": "{cluster}", "services": ["{name}"]},
        "{serviceArn}",
        "ecs delete-service --force --cluster {cluster} --service {arn}",
        gone=frozenset({"draining", "inactive"}),
    ),
    "aws:iam/openIdConnectProvider:OpenIdConnectProvider": ResourceType(
        "iam list_open_id_connect_providers OpenIDConnectProviderList",
        identity="{Arn}",
        delete="iam delete-open-id-connect-provider --open-id-connect-provider-arn {arn}",
        same=lambda row, inputs: str(row["Arn"]).endswith(
            f":oidc-provider/{inputs['url'].partition('://')[2]}"
        ),
    ),
    "aws:iam/role:Role": ResourceType(
        "iam get_role Role",
        {"RoleName": "{name}"},
        "{RoleName}",
        "iam delete-role --role-name {RoleName}",
    ),
    "aws:iam/rolePolicy:RolePolicy": ResourceType(
        "iam get_role_policy",
        {"RoleName": "{role}", "PolicyName": "{name}"},
        "{RoleName}:{PolicyName}",
    ),
    "aws:kms/alias:Alias": ResourceType(
        "kms list_aliases Aliases", identity="{AliasName}", same=_equal("AliasName", "name")
    ),
    "aws:kms/key:Key": ResourceType(
        "kms describe_key KeyMetadata",
        {"KeyId": "{arn}"},
        delete="kms schedule-key-deletion --pending-window-in-days 7 --key-id {name}",
        arn=r".*:kms:.*:key/(?P<name>.+)",
        gone=DELETED_KEY,
        find=finders.key,
    ),
    "aws:lb/listener:Listener": ResourceType(
        "elbv2 describe_listeners Listeners",
        {"LoadBalancerArn": "{loadBalancerArn}"},
        "{ListenerArn}",
        "elbv2 delete-listener --listener-arn {arn}",
        same=_equal("Port", "port"),
    ),
    "aws:lb/listenerRule:ListenerRule": ResourceType(
        "elbv2 describe_rules Rules",
        {"ListenerArn": "{listenerArn}"},
        "{RuleArn}",
        "elbv2 delete-rule --rule-arn {arn}",
        same=lambda row, inputs: bool(row["Priority"] == str(inputs["priority"])),
    ),
    "aws:lb/loadBalancer:LoadBalancer": ResourceType(
        "elbv2 describe_load_balancers LoadBalancers",
        {"Names": ["{name}"]},
        "{LoadBalancerArn}",
        "elbv2 delete-load-balancer --load-balancer-arn {arn}",
    ),
    "aws:lb/targetGroup:TargetGroup": ResourceType(
        "elbv2 describe_target_groups TargetGroups",
        {"Names": ["{name}"]},
        "{TargetGroupArn}",
        "elbv2 delete-target-group --target-group-arn {arn}",
    ),
    "aws:rds/instance:Instance": ResourceType(
        "rds describe_db_instances DBInstances",
        {"DBInstanceIdentifier": "{name}"},
        delete="rds delete-db-instance --skip-final-snapshot --db-instance-identifier {name}",
        arn=r".*:rds:.*:db:(?P<name>.+)",
    ),
    "aws:rds/subnetGroup:SubnetGroup": ResourceType(
        "rds describe_db_subnet_groups DBSubnetGroups",
        {"DBSubnetGroupName": "{name}"},
        delete="rds delete-db-subnet-group --db-subnet-group-name {name}",
        arn=r".*:rds:.*:subgrp:(?P<name>.+)",
    ),
    "aws:route53/record:Record": ResourceType(find=finders.record),
    "aws:s3/bucket:Bucket": ResourceType(
        "s3 head_bucket",
        {"Bucket": "{bucket}"},
        "{bucket}",
        "s3 rb --force s3://{bucket}",
        arn=r"arn:[^:]+:s3:::(?P<bucket>.+)",
    ),
    "aws:scheduler/schedule:Schedule": ResourceType(
        "scheduler get_schedule",
        {"Name": "{name}", "GroupName": "{groupName}"},
        "{groupName}/{Name}",
    ),
    "aws:scheduler/scheduleGroup:ScheduleGroup": ResourceType(
        "scheduler get_schedule_group",
        {"Name": "{name}"},
        "{Name}",
        "scheduler delete-schedule-group --name {name}",
        arn=r".*:scheduler:.*:schedule-group/(?P<name>.+)",
        gone=DELETED,
    ),
    "aws:sfn/stateMachine:StateMachine": ResourceType(
        "stepfunctions describe_state_machine",
        {"stateMachineArn": "{arn}"},
        delete="stepfunctions delete-state-machine --state-machine-arn {arn}",
        arn=r".*:states:.*:stateMachine:.+",
        gone=DELETED,
    ),
    "aws:sns/topic:Topic": ResourceType(
        "sns get_topic_attributes",
        {"TopicArn": "{arn}"},
        delete="sns delete-topic --topic-arn {arn}",
        arn=r".*:sns:.*",
    ),
    "aws:sqs/queue:Queue": ResourceType(
        "sqs get_queue_url",
        {"QueueName": "{name}"},
        "{QueueUrl}",
        "sqs delete-queue --queue-url $(aws sqs get-queue-url --queue-name {name} --output text)",
        arn=r".*:sqs:[^:]*:[^:]*:(?P<name>.+)",
    ),
    "aws:ssm/parameter:Parameter": ResourceType(
        "ssm get_parameters Parameters",
        {"Names": ["{name}"]},
        "{Name}",
        "ssm delete-parameter --name {name}",
        arn=r".*:ssm:.*:parameter(?P<name>/.+)",
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": _security_group_rule(egress=True),
    "aws:wafv2/webAcl:WebAcl": ResourceType(
        "wafv2 get_web_acl",
        {"Name": "{name}", "Id": "{id}", "Scope": "REGIONAL"},
        delete="wafv2 delete-web-acl --scope REGIONAL --name {name} --id {id} --lock-token TOKEN "
        "(the token: aws wafv2 get-web-acl)",
        arn=r".*:wafv2:.*:regional/webacl/(?P<name>[^/]+)/(?P<id>.+)",
        find=finders.web_acl,
    ),
}
"""Pulumi's name of a type → how to find one and what deletes it."""
