"""Which resources an operation touches: one row for each resource that AWS checks.

A row is `template of an ARN's last part: operations`. An operation in several rows needs all of
them allowed. The rest of the ARN (`arn:aws:SERVICE:REGION:ACCOUNT:`) is `PREFIXES`.

    {path}          the value at that path of the call's input; `a.b`, lists as `a[]`
    {one|other}     the first that is there
    {path=default}  where the input has none
    {path!name}     through a function of `resolvers.RESOLVERS`
    arn:…           a template that is a whole ARN
    *               the action is checked on `*`

A last value that is a whole ARN is the resource itself. A path without value and default drops
the row for that call. Operations whose actions have no resource type in the service
authorization reference need no row; `tests/unit` compares this table with that reference.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/
"""

from __future__ import annotations

from localcloud.iam.delivery_resources import (
    APPLICATION_AUTO_SCALING,
    CLOUDWATCH,
    CODEBUILD,
    CODECONNECTIONS,
    CODEPIPELINE,
    EVENTS,
    SNS,
    SQS,
    Rows,
)

PREFIXES: dict[str, str] = {
    "iam": "arn:aws:iam::{account}:",
    "sts": "arn:aws:iam::{account}:",
    "s3": "arn:aws:s3:::",
    "route53": "arn:aws:route53:::",
    "elbv2": "arn:aws:elasticloadbalancing:{region}:{account}:",
    "stepfunctions": "arn:aws:states:{region}:{account}:",
}
"""Services whose ARNs do not begin with `arn:aws:SERVICE:{region}:{account}:`."""

ECS: Rows = {
    "cluster/{clusterName=default}": "CreateCluster",
    "cluster/{cluster=default}": """
        DeleteCluster UpdateCluster UpdateClusterSettings PutClusterCapacityProviders
        ListAttributes ListContainerInstances ExecuteCommand""",
    "cluster/{clusters[]=default}": "DescribeClusters",
    "capacity-provider/{capacityProviders[]=*}": "DescribeCapacityProviders",
    "service/{cluster=default!name}/{serviceName}": "CreateService",
    "service/{cluster=default!name}/{service}": """
        UpdateService DeleteService ListServiceDeployments""",
    "service/{cluster=default!name}/{services[]}": "DescribeServices",
    "{serviceDeploymentArns[]!service_of_deployment}": "DescribeServiceDeployments",
    "{serviceRevisionArns[]!service_of_deployment}": "DescribeServiceRevisions",
    "{serviceDeploymentArn!service_of_deployment}": """
        StopServiceDeployment ContinueServiceDeployment""",
    "{serviceDeploymentArns[]}": "DescribeServiceDeployments",
    "{serviceRevisionArns[]}": "DescribeServiceRevisions",
    "{serviceDeploymentArn}": "StopServiceDeployment ContinueServiceDeployment",
    "task/{cluster=default!name}/{task}": "StopTask ExecuteCommand",
    "task/{cluster=default!name}/{tasks[]}": """
        DescribeTasks GetTaskProtection UpdateTaskProtection""",
    "container-instance/{cluster=default!name}/{containerInstance=*}": "ListTasks",
    "task-definition/{family}:*": "RegisterTaskDefinition",
    "task-definition/{taskDefinition!task_definition}": "RunTask",
    "task-definition/{taskDefinitions[]!task_definition}": "DeleteTaskDefinitions",
    "{resourceArn}": "TagResource UntagResource ListTagsForResource",
}

ECR: Rows = {
    "repository/{repositoryName}": """
        BatchCheckLayerAvailability BatchDeleteImage BatchGetImage CompleteLayerUpload
        CreateRepository DeleteLifecyclePolicy DeleteRepository DeleteRepositoryPolicy
        DescribeImageReplicationStatus DescribeImageScanFindings DescribeImages
        GetDownloadUrlForLayer GetLifecyclePolicy GetLifecyclePolicyPreview GetRepositoryPolicy
        InitiateLayerUpload ListImages PutImage PutImageScanningConfiguration
        PutImageTagMutability PutLifecyclePolicy SetRepositoryPolicy StartImageScan
        StartLifecyclePolicyPreview UploadLayerPart""",
    "repository/{repositoryNames[]=*}": """
        DescribeRepositories BatchGetRepositoryScanningConfiguration""",
    "{resourceArn}": "ListTagsForResource TagResource UntagResource",
}

ELBV2: Rows = {
    "loadbalancer/{Type=application!load_balancer_kind}/{Name}/*": "CreateLoadBalancer",
    "targetgroup/{Name}/*": "CreateTargetGroup",
    "{LoadBalancerArn}": """
        CreateListener DeleteLoadBalancer ModifyLoadBalancerAttributes SetIpAddressType
        SetSecurityGroups SetSubnets""",
    "{ListenerArn}": """
        AddListenerCertificates CreateRule DeleteListener ModifyListener
        ModifyListenerAttributes RemoveListenerCertificates""",
    "{RuleArn}": "DeleteRule ModifyRule",
    "{RulePriorities[].RuleArn}": "SetRulePriorities",
    "{TargetGroupArn}": """
        DeleteTargetGroup DeregisterTargets ModifyTargetGroup ModifyTargetGroupAttributes
        RegisterTargets""",
    "{ResourceArns[]}": "AddTags RemoveTags",
}

LOGS: Rows = {
    # A log group's calls are checked on its streams, so that a policy names `GROUP:*`:
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html
    "log-group:{logGroupName|logGroupIdentifier|resourceIdentifier!log_group}:log-stream:": """
        AssociateKmsKey CreateLogGroup DeleteDataProtectionPolicy DeleteLogGroup
        DeleteMetricFilter DeleteRetentionPolicy DeleteSubscriptionFilter DescribeLogStreams
        DescribeMetricFilters DescribeSubscriptionFilters DisassociateKmsKey FilterLogEvents
        GetDataProtectionPolicy GetLogGroupFields ListTagsLogGroup PutDataProtectionPolicy
        PutLogGroupDeletionProtection PutMetricFilter PutRetentionPolicy PutSubscriptionFilter
        TagLogGroup UntagLogGroup CreateExportTask""",
    "log-group:{logGroupName|logGroupNames[]|logGroupIdentifiers[]!log_group}:log-stream:": """
        StartQuery StartLiveTail""",
    "log-group:*:log-stream:": "GetQueryResults GetLogRecord",
    "log-group:{logGroupName|logGroupIdentifier!log_group}:log-stream:{logStreamName}": """
        CreateLogStream DeleteLogStream GetLogEvents PutLogEvents""",
    "{resourceArn}": "ListTagsForResource TagResource UntagResource",
}

IAM: Rows = {
    "role{Path=/}{RoleName}": "CreateRole",
    "role/{RoleName!role}": """
        AttachRolePolicy DeleteRole DeleteRolePermissionsBoundary DeleteRolePolicy
        DetachRolePolicy GetRole GetRolePolicy ListAttachedRolePolicies
        ListInstanceProfilesForRole ListRolePolicies ListRoleTags PutRolePermissionsBoundary
        PutRolePolicy TagRole UntagRole UpdateAssumeRolePolicy UpdateRole
        UpdateRoleDescription DeleteServiceLinkedRole""",
    "role/aws-service-role/{AWSServiceName}/*": "CreateServiceLinkedRole",
    "role/*": "GetServiceLinkedRoleDeletionStatus",
    "user{Path=/}{UserName}": "CreateUser",
    "user/{UserName!user}": """
        AttachUserPolicy CreateAccessKey CreateLoginProfile DeactivateMFADevice
        DeleteAccessKey DeleteLoginProfile DeleteUser DeleteUserPermissionsBoundary
        DeleteUserPolicy DetachUserPolicy EnableMFADevice GetLoginProfile GetUser GetUserPolicy
        ListAccessKeys ListAttachedUserPolicies ListGroupsForUser ListMFADevices
        ListUserPolicies ListUserTags PutUserPermissionsBoundary PutUserPolicy TagUser UntagUser
        UpdateAccessKey UpdateLoginProfile UpdateUser""",
    "user/*": "GetAccessKeyLastUsed",
    "group{Path=/}{GroupName}": "CreateGroup",
    "group/{GroupName!group}": """
        AddUserToGroup AttachGroupPolicy DeleteGroup DeleteGroupPolicy DetachGroupPolicy GetGroup
        GetGroupPolicy ListAttachedGroupPolicies ListGroupPolicies PutGroupPolicy
        RemoveUserFromGroup UpdateGroup""",
    "policy{Path=/}{PolicyName}": "CreatePolicy",
    "{PolicyArn}": """
        CreatePolicyVersion DeletePolicy DeletePolicyVersion GetPolicy GetPolicyVersion
        ListEntitiesForPolicy ListPolicyTags ListPolicyVersions SetDefaultPolicyVersion TagPolicy
        UntagPolicy""",
    "instance-profile{Path=/}{InstanceProfileName}": "CreateInstanceProfile",
    "instance-profile/{InstanceProfileName}": """
        AddRoleToInstanceProfile DeleteInstanceProfile GetInstanceProfile
        ListInstanceProfileTags RemoveRoleFromInstanceProfile TagInstanceProfile
        UntagInstanceProfile""",
    "oidc-provider/{Url!without_scheme}": "CreateOpenIDConnectProvider",
    "{OpenIDConnectProviderArn}": """
        AddClientIDToOpenIDConnectProvider DeleteOpenIDConnectProvider GetOpenIDConnectProvider
        ListOpenIDConnectProviderTags RemoveClientIDFromOpenIDConnectProvider
        TagOpenIDConnectProvider UntagOpenIDConnectProvider
        UpdateOpenIDConnectProviderThumbprint""",
    "server-certificate/{ServerCertificateName}": """
        DeleteServerCertificate GetServerCertificate ListServerCertificateTags
        TagServerCertificate UntagServerCertificate UpdateServerCertificate
        UploadServerCertificate""",
    "{PolicySourceArn}": "SimulatePrincipalPolicy GetContextKeysForPrincipalPolicy",
}

STS: Rows = {
    "{RoleArn}": "AssumeRole AssumeRoleWithSAML AssumeRoleWithWebIdentity",
}

S3: Rows = {
    "{Bucket}": """
        CreateBucket DeleteBucket DeleteBucketPolicy DeleteBucketWebsite GetBucketAcl
        GetBucketCors GetBucketLocation GetBucketLogging GetBucketNotification
        GetBucketOwnershipControls GetBucketPolicy GetBucketPolicyStatus GetBucketRequestPayment
        GetBucketTagging GetBucketVersioning GetBucketWebsite PutBucketAcl PutBucketCors
        PutBucketLogging PutBucketNotification PutBucketOwnershipControls PutBucketPolicy
        PutBucketRequestPayment PutBucketTagging PutBucketVersioning PutBucketWebsite HeadBucket
        ListObjects ListObjectsV2 ListObjectVersions ListMultipartUploads DeleteBucketCors
        DeleteBucketEncryption DeleteBucketLifecycle DeleteBucketOwnershipControls
        DeleteBucketReplication DeleteBucketTagging DeletePublicAccessBlock
        GetBucketAccelerateConfiguration GetBucketEncryption GetBucketLifecycleConfiguration
        GetBucketLifecycle GetBucketNotificationConfiguration GetBucketReplication
        GetObjectLockConfiguration GetPublicAccessBlock PutBucketAccelerateConfiguration
        PutBucketEncryption PutBucketLifecycleConfiguration PutBucketLifecycle
        PutBucketNotificationConfiguration PutBucketReplication PutObjectLockConfiguration
        PutPublicAccessBlock""",
    "{Bucket}/{Key}": """
        AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload DeleteObject
        DeleteObjectTagging GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold
        GetObjectRetention GetObjectTagging HeadObject ListParts PutObject PutObjectAcl
        PutObjectLegalHold PutObjectRetention PutObjectTagging RestoreObject UploadPart
        UploadPartCopy SelectObjectContent""",
    "{Bucket}/{Delete.Objects[].Key}": "DeleteObjects",
}

KMS: Rows = {
    "key/{KeyId!key}": """
        CancelKeyDeletion CreateGrant DeleteImportedKeyMaterial DescribeKey DisableKey
        DisableKeyRotation EnableKey EnableKeyRotation Encrypt GenerateDataKey GenerateDataKeyPair
        GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac
        GetKeyPolicy GetKeyRotationStatus GetParametersForImport GetPublicKey ImportKeyMaterial
        ListGrants ListKeyPolicies ListKeyRotations ListResourceTags PutKeyPolicy RetireGrant
        RevokeGrant RotateKeyOnDemand ScheduleKeyDeletion Sign TagResource UntagResource
        UpdateKeyDescription Verify VerifyMac""",
    "key/{KeyId|CiphertextBlob!key_of_ciphertext}": "Decrypt",
    "{AliasName}": "CreateAlias DeleteAlias UpdateAlias",
    "key/{TargetKeyId!key}": "CreateAlias UpdateAlias",
    "key/{AliasName!key}": "DeleteAlias",
}

SECRETS_MANAGER: Rows = {
    "secret:{Name}-??????": "CreateSecret",
    "secret:{SecretId!secret}": """
        CancelRotateSecret DeleteResourcePolicy DeleteSecret DescribeSecret GetResourcePolicy
        GetSecretValue ListSecretVersionIds PutResourcePolicy PutSecretValue RestoreSecret
        RotateSecret TagResource UntagResource UpdateSecret UpdateSecretVersionStage
        ValidateResourcePolicy""",
}

SSM: Rows = {
    "parameter/{Name!parameter}": """
        DeleteParameter GetParameter GetParameterHistory LabelParameterVersion PutParameter
        UnlabelParameterVersion""",
    "parameter/{Names[]!parameter}": "DeleteParameters GetParameters",
    "parameter/{Path!parameter}": "GetParametersByPath",
    "{ResourceType!ssm_kind}/{ResourceId!parameter}": """
        AddTagsToResource ListTagsForResource RemoveTagsFromResource""",
}

DYNAMODB: Rows = {
    "table/{TableName!name}": """
        CreateTable DeleteItem DeleteTable DescribeContinuousBackups DescribeTable
        DescribeTimeToLive GetItem PutItem Query Scan UpdateContinuousBackups UpdateItem
        UpdateTable UpdateTimeToLive""",
    "{ResourceArn}": "ListTagsOfResource TagResource UntagResource",
}
"""Calls on several tables, and those of indexes, are refused: the local cloud has no row."""

ACM: Rows = {
    "{CertificateArn=*}": "ImportCertificate",
    "{CertificateArn}": """
        AddTagsToCertificate DeleteCertificate DescribeCertificate ExportCertificate
        GetCertificate ListTagsForCertificate RemoveTagsFromCertificate RenewCertificate
        ResendValidationEmail""",
    "{ResourceArn}": "ListTagsForResource",
}

ROUTE53: Rows = {
    "hostedzone/{HostedZoneId!name}": """
        ChangeResourceRecordSets ListResourceRecordSets AssociateVPCWithHostedZone
        DisassociateVPCFromHostedZone""",
    "hostedzone/{Id!name}": "DeleteHostedZone GetHostedZone UpdateHostedZoneComment",
    "change/{Id!name}": "GetChange",
    "healthcheck/{HealthCheckId}": "DeleteHealthCheck GetHealthCheck UpdateHealthCheck",
    "{ResourceType}/{ResourceId!name}": "ChangeTagsForResource ListTagsForResource",
    "{ResourceType}/{ResourceIds[]!name}": "ListTagsForResources",
}

WAFV2: Rows = {
    "{Scope!waf_scope}/webacl/{Name}/*": "CreateWebACL",
    "{Scope!waf_scope}/webacl/{Name}/{Id}": "DeleteWebACL GetWebACL UpdateWebACL",
    "{WebACLArn}": "AssociateWebACL ListResourcesForWebACL",
    "{ResourceArn}": """
        AssociateWebACL DisassociateWebACL GetWebACLForResource DeleteLoggingConfiguration
        GetLoggingConfiguration""",
    "{LoggingConfiguration.ResourceArn}": "PutLoggingConfiguration",
    "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
    "{Scope!waf_scope}/ipset/{Name}/*": "CreateIPSet",
    "{Scope!waf_scope}/ipset/{Name}/{Id}": "DeleteIPSet GetIPSet UpdateIPSet",
}

EC2: Rows = {
    "elastic-ip/*": "AllocateAddress",
    "elastic-ip/{AllocationId}": "AssociateAddress ReleaseAddress CreateNatGateway",
    "elastic-ip/{AssociationId!address_of_association}": "DisassociateAddress",
    "network-interface/{NetworkInterfaceId}": "AssociateAddress DeleteNetworkInterface",
    "network-interface/*": "CreateNetworkInterface",
    "route-table/*": "CreateRouteTable",
    "route-table/{RouteTableId}": """
        AssociateRouteTable CreateRoute DeleteRoute DeleteRouteTable ReplaceRoute
        ReplaceRouteTableAssociation""",
    "route-table/{AssociationId!table_of_association}": "DisassociateRouteTable",
    "subnet/*": "CreateSubnet",
    "subnet/{SubnetId}": """
        AssociateRouteTable CreateNatGateway CreateNetworkInterface DeleteSubnet
        ModifySubnetAttribute""",
    "vpc/*": "CreateVpc",
    "vpc/{VpcId}": """
        AssociateVpcCidrBlock AttachInternetGateway CreateNetworkAcl CreateRouteTable
        CreateSecurityGroup CreateSubnet CreateVpcEndpoint DeleteVpc DescribeVpcAttribute
        DetachInternetGateway ModifyVpcAttribute""",
    "internet-gateway/*": "CreateInternetGateway",
    "internet-gateway/{InternetGatewayId}": """
        AttachInternetGateway DeleteInternetGateway DetachInternetGateway""",
    "natgateway/*": "CreateNatGateway",
    "natgateway/{NatGatewayId}": "DeleteNatGateway",
    "network-acl/*": "CreateNetworkAcl",
    "security-group/*": "CreateSecurityGroup",
    "security-group/{GroupId}": """
        AuthorizeSecurityGroupEgress AuthorizeSecurityGroupIngress DeleteSecurityGroup
        ModifySecurityGroupRules RevokeSecurityGroupEgress RevokeSecurityGroupIngress
        UpdateSecurityGroupRuleDescriptionsEgress UpdateSecurityGroupRuleDescriptionsIngress""",
    "security-group-rule/{SecurityGroupRules[].SecurityGroupRuleId}": "ModifySecurityGroupRules",
    "vpc-endpoint/*": "CreateVpcEndpoint",
    "route-table/{RouteTableIds[]}": "CreateVpcEndpoint",
    "subnet/{SubnetIds[]}": "CreateVpcEndpoint",
    "security-group/{SecurityGroupIds[]}": "CreateVpcEndpoint",
    "vpc-endpoint/{VpcEndpointId}": "ModifyVpcEndpoint",
    "vpc-endpoint/{VpcEndpointIds[]}": "DeleteVpcEndpoints",
    "vpc-flow-log/*": "CreateFlowLogs",
    "{ResourceType!ec2_kind}/{ResourceIds[]}": "CreateFlowLogs",
    "vpc-flow-log/{FlowLogIds[]}": "DeleteFlowLogs",
    "prefix-list/*": "CreateManagedPrefixList",
    "prefix-list/{PrefixListId}": """
        DeleteManagedPrefixList GetManagedPrefixListEntries ModifyManagedPrefixList""",
    "{Resources[]!ec2_resource}": "CreateTags DeleteTags",
}

SCHEDULER: Rows = {
    "schedule/{GroupName=default}/{Name}": """
        CreateSchedule DeleteSchedule GetSchedule UpdateSchedule""",
    "schedule-group/{Name}": "CreateScheduleGroup DeleteScheduleGroup GetScheduleGroup",
    "{ResourceArn}": "ListTagsForResource TagResource UntagResource",
}

STEP_FUNCTIONS: Rows = {
    "stateMachine:{name}": "CreateStateMachine",
    "{stateMachineArn}": """
        DeleteStateMachine DescribeStateMachine ListExecutions ListStateMachineVersions
        StartExecution UpdateStateMachine""",
    "{executionArn}": "DescribeExecution StopExecution",
    "{resourceArn}": "ListTagsForResource TagResource UntagResource",
}

TABLES: dict[str, Rows] = {
    "ec2": EC2,
    "ecs": ECS,
    "ecr": ECR,
    "elbv2": ELBV2,
    "logs": LOGS,
    "iam": IAM,
    "sts": STS,
    "s3": S3,
    "kms": KMS,
    "secretsmanager": SECRETS_MANAGER,
    "ssm": SSM,
    "codebuild": CODEBUILD,
    "codepipeline": CODEPIPELINE,
    "codeconnections": CODECONNECTIONS,
    "codestar-connections": CODECONNECTIONS,
    "events": EVENTS,
    "sns": SNS,
    "sqs": SQS,
    "dynamodb": DYNAMODB,
    "application-autoscaling": APPLICATION_AUTO_SCALING,
    "cloudwatch": CLOUDWATCH,
    "acm": ACM,
    "route53": ROUTE53,
    "wafv2": WAFV2,
    "scheduler": SCHEDULER,
    "stepfunctions": STEP_FUNCTIONS,
}
