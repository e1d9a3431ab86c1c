"""Which resources the operations of the delivery and monitoring services touch.

The rows are written as in `resource_table.py`.
"""

from __future__ import annotations

Rows = dict[str, str]

CODEBUILD: Rows = {
    "project/{name}": "CreateProject DeleteProject UpdateProject",
    "project/{names[]!name}": "BatchGetProjects",
    "project/{ids[]!project_of_build}": "BatchGetBuilds BatchDeleteBuilds BatchGetBuildBatches",
    "project/{id!project_of_build}": "StopBuild RetryBuild StopBuildBatch RetryBuildBatch",
    "project/{projectName}": """
        CreateWebhook DeleteWebhook UpdateWebhook InvalidateProjectCache ListBuildsForProject
        StartBuild StartBuildBatch ListBuildBatchesForProject""",
    "report-group/{name!name}": "CreateReportGroup",
    "{projectArn}": "UpdateProjectVisibility",
}


CODEPIPELINE: Rows = {
    "{pipeline.name}": "CreatePipeline UpdatePipeline",
    "{name}": "DeletePipeline GetPipeline GetPipelineState StartPipelineExecution",
    "{pipelineName}": """
        GetPipelineExecution ListActionExecutions ListPipelineExecutions ListRuleExecutions
        StopPipelineExecution""",
    "{pipelineName}/{stageName}": """
        DisableStageTransition EnableStageTransition RetryStageExecution RollbackStage
        OverrideStageCondition""",
    "{pipelineName}/{stageName}/{actionName}": "PutApprovalResult PutActionRevision",
    "{webhook.targetPipeline}": "PutWebhook",
    "webhook:{webhook.name}": "PutWebhook",
    "webhook:{name!name}": "DeleteWebhook",
    "webhook:{webhookName}": "DeregisterWebhookWithThirdParty RegisterWebhookWithThirdParty",
    "webhook:*": "ListWebhooks",
    "{resourceArn}": "ListTagsForResource TagResource UntagResource",
}


CODECONNECTIONS: Rows = {
    "{ConnectionArn}": "DeleteConnection GetConnection",
    "{HostArn}": "DeleteHost GetHost UpdateHost",
    "connection/*": "ListConnections",
    "{ResourceArn}": "ListTagsForResource TagResource UntagResource",
}


EVENTS: Rows = {
    "rule/{EventBusName=default!bus_segment}{Name}": """
        DeleteRule DescribeRule DisableRule EnableRule PutRule""",
    "rule/{EventBusName=default!bus_segment}{Rule}": """
        ListTargetsByRule PutTargets RemoveTargets""",
    "event-bus/{Name=default!name}": """
        CreateEventBus DeleteEventBus DescribeEventBus UpdateEventBus""",
    "event-bus/{Entries[].EventBusName=default!name}": "PutEvents",
    "archive/{ArchiveName}": "CreateArchive DeleteArchive DescribeArchive UpdateArchive",
    "connection/{Name!name}": "CreateConnection DeleteConnection DescribeConnection",
    "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
}


SNS: Rows = {
    "{Name}": "CreateTopic",
    "{TopicArn}": """
        AddPermission ConfirmSubscription DeleteTopic GetTopicAttributes ListSubscriptionsByTopic
        RemovePermission SetTopicAttributes Subscribe PublishBatch""",
    "{TopicArn|TargetArn=*}": "Publish",
    "{SubscriptionArn!topic_of_subscription}": """
        GetSubscriptionAttributes SetSubscriptionAttributes Unsubscribe""",
    "{ResourceArn}": """
        ListTagsForResource TagResource UntagResource GetDataProtectionPolicy
        PutDataProtectionPolicy""",
}


SQS: Rows = {
    "{QueueName}": "CreateQueue GetQueueUrl",
    "{QueueUrl!name}": """
        AddPermission ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage
        DeleteMessageBatch DeleteQueue GetQueueAttributes ListDeadLetterSourceQueues
        ListQueueTags PurgeQueue ReceiveMessage RemovePermission SendMessage SendMessageBatch
        SetQueueAttributes TagQueue UntagQueue""",
}


APPLICATION_AUTO_SCALING: Rows = {
    "scalable-target/*": """
        DeleteScalingPolicy DeleteScheduledAction DeregisterScalableTarget PutScalingPolicy
        PutScheduledAction RegisterScalableTarget""",
    "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
}


CLOUDWATCH: Rows = {
    "alarm:{AlarmName}": "PutMetricAlarm PutCompositeAlarm SetAlarmState",
    "alarm:{AlarmNames[]}": "DeleteAlarms DisableAlarmActions EnableAlarmActions",
    "alarm:{AlarmNames[]=*}": "DescribeAlarms",
    "alarm:{AlarmName=*}": "DescribeAlarmHistory",
    "*": "PutMetricData GetMetricData ListMetrics",
    "arn:aws:cloudwatch::{!account}:dashboard/{DashboardName}": "PutDashboard GetDashboard",
    "arn:aws:cloudwatch::{!account}:dashboard/{DashboardNames[]}": "DeleteDashboards",
    "{ResourceARN}": "ListTagsForResource TagResource UntagResource",
}
