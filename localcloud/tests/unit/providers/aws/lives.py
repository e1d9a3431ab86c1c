"""The lives that `test_lifecycle` plays: every row of the table has one at least."""

# ruff: noqa: ARG005 -- every life is asked with a world, whether it needs one or not

from __future__ import annotations

import json
from typing import Any

from localcloud.tests.unit.providers.aws.cases import (
    RETAGGED,
    TAGGED,
    Case,
    World,
    containers,
    expiry,
    policy,
    resource_policy,
    trust,
)

ANYWHERE = "0.0.0.0/0"


def rule(port: int) -> dict[str, Any]:
    return {
        "protocol": "tcp",
        "fromPort": port,
        "toPort": port,
        "cidrBlocks": [ANYWHERE],
        "description": f"port {port}",
    }


def single_rule(world: World) -> dict[str, Any]:
    return {
        "securityGroupId": world.group(),
        "cidrIpv4": "10.0.0.0/8",
        "ipProtocol": "tcp",
        "fromPort": 443,
        "toPort": 443,
        "description": "calls",
        **TAGGED,
    }


def schedule(world: World, expression: str) -> dict[str, Any]:
    machine_arn = "arn:aws:states:us-east-1:123456789012:stateMachine:any"
    return {
        "scheduleExpression": expression,
        "flexibleTimeWindow": {"mode": "OFF"},
        "target": {
            "arn": machine_arn,
            "roleArn": world.role(),
            "input": "{}",
            "retryPolicy": {"maximumEventAgeInSeconds": 3600, "maximumRetryAttempts": 3},
        },
    }


def machine(service: str) -> str:
    look = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:ecs:describeServices",
        "Parameters": {"Services": [service]},
        "End": True,
    }
    return json.dumps({"StartAt": "Look", "States": {"Look": look}})


def forward(arn: str) -> list[dict[str, Any]]:
    return [{"type": "forward", "targetGroupArn": arn}]


def weighted(world: World) -> list[dict[str, Any]]:
    groups = [
        {"arn": world.target_group("one"), "weight": 90},
        {"arn": world.target_group("two"), "weight": 10},
    ]
    stickiness = {"enabled": False, "duration": 60}
    return [{"type": "forward", "forward": {"targetGroups": groups, "stickiness": stickiness}}]


def visibility(name: str) -> dict[str, Any]:
    return {
        "cloudwatchMetricsEnabled": True,
        "metricName": name,
        "sampledRequestsEnabled": True,
    }


def managed_rule(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "priority": 1,
        "overrideAction": {"none": {}},
        "statement": {"managedRuleGroupStatement": {"name": name, "vendorName": "AWS"}},
        "visibilityConfig": visibility(name),
    }


def stages(token: str, branch: str = "main") -> list[dict[str, Any]]:
    source = {
        "name": "Source",
        "category": "Source",
        "owner": "ThirdParty",
        "provider": "GitHub",
        "version": "1",
        "outputArtifacts": ["source"],
        "configuration": {"Owner": "o", "Repo": "r", "Branch": branch, "OAuthToken": token},
    }
    build = {
        "name": "Build",
        "category": "Build",
        "owner": "AWS",
        "provider": "CodeBuild",
        "version": "1",
        "inputArtifacts": ["source"],
        "configuration": {"ProjectName": "p"},
    }
    return [{"name": "Source", "actions": [source]}, {"name": "Build", "actions": [build]}]


def project(world: World) -> dict[str, Any]:
    return {
        "serviceRole": world.role("codebuild.amazonaws.com"),
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "computeType": "BUILD_GENERAL1_SMALL",
            "image": "aws/codebuild/standard:7.0",
            "type": "LINUX_CONTAINER",
            "environmentVariables": [{"name": "A", "value": "b"}],
        },
        "source": {"type": "GITHUB", "location": "https://github.com/o/r"},
        "logsConfig": {"cloudwatchLogs": {"groupName": "g", "status": "ENABLED"}},
        "buildTimeout": 20,
        **TAGGED,
    }


def scaling(world: World, **more: Any) -> dict[str, Any]:
    return {
        "serviceNamespace": "ecs",
        "resourceId": world.service,
        "scalableDimension": "ecs:service:DesiredCount",
        **more,
    }


def tracking(value: float) -> dict[str, Any]:
    return {
        "targetTrackingScalingPolicyConfiguration": {
            "targetValue": value,
            "predefinedMetricSpecification": {
                "predefinedMetricType": "ECSServiceAverageCPUUtilization"
            },
            "scaleInCooldown": 300,
            "scaleOutCooldown": 60,
        }
    }


def task_definition(cpu: str, **container: Any) -> dict[str, Any]:
    return {
        "cpu": cpu,
        "memory": "512",
        "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": containers(memory=128, **container),
        "runtimePlatform": {"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"},
        "ephemeralStorage": {"sizeInGib": 21},
        **TAGGED,
    }


NETWORK = (
    Case(
        "aws:ec2/vpc:Vpc",
        lambda world: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": True, **TAGGED},
        lambda world: {"cidrBlock": "10.1.0.0/16", "enableDnsHostnames": False, **RETAGGED},
        outputs=("arn", "ownerId", "defaultSecurityGroupId", "mainRouteTableId", "tagsAll"),
    ),
    Case(
        "aws:ec2/vpc:Vpc",
        lambda world: {"cidrBlock": "10.2.0.0/16"},
        lambda world: {"cidrBlock": "10.3.0.0/16"},
        replaces=True,
    ),
    Case(
        "aws:ec2/subnet:Subnet",
        lambda world: {
            "vpcId": world.vpc,
            "cidrBlock": "10.0.100.0/24",
            "availabilityZone": "us-east-1a",
            "mapPublicIpOnLaunch": True,
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "cidrBlock": "10.0.100.0/24",
            "availabilityZone": "us-east-1a",
            "mapPublicIpOnLaunch": False,
            **RETAGGED,
        },
        outputs=("arn", "availabilityZoneId", "ownerId"),
    ),
    Case(
        "aws:ec2/internetGateway:InternetGateway",
        lambda world: {"vpcId": world.vpc, **TAGGED},
        lambda world: RETAGGED,
        outputs=("arn", "ownerId"),
    ),
    Case(
        "aws:ec2/routeTable:RouteTable",
        lambda world: {
            "vpcId": world.vpc,
            "routes": [{"cidrBlock": ANYWHERE, "gatewayId": world.gateway}],
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "routes": [{"cidrBlock": "192.168.0.0/16", "gatewayId": world.gateway}],
            **TAGGED,
        },
        outputs=("arn", "ownerId"),
    ),
    Case(
        "aws:ec2/route:Route",
        lambda world: {
            "routeTableId": world.route_table,
            "destinationCidrBlock": ANYWHERE,
            "gatewayId": world.gateway,
        },
        lambda world: {
            "routeTableId": world.route_table,
            "destinationCidrBlock": "192.168.0.0/16",
            "gatewayId": world.gateway,
        },
        replaces=True,
        outputs=("state", "origin"),
    ),
    Case(
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        lambda world: {"routeTableId": world.route_table, "subnetId": world.subnet(0)},
        lambda world: {"routeTableId": world.route_table, "subnetId": world.subnet(1)},
        replaces=True,
    ),
    Case(
        "aws:ec2/eip:Eip",
        lambda world: {"domain": "vpc", **TAGGED},
        lambda world: {"domain": "vpc", **RETAGGED},
        outputs=("allocationId", "publicIp", "arn"),
    ),
    Case(
        "aws:ec2/natGateway:NatGateway",
        lambda world: {"subnetId": world.subnet(0), "allocationId": world.address, **TAGGED},
        lambda world: {"subnetId": world.subnet(0), "allocationId": world.address, **RETAGGED},
        outputs=("publicIp", "privateIp", "networkInterfaceId"),
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.s3",
            "routeTableIds": [world.route_table],
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.s3",
            "routeTableIds": [],
            **TAGGED,
        },
        outputs=("arn", "state", "prefixListId"),
    ),
    Case(
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.ecr.api",
            "vpcEndpointType": "Interface",
            "subnetIds": [world.subnet(0), world.subnet(1)],
            "securityGroupIds": [world.group("one")],
            "privateDnsEnabled": True,
        },
        lambda world: {
            "vpcId": world.vpc,
            "serviceName": "com.amazonaws.us-east-1.ecr.api",
            "vpcEndpointType": "Interface",
            "subnetIds": [world.subnet(0), world.subnet(1)],
            "securityGroupIds": [world.group("two")],
            "privateDnsEnabled": True,
        },
    ),
    Case(
        "aws:ec2/flowLog:FlowLog",
        lambda world: {
            "vpcId": world.vpc,
            "trafficType": "ALL",
            "logDestination": world.log_group,
            "iamRoleArn": world.role("vpc-flow-logs.amazonaws.com"),
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "trafficType": "REJECT",
            "logDestination": world.log_group,
            "iamRoleArn": world.role("vpc-flow-logs.amazonaws.com"),
            **TAGGED,
        },
        replaces=True,
        outputs=("arn",),
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda world: {
            "vpcId": world.vpc,
            "description": "web",
            "ingress": [rule(80)],
            "egress": [rule(443)],
            **TAGGED,
        },
        lambda world: {
            "vpcId": world.vpc,
            "description": "web",
            "ingress": [rule(80), {**rule(9292), "cidrBlocks": [], "self": True}],
            "egress": [],
            **RETAGGED,
        },
        outputs=("arn", "ownerId", "name"),
    ),
    Case(
        "aws:ec2/securityGroup:SecurityGroup",
        lambda world: {"vpcId": world.vpc, "description": "web"},
        lambda world: {"vpcId": world.vpc, "description": "other"},
        replaces=True,
    ),
    Case(
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        lambda world: {"vpcId": world.vpc, "ingress": [], "egress": [], **TAGGED},
        lambda world: {"vpcId": world.vpc, "ingress": [rule(80)], "egress": [], **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule",
        single_rule,
        lambda world: {**single_rule(world), "description": "more calls", **RETAGGED},
        outputs=("arn", "securityGroupRuleId"),
    ),
    Case(
        "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule",
        lambda world: {
            "securityGroupId": world.group(),
            "referencedSecurityGroupId": world.group("two"),
            "ipProtocol": "tcp",
            "fromPort": 9292,
            "toPort": 9292,
        },
        lambda world: {
            "securityGroupId": world.group("two"),
            "referencedSecurityGroupId": world.group("two"),
            "ipProtocol": "tcp",
            "fromPort": 9292,
            "toPort": 9292,
        },
        replaces=True,
    ),
)

BALANCING = (
    Case(
        "aws:lb/loadBalancer:LoadBalancer",
        lambda world: {
            "internal": False,
            "subnets": [world.subnet(0), world.subnet(1)],
            "securityGroups": [world.group("one")],
            "idleTimeout": 61,
            "dropInvalidHeaderFields": True,
            **TAGGED,
        },
        lambda world: {
            "internal": False,
            "subnets": [world.subnet(0), world.subnet(1)],
            "securityGroups": [world.group("two")],
            "idleTimeout": 62,
            "dropInvalidHeaderFields": False,
            **RETAGGED,
        },
        outputs=("arn", "arnSuffix", "dnsName", "zoneId", "vpcId"),
    ),
    Case(
        "aws:lb/targetGroup:TargetGroup",
        lambda world: {
            "port": 9292,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": world.vpc,
            "deregistrationDelay": 10,
            "healthCheck": {"path": "/a", "interval": 5, "timeout": 4, "matcher": "200"},
            "stickiness": {"type": "lb_cookie", "enabled": True, "cookieDuration": 60},
            **TAGGED,
        },
        lambda world: {
            "port": 9292,
            "protocol": "HTTP",
            "targetType": "ip",
            "vpcId": world.vpc,
            "deregistrationDelay": 20,
            "healthCheck": {"path": "/b", "interval": 6, "timeout": 5, "matcher": "200-299"},
            "stickiness": {"type": "lb_cookie", "enabled": False, "cookieDuration": 60},
            **RETAGGED,
        },
        outputs=("arn", "arnSuffix"),
    ),
    Case(
        "aws:lb/targetGroup:TargetGroup",
        lambda world: {"port": 80, "protocol": "HTTP", "vpcId": world.vpc},
        lambda world: {"port": 81, "protocol": "HTTP", "vpcId": world.vpc},
        replaces=True,
    ),
    Case(
        "aws:lb/listener:Listener",
        lambda world: {
            "loadBalancerArn": world.load_balancer,
            "port": 8080,
            "protocol": "HTTP",
            "defaultActions": forward(world.target_group()),
            **TAGGED,
        },
        lambda world: {
            "loadBalancerArn": world.load_balancer,
            "port": 8081,
            "protocol": "HTTP",
            "defaultActions": [
                {
                    "type": "redirect",
                    "redirect": {"port": "443", "protocol": "HTTPS", "statusCode": "HTTP_301"},
                }
            ],
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:lb/listenerRule:ListenerRule",
        lambda world: {
            "listenerArn": world.listener,
            "priority": 10,
            "actions": forward(world.target_group()),
            "conditions": [
                {"pathPattern": {"values": ["/a/*"]}},
                {"hostHeader": {"values": ["a.example.com"]}},
            ],
            **TAGGED,
        },
        lambda world: {
            "listenerArn": world.listener,
            "priority": 11,
            "actions": weighted(world),
            "conditions": [
                {"httpHeader": {"httpHeaderName": "X-A", "values": ["b"]}},
                {"queryStrings": [{"key": "q", "value": "1"}]},
                {"sourceIp": {"values": ["10.0.0.0/8"]}},
            ],
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:lb/listenerCertificate:ListenerCertificate",
        lambda world: {"listenerArn": world.listener, "certificateArn": world.certificate("a")},
        lambda world: {"listenerArn": world.listener, "certificateArn": world.certificate("b")},
        replaces=True,
    ),
)

CONTAINERS = (
    Case(
        "aws:ecr/repository:Repository",
        lambda world: {
            "imageTagMutability": "IMMUTABLE",
            "imageScanningConfiguration": {"scanOnPush": True},
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "forceDelete": True,
            **TAGGED,
        },
        lambda world: {
            "imageTagMutability": "MUTABLE",
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfigurations": [{"encryptionType": "AES256"}],
            "forceDelete": True,
            **RETAGGED,
        },
        outputs=("arn", "registryId", "repositoryUrl"),
    ),
    Case(
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        lambda world: {"repository": world.repository, "policy": expiry(1)},
        lambda world: {"repository": world.repository, "policy": expiry(2)},
        outputs=("registryId",),
    ),
    Case(
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        lambda world: {
            "repository": world.repository,
            "policy": resource_policy("*").replace("sns:Publish", "ecr:BatchGetImage"),
        },
        lambda world: {
            "repository": world.repository,
            "policy": resource_policy("*").replace("sns:Publish", "ecr:GetDownloadUrlForLayer"),
        },
    ),
    Case(
        "aws:ecs/cluster:Cluster",
        lambda world: {"settings": [{"name": "containerInsights", "value": "disabled"}], **TAGGED},
        lambda world: {"settings": [{"name": "containerInsights", "value": "enabled"}], **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        lambda world: {
            "clusterName": world.cluster.rpartition("/")[2],
            "capacityProviders": ["FARGATE", "FARGATE_SPOT"],
            "defaultCapacityProviderStrategies": [{"capacityProvider": "FARGATE", "weight": 1}],
        },
        lambda world: {
            "clusterName": world.cluster.rpartition("/")[2],
            "capacityProviders": ["FARGATE"],
            "defaultCapacityProviderStrategies": [],
        },
    ),
    Case(
        "aws:ecs/taskDefinition:TaskDefinition",
        lambda world: {"family": world.name, **task_definition("256")},
        lambda world: {"family": world.name, **task_definition("512")},
        replaces=True,
        outputs=("arn", "arnWithoutRevision", "revision"),
        imports=lambda outputs: str(outputs["arn"]),
    ),
    Case(
        "aws:ecs/service:Service",
        lambda world: {
            "cluster": world.cluster,
            "taskDefinition": world.task_definition(),
            "desiredCount": 1,
            "launchType": "FARGATE",
            "networkConfiguration": {
                "subnets": [world.subnet(0), world.subnet(1)],
                "securityGroups": [world.group()],
                "assignPublicIp": True,
            },
            "loadBalancers": [
                {
                    "targetGroupArn": world.target_group(),
                    "containerName": "app",
                    "containerPort": 80,
                }
            ],
            **TAGGED,
        },
        lambda world: {
            "cluster": world.cluster,
            "taskDefinition": world.task_definition("512"),
            "desiredCount": 2,
            "launchType": "FARGATE",
            "networkConfiguration": {
                "subnets": [world.subnet(0), world.subnet(1)],
                "securityGroups": [world.group()],
                "assignPublicIp": True,
            },
            "loadBalancers": [
                {
                    "targetGroupArn": world.target_group(),
                    "containerName": "app",
                    "containerPort": 80,
                }
            ],
            **RETAGGED,
        },
        outputs=("arn", "name"),
        imports=lambda outputs: f"{outputs['cluster'].rpartition('/')[2]}/{outputs['name']}",
    ),
    Case(
        "aws:appautoscaling/target:Target",
        lambda world: scaling(world, minCapacity=1, maxCapacity=4, **TAGGED),
        lambda world: scaling(world, minCapacity=2, maxCapacity=5, **TAGGED),
        outputs=("arn", "resourceId"),
        imports=lambda outputs: f"ecs/{outputs['resourceId']}/ecs:service:DesiredCount",
    ),
    Case(
        "aws:appautoscaling/policy:Policy",
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "policyType": "TargetTrackingScaling",
            **tracking(60),
        },
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "policyType": "TargetTrackingScaling",
            **tracking(70.5),
        },
        outputs=("arn",),
        imports=lambda outputs: (
            f"ecs/{outputs['resourceId']}/ecs:service:DesiredCount/{outputs['name']}"
        ),
    ),
    Case(
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "schedule": "cron(0 20 * * ? *)",
            "scalableTargetAction": {"minCapacity": 0, "maxCapacity": 0},
        },
        lambda world: {
            "serviceNamespace": "ecs",
            "resourceId": world.target,
            "scalableDimension": "ecs:service:DesiredCount",
            "schedule": "cron(0 21 * * ? *)",
            "scalableTargetAction": {"minCapacity": 1, "maxCapacity": 1},
        },
        outputs=("arn",),
    ),
)

WATCHING = (
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 30, **TAGGED},
        lambda world: {"retentionInDays": 0, **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 30},
        lambda world: {"retentionInDays": 30, "kmsKeyId": world.key_arn()},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:cloudwatch/logGroup:LogGroup",
        lambda world: {"retentionInDays": 30, "kmsKeyId": world.key_arn()},
        lambda world: {"retentionInDays": 30},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1.5,
            "metricName": "m",
            "namespace": "n",
            "period": 60,
            "statistic": "Sum",
            "dimensions": {"A": "b"},
            "alarmActions": [world.topic],
            **TAGGED,
        },
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 2,
            "threshold": 2,
            "metricName": "m",
            "namespace": "n",
            "period": 60,
            "statistic": "Sum",
            "dimensions": {"A": "c"},
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1,
            "metricQueries": [
                {"id": "e1", "expression": "m1/2", "label": "half", "returnData": True},
                {
                    "id": "m1",
                    "metric": {
                        "metricName": "m",
                        "namespace": "n",
                        "period": 60,
                        "stat": "Sum",
                        "dimensions": {"A": "b"},
                    },
                },
            ],
        },
        lambda world: {
            "comparisonOperator": "GreaterThanThreshold",
            "evaluationPeriods": 1,
            "threshold": 1,
            "metricQueries": [
                {"id": "e1", "expression": "m1/3", "label": "third", "returnData": True},
                {
                    "id": "m1",
                    "metric": {"metricName": "m", "namespace": "n", "period": 60, "stat": "Sum"},
                },
            ],
        },
    ),
    Case(
        "aws:cloudwatch/dashboard:Dashboard",
        lambda world: {"dashboardName": world.name, "dashboardBody": '{"widgets": []}'},
        lambda world: {"dashboardName": world.name, "dashboardBody": '{"widgets": [], "a": 1}'},
        outputs=("dashboardArn",),
    ),
    Case(
        "aws:sqs/queue:Queue",
        lambda world: {"visibilityTimeoutSeconds": 60, "messageRetentionSeconds": 600, **TAGGED},
        lambda world: {"visibilityTimeoutSeconds": 90, "receiveWaitTimeSeconds": 20, **RETAGGED},
        outputs=("arn", "name", "url"),
    ),
    Case(
        "aws:rds/subnetGroup:SubnetGroup",
        lambda world: {"subnetIds": [world.subnet(0), world.subnet(1)], **TAGGED},
        lambda world: {"subnetIds": [world.subnet(0), world.subnet(1)], **RETAGGED},
        outputs=("arn", "name", "vpcId"),
    ),
    Case(
        "aws:rds/instance:Instance",
        lambda world: {
            "engine": "postgres",
            "engineVersion": "16",
            "instanceClass": "db.t4g.micro",
            "allocatedStorage": 20,
            "storageType": "gp3",
            "storageEncrypted": True,
            "dbName": "shop",
            "username": "shop",
            "manageMasterUserPassword": True,
            "vpcSecurityGroupIds": [world.group()],
            "skipFinalSnapshot": True,
            **TAGGED,
        },
        lambda world: {
            "engine": "postgres",
            "engineVersion": "16",
            "instanceClass": "db.t4g.small",
            "allocatedStorage": 30,
            "storageType": "gp3",
            "storageEncrypted": True,
            "dbName": "shop",
            "username": "shop",
            "manageMasterUserPassword": True,
            "vpcSecurityGroupIds": [world.group()],
            "backupRetentionPeriod": 7,
            "skipFinalSnapshot": True,
            **RETAGGED,
        },
        outputs=("address", "arn", "endpoint", "masterUserSecrets", "port"),
    ),
    Case(
        "aws:dynamodb/table:Table",
        lambda world: {
            "attributes": [{"name": "id", "type": "S"}, {"name": "at", "type": "N"}],
            "hashKey": "id",
            "rangeKey": "at",
            "billingMode": "PAY_PER_REQUEST",
            "ttl": {"attributeName": "until", "enabled": True},
            **TAGGED,
        },
        lambda world: {
            "attributes": [{"name": "id", "type": "S"}, {"name": "at", "type": "N"}],
            "hashKey": "id",
            "rangeKey": "at",
            "billingMode": "PROVISIONED",
            "readCapacity": 2,
            "writeCapacity": 1,
            "ttl": {"attributeName": "until", "enabled": True},
            "pointInTimeRecovery": {"enabled": True},
            **RETAGGED,
        },
        outputs=("arn", "name"),
    ),
    Case(
        "aws:sns/topic:Topic",
        lambda world: {"displayName": "one", **TAGGED},
        lambda world: {"displayName": "two", **RETAGGED},
        outputs=("arn", "name", "owner"),
    ),
    Case(
        "aws:sns/topicPolicy:TopicPolicy",
        lambda world: {"arn": world.topic, "policy": resource_policy(world.topic)},
        lambda world: {
            "arn": world.topic,
            "policy": resource_policy(world.topic, "codestar-notifications.amazonaws.com"),
        },
        outputs=("owner",),
    ),
    Case(
        "aws:sns/topicSubscription:TopicSubscription",
        lambda world: {"topic": world.topic, "protocol": "email", "endpoint": "a@example.com"},
        lambda world: {"topic": world.topic, "protocol": "email", "endpoint": "b@example.com"},
        replaces=True,
        outputs=("arn",),
    ),
    Case(
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        lambda world: {**TAGGED},
        lambda world: {**RETAGGED},
        outputs=("arn", "state"),
    ),
    Case(
        "aws:scheduler/schedule:Schedule",
        lambda world: schedule(world, "cron(0 3 * * ? *)"),
        lambda world: {**schedule(world, "rate(1 hour)"), "state": "DISABLED"},
        outputs=("arn",),
    ),
    Case(
        "aws:sfn/stateMachine:StateMachine",
        lambda world: {"definition": machine("one"), "roleArn": world.role(), **TAGGED},
        lambda world: {"definition": machine("two"), "roleArn": world.role(), **RETAGGED},
        outputs=("arn", "status"),
    ),
    Case(
        "aws:cloudwatch/eventRule:EventRule",
        lambda world: {"eventPattern": '{"source": ["aws.ecs"]}', **TAGGED},
        lambda world: {
            "eventPattern": '{"source": ["aws.ecr"]}',
            "state": "DISABLED",
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:cloudwatch/eventTarget:EventTarget",
        lambda world: {
            "rule": world.rule,
            "arn": world.topic,
            "inputTransformer": {"inputPaths": {"a": "$.detail"}, "inputTemplate": '"<a>"'},
        },
        lambda world: {"rule": world.rule, "arn": world.topic, "input": '{"a": 1}'},
        imports=lambda outputs: f"default/{outputs['rule']}/{outputs['targetId']}",
    ),
)

SECURITY = (
    Case(
        "aws:iam/role:Role",
        lambda world: {
            "assumeRolePolicy": trust("ecs-tasks.amazonaws.com"),
            "description": "one",
            **TAGGED,
        },
        lambda world: {
            "assumeRolePolicy": trust("codebuild.amazonaws.com"),
            "description": "two",
            "managedPolicyArns": [world.managed_policy],
            **RETAGGED,
        },
        outputs=("arn", "uniqueId", "name"),
    ),
    Case(
        "aws:iam/rolePolicy:RolePolicy",
        lambda world: {"role": world.role_name, "policy": policy("arn:aws:s3:::a")},
        lambda world: {"role": world.role_name, "policy": policy("arn:aws:s3:::b")},
    ),
    Case(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        lambda world: {"role": world.role_name, "policyArn": world.managed_policy},
        lambda world: {
            "role": world.role("codebuild.amazonaws.com").rpartition("/")[2],
            "policyArn": world.managed_policy,
        },
        replaces=True,
    ),
    Case(
        "aws:iam/policy:Policy",
        lambda world: {"policy": policy("arn:aws:s3:::a"), **TAGGED},
        lambda world: {"policy": policy("arn:aws:s3:::b"), **RETAGGED},
        outputs=("arn", "policyId"),
    ),
    Case(
        "aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        lambda world: {
            "url": f"https://{world.name}.example.com",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["0" * 40],
            **TAGGED,
        },
        lambda world: {
            "url": f"https://{world.name}.example.com",
            "clientIdLists": ["sts.amazonaws.com"],
            "thumbprintLists": ["1" * 40],
            **RETAGGED,
        },
        outputs=("arn",),
    ),
    Case(
        "aws:kms/key:Key",
        lambda world: {"description": "one", "enableKeyRotation": True, **TAGGED},
        lambda world: {"description": "two", "enableKeyRotation": False, **RETAGGED},
        outputs=("arn", "keyId"),
    ),
    Case(
        "aws:kms/alias:Alias",
        lambda world: {"name": f"alias/{world.name}", "targetKeyId": world.key("one")},
        lambda world: {"name": f"alias/{world.name}", "targetKeyId": world.key("two")},
        outputs=("arn", "targetKeyArn"),
    ),
    Case(
        "aws:secretsmanager/secret:Secret",
        lambda world: {"description": "one", "recoveryWindowInDays": 0, **TAGGED},
        lambda world: {"description": "two", "recoveryWindowInDays": 0, **RETAGGED},
        outputs=("arn", "name"),
    ),
    Case(
        "aws:secretsmanager/secretVersion:SecretVersion",
        lambda world: {"secretId": world.secret, "secretString": "one"},
        lambda world: {"secretId": world.secret, "secretString": "two"},
        replaces=True,
        outputs=("arn", "versionId"),
    ),
    Case(
        "aws:ssm/parameter:Parameter",
        lambda world: {"type": "String", "value": "one", **TAGGED},
        lambda world: {"type": "String", "value": "two", **RETAGGED},
        outputs=("arn", "version"),
    ),
    Case(
        "aws:acm/certificate:Certificate",
        lambda world: {
            "domainName": "app.example.com",
            "subjectAlternativeNames": ["www.example.com"],
            "validationMethod": "DNS",
            **TAGGED,
        },
        lambda world: {"domainName": "www.example.com", "validationMethod": "DNS", **TAGGED},
        replaces=True,
        outputs=("arn", "domainValidationOptions", "status"),
    ),
    Case(
        "aws:route53/zone:Zone",
        lambda world: {"name": f"{world.name}.com", **TAGGED},
        lambda world: {"name": f"{world.name}.com", **RETAGGED},
        outputs=("arn", "zoneId", "nameServers"),
    ),
    Case(
        "aws:route53/record:Record",
        lambda world: {
            "zoneId": world.zone,
            "name": "app",
            "type": "A",
            "ttl": 60,
            "records": ["10.0.0.1"],
        },
        lambda world: {
            "zoneId": world.zone,
            "name": "app",
            "type": "A",
            "aliases": [{"name": "lb.example.net", "zoneId": "Z1", "evaluateTargetHealth": False}],
        },
        outputs=("fqdn",),
    ),
    Case(
        "aws:wafv2/webAcl:WebAcl",
        lambda world: {
            "scope": "REGIONAL",
            "defaultAction": {"allow": {}},
            "visibilityConfig": visibility("one"),
            "rules": [managed_rule("AWSManagedRulesCommonRuleSet")],
            **TAGGED,
        },
        lambda world: {
            "scope": "REGIONAL",
            "defaultAction": {"block": {}},
            "visibilityConfig": visibility("two"),
            "rules": [managed_rule("AWSManagedRulesKnownBadInputsRuleSet")],
            **RETAGGED,
        },
        outputs=("arn", "capacity"),
        imports=lambda outputs: f"{outputs['id']}/{outputs['name']}/REGIONAL",
    ),
    Case(
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        lambda world: {"resourceArn": world.load_balancer, "webAclArn": world.web_acl},
    ),
)

STORAGE = (
    Case(
        "aws:s3/bucket:Bucket",
        lambda world: {"forceDestroy": True, **TAGGED},
        lambda world: {"forceDestroy": True, **RETAGGED},
        outputs=("arn", "bucket", "bucketRegionalDomainName"),
    ),
    Case(
        "aws:s3/bucketVersioning:BucketVersioning",
        lambda world: {
            "bucket": world.bucket,
            "versioningConfiguration": {"status": "Enabled"},
        },
        lambda world: {
            "bucket": world.bucket,
            "versioningConfiguration": {"status": "Suspended"},
        },
    ),
    Case(
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
        lambda world: {"bucket": world.bucket, "blockPublicAcls": True},
        lambda world: {
            "bucket": world.bucket,
            "blockPublicAcls": True,
            "restrictPublicBuckets": True,
        },
    ),
    Case(
        "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
        lambda world: {
            "bucket": world.bucket,
            "rule": {"objectOwnership": "BucketOwnerEnforced"},
        },
        lambda world: {
            "bucket": world.bucket,
            "rule": {"objectOwnership": "BucketOwnerPreferred"},
        },
    ),
    Case(
        "aws:s3/bucketPolicy:BucketPolicy",
        lambda world: {
            "bucket": world.bucket,
            "policy": resource_policy(f"arn:aws:s3:::{world.bucket}/*").replace(
                "sns:Publish", "s3:GetObject"
            ),
        },
        lambda world: {
            "bucket": world.bucket,
            "policy": resource_policy(f"arn:aws:s3:::{world.bucket}/*").replace(
                "sns:Publish", "s3:PutObject"
            ),
        },
    ),
    Case(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
        lambda world: {
            "bucket": world.bucket,
            "rules": [{"applyServerSideEncryptionByDefault": {"sseAlgorithm": "AES256"}}],
        },
        lambda world: {
            "bucket": world.bucket,
            "rules": [
                {
                    "applyServerSideEncryptionByDefault": {
                        "sseAlgorithm": "aws:kms",
                        "kmsMasterKeyId": world.key(),
                    },
                    "bucketKeyEnabled": True,
                }
            ],
        },
    ),
    Case(
        "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
        lambda world: {
            "bucket": world.bucket,
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "expiration": {"days": 30},
                    "abortIncompleteMultipartUpload": {"daysAfterInitiation": 1},
                }
            ],
        },
        lambda world: {
            "bucket": world.bucket,
            "rules": [
                {
                    "id": "old",
                    "status": "Enabled",
                    "filter": {"prefix": "source/"},
                    "noncurrentVersionExpiration": {"noncurrentDays": 7},
                }
            ],
        },
    ),
)

DELIVERY = (
    Case(
        "aws:codebuild/project:Project",
        project,
        lambda world: {**project(world), "name": f"{world.name}-2"},
        replaces=True,
        outputs=("arn", "name"),
    ),
    Case(
        "aws:codepipeline/pipeline:Pipeline",
        lambda world: {
            "roleArn": world.role("codepipeline.amazonaws.com"),
            "pipelineType": "V2",
            "artifactStores": [{"location": "bucket", "type": "S3"}],
            "stages": stages("token"),
            **TAGGED,
        },
        lambda world: {
            "roleArn": world.role("codepipeline.amazonaws.com"),
            "pipelineType": "V2",
            "artifactStores": [{"location": "bucket", "type": "S3"}],
            "stages": stages("token", branch="trunk"),
            **RETAGGED,
        },
        outputs=("arn", "name"),
    ),
)

LIVES: tuple[Case, ...] = (
    *NETWORK,
    *BALANCING,
    *CONTAINERS,
    *WATCHING,
    *SECURITY,
    *STORAGE,
    *DELIVERY,
)

# What the emulator has no answer to; the services of our own that answer it have their own tests.
# Their rows are tested against the models, and against those services in `tests/containers`.
WITHOUT_EMULATOR = {
    "aws:acm/certificateValidation:CertificateValidation": (
        "it needs a record that another resource makes"
    ),
    "aws:codepipeline/webhook:Webhook": "moto has no webhooks",
    "aws:codestarconnections/connection:Connection": "moto has no connections",
    "aws:codeconnections/connection:Connection": "moto has no connections",
}
