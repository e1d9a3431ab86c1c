"""Functions about secrets and parameters: their versions."""

from __future__ import annotations

from localcloud.providers.aws.functions.invocation import Function, Invocation
from localcloud.providers.aws.spec import Values


def secret_versions(invocation: Invocation) -> Values:
    """The versions of a secret, without their values."""
    wanted = invocation.take("secretId", "includeDeprecated")
    params = {
        "SecretId": wanted["secretId"],
        "IncludeDeprecated": bool(wanted.get("includeDeprecated")),
    }
    told = invocation.api.call("secretsmanager", "ListSecretVersionIds", params)
    return {
        **wanted,
        "id": told["ARN"],
        "region": invocation.api.region,
        "arn": told["ARN"],
        "secretArn": told["ARN"],
        "name": told["Name"],
        "secretName": told["Name"],
        "versions": [
            {
                "versionId": each["VersionId"],
                "versionStages": each.get("VersionStages", []),
                "createdTime": _moment(each.get("CreatedDate")),
                "lastAccessedDate": _moment(each.get("LastAccessedDate")),
            }
            for each in told["Versions"]
        ],
    }


def _moment(at: object) -> str:
    return "" if at is None else str(at)


def parameter(invocation: Invocation) -> Values:
    """A parameter; encrypted ones stay so unless their decryption is asked for."""
    wanted = invocation.take("name", "withDecryption")
    decrypt = bool(wanted.get("withDecryption", True))
    params = {"Name": wanted["name"], "WithDecryption": decrypt}
    found = invocation.api.call("ssm", "GetParameter", params)["Parameter"]
    return {
        **wanted,
        "id": found["Name"],
        "region": invocation.api.region,
        "arn": found["ARN"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": "" if found["Type"] == "SecureString" else found["Value"],
        "version": found["Version"],
    }


FUNCTIONS: dict[str, Function] = {
    "aws:secretsmanager/getSecretVersions:getSecretVersions": secret_versions,
    "aws:ssm/getParameter:getParameter": parameter,
}
