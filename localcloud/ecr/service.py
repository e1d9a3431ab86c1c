"""ECR's API.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Operations.html
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localcloud.ecr.checks import checked_lifecycle, checked_tags, scan_on_push, wanted_mutability
from localcloud.ecr.engine_images import sweep
from localcloud.ecr.images import Images
from localcloud.ecr.lifecycle import expiries, parse_policy
from localcloud.ecr.model import Repository
from localcloud.ecr.pages import page
from localcloud.ecr.registry import Registry
from localcloud.ecr.shared_layers import SharedLayers
from localcloud.ecr.store import Repositories
from localcloud.ecr.tokens import USER, Caller, Tokens
from localcloud.server.serving import Server, listen, serve
from localcloud.shared.cache import cache_dir
from localcloud.shared.service import Call, Service, ServiceError, Surroundings

EVALUATION_INTERVAL_SECONDS = 600
UNSUPPORTED = {
    "StartImageScan": "Image scanning: a scanner and its database of vulnerabilities",
    "DescribeImageScanFindings": "Image scanning: a scanner and its database of vulnerabilities",
    "PutReplicationConfiguration": "Replication: a second region",
    "CreatePullThroughCacheRule": "Pull-through caches: another registry",
}


class Ecr(Service):
    """ECR with its registry."""

    name = "ecr"

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        folder = Path(surroundings.state_dir)
        self._surroundings = surroundings
        layers = SharedLayers(cache_dir() / "layers")
        self._repositories = Repositories(folder, surroundings.account, layers)
        self._tokens = Tokens(folder)
        self._registry = Registry(
            self._repositories, self._tokens, surroundings.authorize, surroundings.account
        )
        self._server: Server | None = None
        self._ended = threading.Event()
        self._untidy = threading.Event()
        self.handlers = {
            "CreateRepository": self._create_repository,
            "DeleteLifecyclePolicy": self._delete_lifecycle_policy,
            "DeleteRepository": self._delete_repository,
            "DeleteRepositoryPolicy": self._delete_repository_policy,
            "DescribeRegistry": self._describe_registry,
            "DescribeRepositories": self._describe_repositories,
            "GetAuthorizationToken": self._get_authorization_token,
            "GetLifecyclePolicy": self._get_lifecycle_policy,
            "GetRepositoryPolicy": self._get_repository_policy,
            "ListTagsForResource": self._list_tags,
            "PutImageScanningConfiguration": self._put_scanning,
            "PutImageTagMutability": self._put_mutability,
            "PutLifecyclePolicy": self._put_lifecycle_policy,
            "SetRepositoryPolicy": self._set_repository_policy,
            "StartLifecyclePolicyPreview": self._start_preview,
            "GetLifecyclePolicyPreview": self._get_preview,
            "TagResource": self._tag,
            "UntagResource": self._untag,
            **Images(self._repositories, surroundings.account).handlers,
            **dict.fromkeys(UNSUPPORTED, _refuse),
        }
        self._previews: dict[str, str] = {}
        self.before = dict.fromkeys(self.handlers, self._check_region)

    def start(self) -> None:
        """Serves the registry; evaluates lifecycle policies and removes unused layers."""
        port = int(self._surroundings.registry_host.rsplit(":", 1)[1])
        self._server = serve(self._registry, listen("127.0.0.1", port), "registry")
        threading.Thread(target=self._tidy, name="ecr", daemon=True).start()

    def stop(self) -> None:
        """Ends the registry."""
        self._ended.set()
        self._untidy.set()
        if self._server is not None:
            self._server.stop()
            self._sweep()

    def _sweep(self) -> None:
        sweep(self._surroundings.registry_host, {r.name: r for r in self._repositories})

    def _tidy(self) -> None:
        while True:
            for repository in self._repositories:
                self._repositories.expire(repository)
            self._repositories.collect()
            self._sweep()
            self._untidy.wait(EVALUATION_INTERVAL_SECONDS)
            self._untidy.clear()
            if self._ended.is_set():
                return

    def tagged_resources(self, region: str) -> Mapping[str, Mapping[str, str]]:
        """The repositories' tags."""
        if region != self._surroundings.region:
            return {}
        return {self._arn(repository): repository.tags for repository in self._repositories}

    def _check_region(self, call: Call) -> None:
        if call.region != self._surroundings.region:
            raise ServiceError(
                "InvalidParameterException",
                f"The local cloud's registry is in {self._surroundings.region} only; the call was "
                f"for {call.region}.",
            )
        registry = call.input.get("registryId", call.account)
        if registry != call.account:
            raise ServiceError(
                "RegistryPolicyNotFoundException", f"The registry {registry} does not exist here."
            )

    def _of(self, call: Call) -> Repository:
        return self._repositories.get(call.input["repositoryName"])

    def _arn(self, repository: Repository) -> str:
        here = self._surroundings
        return f"arn:aws:ecr:{here.region}:{here.account}:repository/{repository.name}"

    def _shown(self, repository: Repository) -> dict[str, Any]:
        shown = {
            "repositoryArn": self._arn(repository),
            "registryId": self._surroundings.account,
            "repositoryName": repository.name,
            "repositoryUri": f"{self._surroundings.registry_host}/{repository.name}",
            "createdAt": repository.created_at,
            "imageTagMutability": repository.mutability,
            "imageScanningConfiguration": {"scanOnPush": repository.scan_on_push},
            "encryptionConfiguration": repository.encryption,
        }
        if repository.exclusions:
            shown["imageTagMutabilityExclusionFilters"] = [
                {"filterType": "WILDCARD", "filter": wildcard} for wildcard in repository.exclusions
            ]
        return shown

    # Repositories

    def _create_repository(self, call: Call) -> Mapping[str, Any]:
        tags = {tag["Key"]: tag["Value"] for tag in call.input.get("tags", [])}
        mutability, exclusions = wanted_mutability(call.input)
        repository = Repository(
            name=call.input["repositoryName"],
            created_at=time.time(),
            mutability=mutability,
            exclusions=exclusions,
            scan_on_push=scan_on_push(call.input),
            encryption=self._encryption(call.input.get("encryptionConfiguration")),
            tags=checked_tags(tags),
        )
        self._repositories.add(repository)
        return {"repository": self._shown(repository)}

    def _encryption(self, wanted: dict[str, str] | None) -> dict[str, str]:
        """How the repository says it is encrypted; a KMS key that is named must exist."""
        if wanted is None or wanted["encryptionType"] == "AES256":
            return {"encryptionType": "AES256"}
        here = self._surroundings
        key = wanted.get("kmsKey", f"arn:aws:kms:{here.region}:{here.account}:alias/aws/ecr")
        if "kmsKey" in wanted:
            kms = here.client("kms")
            try:
                key = kms.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
            except kms.exceptions.NotFoundException as error:
                raise ServiceError("KmsException", f"The KMS key {key} does not exist.") from error
        return {"encryptionType": wanted["encryptionType"], "kmsKey": key}

    def _describe_repositories(self, call: Call) -> Mapping[str, Any]:
        names = call.input.get("repositoryNames")
        if names is not None:
            found = [self._repositories.get(name) for name in names]
            return {"repositories": [self._shown(repository) for repository in found]}
        rows, token = page(list(self._repositories), call.input)
        return {"repositories": [self._shown(row) for row in rows], "nextToken": token}

    def _delete_repository(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        if repository.images and not call.input.get("force"):
            raise ServiceError(
                "RepositoryNotEmptyException",
                f"The repository with name '{repository.name}' in registry with id "
                f"'{call.account}' cannot be deleted because it still contains images",
            )
        self._repositories.remove(repository)
        self._untidy.set()
        return {"repository": self._shown(repository)}

    def _put_mutability(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        repository.mutability, repository.exclusions = wanted_mutability(call.input)
        self._repositories.save(repository)
        shown = self._shown(repository)
        return {**shown, "imageTagMutability": repository.mutability}

    def _put_scanning(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        repository.scan_on_push = scan_on_push(call.input)
        self._repositories.save(repository)
        return self._shown(repository)

    def _describe_registry(self, call: Call) -> Mapping[str, Any]:
        return {"registryId": call.account, "replicationConfiguration": {"rules": []}}

    def _get_authorization_token(self, call: Call) -> Mapping[str, Any]:
        caller = Caller(call.principal, call.access_key_id, call.region)
        password, expires = self._tokens.issue(caller)
        return {
            "authorizationData": [
                {
                    "authorizationToken": base64.b64encode(f"{USER}:{password}".encode()).decode(),
                    "expiresAt": expires,
                    "proxyEndpoint": f"http://{self._surroundings.registry_host}",
                }
            ]
        }

    # Policies

    def _policy_answer(self, repository: Repository, **facts: Any) -> Mapping[str, Any]:
        return {
            "registryId": self._surroundings.account,
            "repositoryName": repository.name,
            **facts,
        }

    def _put_lifecycle_policy(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        text = checked_lifecycle(call.input["lifecyclePolicyText"])
        repository.lifecycle = text
        self._repositories.save(repository)
        self._repositories.expire(repository)
        return self._policy_answer(repository, lifecyclePolicyText=text)

    def _get_lifecycle_policy(self, call: Call) -> Mapping[str, Any]:
        repository, text = self._policy(call, "Lifecycle")
        return self._policy_answer(
            repository,
            lifecyclePolicyText=text,
            lastEvaluatedAt=repository.lifecycle_evaluated_at,
        )

    def _delete_lifecycle_policy(self, call: Call) -> Mapping[str, Any]:
        repository, text = self._policy(call, "Lifecycle")
        repository.lifecycle = None
        self._repositories.save(repository)
        return self._policy_answer(
            repository,
            lifecyclePolicyText=text,
            lastEvaluatedAt=repository.lifecycle_evaluated_at,
        )

    def _start_preview(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        given = call.input.get("lifecyclePolicyText")
        text = checked_lifecycle(given) if given is not None else self._policy(call, "Lifecycle")[1]
        self._previews[repository.name] = text
        return self._policy_answer(repository, lifecyclePolicyText=text, status="COMPLETE")

    def _get_preview(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        text = self._previews.get(repository.name)
        if text is None:
            raise ServiceError(
                "LifecyclePolicyPreviewNotFoundException",
                f"There is no preview for the repository '{repository.name}'; start one first.",
            )
        found = expiries(parse_policy(text), repository, time.time())
        rows, token = page(found, call.input)
        return self._policy_answer(
            repository,
            lifecyclePolicyText=text,
            status="COMPLETE",
            nextToken=token,
            summary={"expiringImageTotalCount": len(found)},
            previewResults=[
                {
                    "imageTags": row.image.tags,
                    "imageDigest": row.image.digest,
                    "imagePushedAt": row.image.pushed_at,
                    "action": {"type": "EXPIRE"},
                    "appliedRulePriority": row.priority,
                }
                for row in rows
            ],
        )

    def _set_repository_policy(self, call: Call) -> Mapping[str, Any]:
        repository = self._of(call)
        text = call.input["policyText"]
        try:
            statements = json.loads(text)["Statement"]
        except (ValueError, KeyError, TypeError) as error:
            raise ServiceError(
                "InvalidParameterException",
                "Invalid parameter at 'PolicyText' failed to satisfy constraint: "
                "'Invalid repository policy provided'",
            ) from error
        del statements
        repository.policy = text
        self._repositories.save(repository)
        return self._policy_answer(repository, policyText=text)

    def _policy(self, call: Call, kind: str) -> tuple[Repository, str]:
        """A repository and the text of its policy; the kind is `Lifecycle` or `Repository`."""
        repository = self._of(call)
        text = repository.lifecycle if kind == "Lifecycle" else repository.policy
        if text is None:
            raise ServiceError(
                f"{kind}PolicyNotFoundException",
                f"{kind} policy does not exist for the repository with name "
                f"'{repository.name}' in the registry with id '{call.account}'",
            )
        return repository, text

    def _get_repository_policy(self, call: Call) -> Mapping[str, Any]:
        repository, text = self._policy(call, "Repository")
        return self._policy_answer(repository, policyText=text)

    def _delete_repository_policy(self, call: Call) -> Mapping[str, Any]:
        repository, text = self._policy(call, "Repository")
        repository.policy = None
        self._repositories.save(repository)
        return self._policy_answer(repository, policyText=text)

    # Tags

    def _by_arn(self, call: Call) -> Repository:
        arn = call.input["resourceArn"]
        name = arn.partition(":repository/")[2]
        if not name or arn != f"{arn.partition(':repository/')[0]}:repository/{name}":
            raise ServiceError(
                "InvalidParameterException",
                f"Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN' "
                f"({arn})",
            )
        return self._repositories.get(name)

    def _tag(self, call: Call) -> Mapping[str, Any]:
        repository = self._by_arn(call)
        added = {tag["Key"]: tag["Value"] for tag in call.input["tags"]}
        repository.tags = checked_tags({**repository.tags, **added})
        self._repositories.save(repository)
        return {}

    def _untag(self, call: Call) -> Mapping[str, Any]:
        repository = self._by_arn(call)
        gone = set(call.input["tagKeys"])
        repository.tags = {k: v for k, v in repository.tags.items() if k not in gone}
        self._repositories.save(repository)
        return {}

    def _list_tags(self, call: Call) -> Mapping[str, Any]:
        tags = self._by_arn(call).tags
        return {"tags": [{"Key": key, "Value": value} for key, value in sorted(tags.items())]}


def _refuse(call: Call) -> Mapping[str, Any]:
    raise ServiceError(
        "NotImplemented",
        f"{UNSUPPORTED[call.operation]} is not part of the local cloud; {call.operation} works "
        "on AWS only.",
        501,
    )
