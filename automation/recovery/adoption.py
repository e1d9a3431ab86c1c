"""Imports resources that an interrupted update created but did not record in the state.

The engine notes in its state that it begins to create a resource, and afterwards that it has. If
it is killed in between, the resource may exist or not; the engine alone can't tell, and its next
update would create it a second time (https://www.pulumi.com/docs/support/troubleshooting/#interrupted-update-recovery).
The driver looks for it by its physical name or its tags. If it is found, it is imported into the
state; if not, it is created.

The engine's own `refresh --import-pending-creates URN ID` does not replace this. It takes an id
that somebody has found already, rewrites only creations that the engine itself has noted, not those
of `stack/pending_creations.py`, and the Python SDK's `Stack.refresh` does not pass it on
(https://github.com/pulumi/pulumi/blob/v3.250.0/pkg/cmd/pulumi/operations/refresh.go,
`pendingCreatesToImports`). `Stack.cancel` frees the engine's locks (`stack/locks.py`), and leaves
pending operations as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from automation.aws.clients import Cloud, error_code
from automation.aws.resource_table import TYPES
from automation.aws.resource_types import ABSENT, find
from automation.errors import DriverError

Inputs = Mapping[str, Any]

CREATING = "creating"


@dataclass(frozen=True)
class Adopted:
    """The result of settling the creations that an earlier update did not finish.

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
                f"An interrupted update may have created {resource['urn']}, and several resources "
                "match it: delete all but one, then run this again.",
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
    kind = TYPES.get(resource["type"])
    return find(cloud, kind, resource.get("inputs") or {}) if kind and kind.adopted else []


def _taken_in(
    resources: list[dict[str, Any]], resource: Mapping[str, Any], identity: str
) -> list[dict[str, Any]]:
    """Return the resources with one more; one that it replaces is marked for deletion."""
    new = {**resource, "id": identity, "outputs": dict(resource.get("inputs") or {})}
    older = [{**row, "delete": True} if row["urn"] == resource["urn"] else row for row in resources]
    return [*older, new]


def _untag(cloud: Cloud, inputs: Inputs) -> None:
    """Delete a pushed image tag: tags are immutable, so it could not be pushed again."""
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
    """Do nothing: the resource can be created again."""


WITHDRAWALS: Mapping[str, Callable[[Cloud, Inputs], None]] = {"docker:index/image:Image": _untag}
"""Resource type → the function that deletes what blocks its re-creation."""

HARMLESS: Mapping[str, str] = {
    "aws:acm/certificateValidation:CertificateValidation": "it waits, and makes nothing",
    "aws:appautoscaling/policy:Policy": "PutScalingPolicy replaces one of its name",
    "aws:appautoscaling/scheduledAction:ScheduledAction": "PutScheduledAction replaces it",
    "aws:cloudwatch/eventTarget:EventTarget": "PutTargets replaces one of its id",
    "aws:cloudwatch/logResourcePolicy:LogResourcePolicy": "PutResourcePolicy replaces it",
    "aws:codepipeline/webhook:Webhook": "PutWebhook replaces one of its name",
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": "it is the network's own",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "a repository has one",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "a repository has one",
    "aws:ecs/clusterCapacityProviders:ClusterCapacityProviders": "a cluster has one list",
    "aws:ecs/taskDefinition:TaskDefinition": "another revision; `destroy` removes all",
    "aws:lb/listenerCertificate:ListenerCertificate": "AddListenerCertificates takes one twice",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": "a bucket has one",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "a bucket has one",
    "aws:s3/bucketPolicy:BucketPolicy": "a bucket has one",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "a bucket has one",
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        "a bucket has one"
    ),
    "aws:s3/bucketVersioning:BucketVersioning": "a bucket has one",
    "aws:sfn/stateMachine:StateMachine": "CreateStateMachine answers with the same one",
    "aws:sns/topic:Topic": "CreateTopic answers with the one of the same name and tags",
    "aws:sns/topicPolicy:TopicPolicy": "a topic has one",
    "aws:sns/topicSubscription:TopicSubscription": "Subscribe answers with the one of the same end",
    "aws:wafv2/webAclAssociation:WebAclAssociation": "a load balancer has one",
    "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration": "a web ACL has one",
    "docker:index/image:Image": "a tag that was pushed is taken away first",
    "github:index/repositoryWebhook:RepositoryWebhook": (
        "GitHub refuses a second one with the same address; its message names the hook to delete"
    ),
}
"""Type that is not looked for → why its creation may simply be repeated.
https://docs.aws.amazon.com/sns/latest/api/API_CreateTopic.html
https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html
https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_PutWebhook.html
https://docs.aws.amazon.com/step-functions/latest/apireference/API_CreateStateMachine.html
"""
