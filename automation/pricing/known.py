"""Which types of resources the rules price, and which AWS does not charge."""

from __future__ import annotations

from automation.pricing.data_rules import DATABASE, database_price
from automation.pricing.resources import Resources
from automation.pricing.table import prices_of, regions

PRICED = frozenset(
    {
        "aws:appautoscaling/policy:Policy",
        "aws:appautoscaling/target:Target",
        "aws:cloudwatch/compositeAlarm:CompositeAlarm",
        "aws:cloudwatch/dashboard:Dashboard",
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:codebuild/project:Project",
        "aws:codepipeline/pipeline:Pipeline",
        "aws:dynamodb/table:Table",
        "aws:ec2/eip:Eip",
        "aws:ec2/flowLog:FlowLog",
        "aws:ec2/natGateway:NatGateway",
        "aws:ec2/vpcEndpoint:VpcEndpoint",
        "aws:ecr/repository:Repository",
        "aws:ecs/cluster:Cluster",
        "aws:ecs/service:Service",
        "aws:ecs/taskDefinition:TaskDefinition",
        "aws:kms/key:Key",
        "aws:lb/loadBalancer:LoadBalancer",
        "aws:rds/instance:Instance",
        "aws:s3/bucket:Bucket",
        "aws:scheduler/schedule:Schedule",
        "aws:sfn/stateMachine:StateMachine",
        "aws:sqs/queue:Queue",
        "aws:wafv2/webAcl:WebAcl",
    }
)
"""Types from which a line is made."""

FREE_SERVICES = frozenset({"acm", "iam", "vpc"})
"""Public certificates, identities, and rules of security groups."""

FREE = frozenset(
    {
        "aws:appautoscaling/scheduledAction:ScheduledAction",
        "aws:cloudwatch/eventRule:EventRule",
        "aws:cloudwatch/eventTarget:EventTarget",
        "aws:cloudwatch/logResourcePolicy:LogResourcePolicy",
        "aws:codepipeline/webhook:Webhook",
        "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        "aws:ec2/internetGateway:InternetGateway",
        "aws:ec2/route:Route",
        "aws:ec2/routeTable:RouteTable",
        "aws:ec2/routeTableAssociation:RouteTableAssociation",
        "aws:ec2/securityGroup:SecurityGroup",
        "aws:ec2/subnet:Subnet",
        "aws:ec2/vpc:Vpc",
        "aws:ecr/lifecyclePolicy:LifecyclePolicy",
        "aws:ecr/repositoryPolicy:RepositoryPolicy",
        "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders",
        "aws:kms/alias:Alias",
        "aws:lb/listener:Listener",
        "aws:lb/listenerCertificate:ListenerCertificate",
        "aws:lb/listenerRule:ListenerRule",
        "aws:lb/targetGroup:TargetGroup",
        "aws:rds/subnetGroup:SubnetGroup",
        "aws:route53/record:Record",
        "aws:scheduler/scheduleGroup:ScheduleGroup",
        "aws:sns/topic:Topic",
        "aws:sns/topicPolicy:TopicPolicy",
        "aws:sns/topicSubscription:TopicSubscription",
        "aws:ssm/parameter:Parameter",
        "aws:wafv2/webAclAssociation:WebAclAssociation",
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
        "docker:index/image:Image",
        "github:index/repositoryWebhook:RepositoryWebhook",
    }
)
"""No charge of their own at this project's use: events of AWS's own services are free, and a
thousand e-mails of a topic cost 2 cents."""


def unpriced(resources: Resources) -> list[str]:
    """The types, and the classes of databases, about which nothing is known, sorted."""
    kinds = {each.type for each in resources.all if each.custom and not _known(each.type)}
    prices = prices_of(regions()[0]).prices
    classes = {
        f"{each.type} ({each.inputs.get('instanceClass')})"
        for each in resources.of(DATABASE)
        if database_price(each) not in prices
    }
    return sorted(kinds | classes)


def _known(kind: str) -> bool:
    package, _, rest = kind.partition(":")
    service = rest.partition("/")[0]
    if package == "pulumi" or (package == "aws" and service in FREE_SERVICES):
        return True
    # The parts of a bucket beside the bucket itself: policies, versioning, life cycle.
    return kind in PRICED or kind in FREE or kind.startswith("aws:s3/bucket")
