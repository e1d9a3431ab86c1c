"""Rows of ECR: repositories and their policies.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_json, same_policy
from localcloud.providers.aws.spec import AutoName, Op, Spec, Step, tagged_by_arn

_MISSING = frozenset({"RepositoryNotFoundException"})

REPOSITORY = Spec(
    "aws:ecr/repository:Repository",
    "ecr",
    create=Op("CreateRepository"),
    read=Op("DescribeRepositories", {"repositoryNames": "[id]"}),
    delete=Op(
        "DeleteRepository", {"repositoryName": "id", "force": "outputs.forceDelete || `false`"}
    ),
    id="repository.repositoryName",
    found="repositories[0]",
    names={"name": "repositoryName", "encryptionConfigurations": "encryptionConfiguration"},
    omit=frozenset({"registryId"}),
    local=frozenset({"forceDelete"}),
    update=(
        Step(
            Op("PutImageTagMutability", {"repositoryName": "id"}),
            properties=("imageTagMutability", "imageTagMutabilityExclusionFilters"),
        ),
        Step(
            Op("PutImageScanningConfiguration", {"repositoryName": "id"}),
            properties=("imageScanningConfiguration",),
        ),
    ),
    defaults={"imageTagMutability": "MUTABLE"},
    outputs={
        "arn": "repositoryArn",
        "registryId": "registryId",
        "repositoryUrl": "repositoryUri",
    },
    sticky=frozenset({"encryptionConfigurations", "imageScanningConfiguration"}),
    name=AutoName(256, lower=True),
    tags=tagged_by_arn(
        "resourceArn",
        tags="tags",
        read=Op(
            "ListTagsForResource",
            {
                "resourceArn": (
                    "join('', ['arn:aws:ecr:', region, ':', account, ':repository/', id])"
                )
            },
        ),
    ),
    absent=_MISSING,
)

LIFECYCLE_POLICY = Spec(
    "aws:ecr/lifecyclePolicy:LifecyclePolicy",
    "ecr",
    create=Op("PutLifecyclePolicy"),
    read=Op("GetLifecyclePolicy", {"repositoryName": "id"}),
    delete=Op("DeleteLifecyclePolicy", {"repositoryName": "id"}),
    id="repositoryName",
    names={"repository": "repositoryName", "policy": "lifecyclePolicyText"},
    omit=frozenset({"registryId"}),
    replaces=frozenset({"repository"}),
    update=(Step(Op("PutLifecyclePolicy", {"repositoryName": "id"}), properties=("policy",)),),
    equal={"policy": same_json},
    outputs={"registryId": "registryId"},
    absent=_MISSING | {"LifecyclePolicyNotFoundException"},
)

REPOSITORY_POLICY = Spec(
    "aws:ecr/repositoryPolicy:RepositoryPolicy",
    "ecr",
    create=Op("SetRepositoryPolicy"),
    read=Op("GetRepositoryPolicy", {"repositoryName": "id"}),
    delete=Op("DeleteRepositoryPolicy", {"repositoryName": "id"}),
    id="repositoryName",
    names={"repository": "repositoryName", "policy": "policyText"},
    omit=frozenset({"registryId", "force"}),
    replaces=frozenset({"repository"}),
    update=(Step(Op("SetRepositoryPolicy", {"repositoryName": "id"}), properties=("policy",)),),
    equal={"policy": same_policy},
    outputs={"registryId": "registryId"},
    absent=_MISSING | {"RepositoryPolicyNotFoundException"},
)

ROWS = (REPOSITORY, LIFECYCLE_POLICY, REPOSITORY_POLICY)
