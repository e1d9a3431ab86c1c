"""From what a caller wrote to the KMS key that is used."""

from __future__ import annotations

from typing import Any

from localcloud.iam.lookups import Lookups, Resolver, find_secret
from localcloud.shared.service import Call


def _key(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """A key's ARN by id, ARN, alias or alias ARN."""
    text = str(value)
    backend = lookups.backend("kms", call.account, call.region)
    wanted = text.split(":", 5)[-1] if text.startswith("arn:") else text
    for key in list(backend.keys.values()):
        if wanted in (key.id, f"key/{key.id}") or wanted in key.aliases:
            return [key.arn]
    return [text]


def _key_of_ciphertext(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The key that made a ciphertext, or the key that the caller named."""
    if not isinstance(value, bytes):
        return _key(value, call, lookups)
    from moto.kms.utils import KEY_ID_LEN

    return _key(value[:KEY_ID_LEN].decode("utf-8", "replace"), call, lookups)


def _alias(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The alias by which a key was named, if it was."""
    del call, lookups
    tail = str(value).split(":", 5)[-1]
    return [tail] if tail.startswith("alias/") else []


def _key_of_bucket(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The key that a call names, or that the bucket encrypts with by default."""
    named = call.input.get("SSEKMSKeyId")
    if named:
        return _customers(named, call, lookups)
    for accounts in list(lookups.every_backend("s3").values()):
        bucket = accounts["aws"].buckets.get(str(value))
        if bucket is not None and bucket.encryption:
            rule = bucket.encryption["Rule"]["ApplyServerSideEncryptionByDefault"]
            return _customers(rule.get("KMSMasterKeyID"), call, lookups)
    return []


def _key_of_secret(value: Any, call: Call, lookups: Lookups) -> list[str]:
    secret = find_secret(str(value), call.account, call.region, lookups)
    return _customers(getattr(secret, "kms_key_id", None), call, lookups)


def _key_of_parameter(value: Any, call: Call, lookups: Lookups) -> list[str]:
    """The key of a SecureString, where its value is to be decrypted."""
    if not call.input.get("WithDecryption"):
        return []
    name = str(value).split(":parameter", 1)[-1] if ":parameter" in str(value) else str(value)
    parameters = lookups.backend("ssm", call.account, call.region)._parameters
    versions = dict.get(parameters, name) or dict.get(parameters, name.lstrip("/"))
    found = versions[-1] if versions else None
    if found is None or found.parameter_type != "SecureString":
        return []
    return _customers(found.keyid, call, lookups)


def _customers(name: Any, call: Call, lookups: Lookups) -> list[str]:
    """The key itself; none for AWS's own keys, which need no permission of the caller."""
    if not name or "alias/aws/" in str(name):
        return []
    return _key(name, call, lookups)


KEY_RESOLVERS: dict[str, Resolver] = {
    "alias": _alias,
    "key": _key,
    "key_of_bucket": _key_of_bucket,
    "key_of_ciphertext": _key_of_ciphertext,
    "key_of_parameter": _key_of_parameter,
    "key_of_secret": _key_of_secret,
}
"""Name in a placeholder → the function that turns the input's value into a key's ARN."""
