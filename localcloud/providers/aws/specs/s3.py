"""Rows of S3: buckets and what is configured beside them.

https://docs.aws.amazon.com/AmazonS3/latest/API/Welcome.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localcloud.providers.aws.calls import CallError
from localcloud.providers.aws.comparing import same_policy, same_unordered
from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values
from localcloud.providers.aws.values import from_shape

_MISSING = frozenset({"404", "NoSuchBucket", "NotFound"})
# Another change of the same bucket is under way.
_SETTLING = frozenset({"OperationAborted"})

# --- buckets --------------------------------------------------------------------------------------


def _create_bucket(resource: Resource) -> str:
    """Make the bucket; S3 wants no place named for its first region."""
    region = resource.api.region
    place = None if region == "us-east-1" else {"LocationConstraint": region}
    resource.call(
        "CreateBucket",
        Bucket=resource.inputs["bucket"],
        CreateBucketConfiguration=place,
        ObjectLockEnabledForBucket=resource.inputs.get("objectLockEnabled"),
    )
    return str(resource.inputs["bucket"])


def _delete_bucket(resource: Resource) -> None:
    if resource.outputs.get("forceDestroy"):
        _empty(resource)
    resource.call("DeleteBucket", Bucket=resource.id)


def _empty(resource: Resource) -> None:
    """Delete every version of every object, and every mark of a deletion."""
    while True:
        answer = resource.call("ListObjectVersions", Bucket=resource.id)
        entries = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
        if not entries:
            return
        named = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        told = resource.call(
            "DeleteObjects", Bucket=resource.id, Delete={"Objects": named, "Quiet": True}
        )
        for error in told.get("Errors", []):
            raise CallError("s3", "DeleteObjects", error["Code"], error.get("Message", ""))


def _told_bucket(resource: Resource, _found: Values) -> Values:
    region, name = resource.api.region, resource.id
    return {
        "bucket": name,
        "bucketDomainName": f"{name}.s3.amazonaws.com",
        "bucketRegion": region,
        "bucketRegionalDomainName": f"{name}.s3.{region}.amazonaws.com",
    }


def _find_bucket(resource: Resource) -> Values | None:
    resource.call("HeadBucket", Bucket=resource.id)
    return {"Bucket": resource.id}


BUCKET = Spec(
    "aws:s3/bucket:Bucket",
    "s3",
    create=_create_bucket,
    read=_find_bucket,
    delete=_delete_bucket,
    inputs=frozenset({"bucket", "objectLockEnabled"}),
    local=frozenset({"forceDestroy"}),
    defaults={"forceDestroy": False},
    formats={"arn": "arn:aws:s3:::{id}"},
    present=_told_bucket,
    sticky=frozenset(
        {"bucketDomainName", "bucketRegion", "bucketRegionalDomainName", "hostedZoneId"}
        | {"objectLockEnabled"}
    ),
    name=AutoName(63, property="bucket", lower=True),
    tags=Tagging(
        add=Op("PutBucketTagging", {"Bucket": "id", "Tagging": "{TagSet: every}"}),
        remove=Op("PutBucketTagging", {"Bucket": "id", "Tagging": "{TagSet: every}"}),
        read=Op("GetBucketTagging", {"Bucket": "id"}),
        found="TagSet",
        untagged=frozenset({"NoSuchTagSet"}),
    ),
    absent=_MISSING,
    retried=_SETTLING,
)


# --- what is configured beside a bucket -----------------------------------------------------------


def _companion(
    token: str,
    *,
    noun: str,
    member: str,
    properties: Iterable[str],
    absent: str,
    arrange: Callable[[Values], Any] = lambda given: given,
    told: Callable[[Values], Any] | None = None,
    delete: Op | Callable[[Resource], None] | None = None,
    names: Mapping[str, str] | None = None,
    equal: Mapping[str, Callable[[Any, Any], bool]] | None = None,
    **more: Any,
) -> Spec:
    """A row for one configuration of a bucket: put, get, and delete by the same noun.

    Args:
        noun: as in `PutBucketVersioning`.
        member: what the put call takes the configuration in.
        properties: the inputs that make it up.
        absent: the error code of a bucket without it.
        arrange: inputs → the member, by Pulumi's or AWS's names.
        told: answer of the get call → properties; None: they lie open in it.
        delete: how it is taken away; None: by the delete call.
        more: what else the row says, by the attributes of `Spec`.
    """
    inputs = tuple(properties)
    paths = {f"{member}.{path}": target for path, target in (names or {}).items()}

    def prepare(values: Values) -> Values:
        rest = {name: value for name, value in values.items() if name not in inputs}
        given = {name: values[name] for name in inputs if name in values}
        return {**rest, member: arrange(given)}

    def present(_resource: Resource, found: Values) -> Values:
        plain = from_shape(told(found) if told else found, member, paths)
        return {name: plain[name] for name in inputs if name in plain}

    return Spec(
        token,
        "s3",
        create=Op(f"Put{noun}"),
        read=Op(f"Get{noun}", {"Bucket": "id"}),
        delete=delete or Op(f"Delete{noun}", {"Bucket": "id"}),
        id="inputs.bucket",
        imports="(?P<bucket>.+)",
        names=paths,
        inputs=frozenset(inputs),
        omit=frozenset({"ChecksumAlgorithm", "ContentMD5"}),
        replaces=frozenset({"bucket"}),
        prepare=prepare,
        present=present,
        equal=equal or {},
        update=(Step(Op(f"Put{noun}", {"Bucket": "id"}), properties=inputs),),
        absent=_MISSING | {absent},
        retried=_SETTLING,
        **more,
    )


def _suspend_versioning(resource: Resource) -> None:
    """Versions can't be unmade; a bucket that had them stops making more."""
    if resource.outputs.get("versioningConfiguration", {}).get("status") == "Enabled":
        resource.call(
            "PutBucketVersioning",
            Bucket=resource.id,
            VersioningConfiguration={"Status": "Suspended"},
        )


VERSIONING = _companion(
    "aws:s3/bucketVersioning:BucketVersioning",
    noun="BucketVersioning",
    member="VersioningConfiguration",
    properties=("versioningConfiguration",),
    absent="NoSuchVersioning",
    arrange=lambda given: given.get("versioningConfiguration", {}),
    told=lambda found: {
        "versioningConfiguration": {
            member: found[member] for member in ("Status", "MFADelete") if member in found
        }
    },
    delete=_suspend_versioning,
)

_BLOCKED = ("blockPublicAcls", "blockPublicPolicy", "ignorePublicAcls", "restrictPublicBuckets")

PUBLIC_ACCESS_BLOCK = _companion(
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock",
    noun="PublicAccessBlock",
    member="PublicAccessBlockConfiguration",
    properties=_BLOCKED,
    absent="NoSuchPublicAccessBlockConfiguration",
    told=lambda found: found["PublicAccessBlockConfiguration"],
    defaults=dict.fromkeys(_BLOCKED, False),
)

OWNERSHIP_CONTROLS = _companion(
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls",
    noun="BucketOwnershipControls",
    member="OwnershipControls",
    properties=("rule",),
    absent="OwnershipControlsNotFoundError",
    arrange=lambda given: {"rules": [given["rule"]]} if "rule" in given else {},
    told=lambda found: {"rule": found["OwnershipControls"]["Rules"][0]},
)

POLICY = _companion(
    "aws:s3/bucketPolicy:BucketPolicy",
    noun="BucketPolicy",
    member="Policy",
    properties=("policy",),
    absent="NoSuchBucketPolicy",
    arrange=lambda given: given.get("policy"),
    equal={"policy": same_policy},
)

ENCRYPTION = _companion(
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration",
    noun="BucketEncryption",
    member="ServerSideEncryptionConfiguration",
    properties=("rules",),
    absent="ServerSideEncryptionConfigurationNotFoundError",
    told=lambda found: found["ServerSideEncryptionConfiguration"],
    names={
        "rules.applyServerSideEncryptionByDefault.sseAlgorithm": "SSEAlgorithm",
        "rules.applyServerSideEncryptionByDefault.kmsMasterKeyId": "KMSMasterKeyID",
    },
    nested={"rules": {"bucketKeyEnabled": False}},
)


def _lifecycle_rules(given: Values) -> Values:
    """S3 wants a filter in every rule, and tags as pairs."""
    rules = given.get("rules")
    if not isinstance(rules, list):
        return given
    return {"rules": [_lifecycle_rule(rule) for rule in rules]}


def _lifecycle_rule(rule: Any) -> Any:
    if not isinstance(rule, dict):
        return rule
    scoped = dict(rule.get("filter") or {})
    both = scoped.get("and")
    if isinstance(both, dict) and isinstance(both.get("tags"), dict):
        pairs = [{"key": key, "value": value} for key, value in both["tags"].items()]
        scoped["and"] = {**both, "tags": pairs}
    if "prefix" in rule:
        return rule
    return {**rule, "filter": scoped or {"prefix": ""}}


def _told_lifecycle(found: Values) -> Values:
    rules = []
    for rule in found["Rules"]:
        scope = dict(rule.get("Filter") or {})
        if "And" in scope and "Tags" in scope["And"]:
            pairs = {tag["Key"]: tag["Value"] for tag in scope["And"]["Tags"]}
            scope["And"] = {**scope["And"], "Tags": pairs}
        rules.append({**rule, **({"Filter": scope} if scope else {})})
    return {"Rules": rules}


def _same_rules(one: Any, other: Any) -> bool:
    lists = [_lifecycle_rules({"rules": rules})["rules"] for rules in (one, other)]
    return same_unordered(*lists)


LIFECYCLE = _companion(
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration",
    noun="BucketLifecycleConfiguration",
    member="LifecycleConfiguration",
    properties=("rules",),
    absent="NoSuchLifecycleConfiguration",
    arrange=_lifecycle_rules,
    told=_told_lifecycle,
    delete=Op("DeleteBucketLifecycle", {"Bucket": "id"}),
    sticky=frozenset({"transitionDefaultMinimumObjectSize"}),
    whole=frozenset({"rules"}),
    equal={"rules": _same_rules},
)


ROWS = (
    BUCKET,
    VERSIONING,
    PUBLIC_ACCESS_BLOCK,
    OWNERSHIP_CONTROLS,
    POLICY,
    ENCRYPTION,
    LIFECYCLE,
)
