"""Functions about secrets and parameters: their versions.

As in the vendor's provider: https://github.com/hashicorp/terraform-provider-aws,
internal/service/secretsmanager/secret_version{,s}_data_source.go and
internal/service/ssm/parameter_data_source.go.
"""

from __future__ import annotations

from localcloud.providers.aws.functions.invocation import Function, Invocation, moment
from localcloud.providers.aws.spec import Values


def secret_versions(invocation: Invocation) -> Values:
    """The versions of a secret that have a stage, without their values.

    The vendor's provider takes `includeDeprecated` and does not send it.
    """
    wanted = invocation.take("secretId", "includeDeprecated")
    params = {"SecretId": wanted["secretId"]}
    told = invocation.api.call("secretsmanager", "ListSecretVersionIds", params)
    return {
        **wanted,
        "region": invocation.api.region,
        "arn": told["ARN"],
        "secretArn": told["ARN"],
        "name": told["Name"],
        "secretName": told["Name"],
        "versions": [
            {
                "versionId": each["VersionId"],
                "versionStages": each.get("VersionStages"),
                "createdTime": moment(each.get("CreatedDate")),
                "lastAccessedDate": moment(each.get("LastAccessedDate")),
            }
            for each in told["Versions"]
        ],
    }


def secret_version(invocation: Invocation) -> Values:
    """A version of a secret with its value; by default the current one."""
    wanted = invocation.take("secretId", "versionId", "versionStage")
    params = {"SecretId": wanted["secretId"]}
    if wanted.get("versionId"):
        params["VersionId"] = wanted["versionId"]
    else:
        params["VersionStage"] = wanted.get("versionStage") or "AWSCURRENT"
    told = invocation.api.call("secretsmanager", "GetSecretValue", params)
    return {
        **wanted,
        "id": f"{told['ARN']}|{told['VersionId']}",
        "region": invocation.api.region,
        "arn": told["ARN"],
        "createdDate": moment(told.get("CreatedDate")),
        "secretString": told.get("SecretString", ""),
        "versionId": told["VersionId"],
        "versionStages": told["VersionStages"],
        "secretBinary": "",
    }


def parameter(invocation: Invocation) -> Values:
    """A parameter; encrypted ones stay so unless their decryption is asked for."""
    wanted = invocation.take("name", "withDecryption")
    decrypt = bool(wanted.get("withDecryption", True))
    params = {"Name": wanted["name"], "WithDecryption": decrypt}
    found = invocation.api.call("ssm", "GetParameter", params)["Parameter"]
    return {
        "id": found["Name"],
        "region": invocation.api.region,
        "arn": found["ARN"],
        "name": found["Name"],
        "type": found["Type"],
        "value": found["Value"],
        "insecureValue": None if found["Type"] == "SecureString" else found["Value"],
        "version": found["Version"],
        "withDecryption": decrypt,
    }


def parameters_by_path(invocation: Invocation) -> Values:
    """The parameters below a path, none where there is none."""
    wanted = invocation.take("path", "recursive", "withDecryption")
    asked = {
        "Path": wanted["path"],
        "Recursive": bool(wanted.get("recursive", False)),
        "WithDecryption": bool(wanted.get("withDecryption", True)),
    }
    found: list[Values] = []
    more: Values = {}
    while True:
        page = invocation.api.call("ssm", "GetParametersByPath", {**asked, **more})
        found += page["Parameters"]
        if not page.get("NextToken"):
            break
        more = {"NextToken": page["NextToken"]}
    return {
        "id": wanted["path"],
        "region": invocation.api.region,
        "path": wanted["path"],
        "recursive": wanted.get("recursive"),
        "withDecryption": asked["WithDecryption"],
        "arns": [each["ARN"] for each in found],
        "names": [each["Name"] for each in found],
        "types": [each["Type"] for each in found],
        "values": [each["Value"] for each in found],
    }


FUNCTIONS: dict[str, Function] = {
    "aws:secretsmanager/getSecretVersion:getSecretVersion": secret_version,
    "aws:secretsmanager/getSecretVersions:getSecretVersions": secret_versions,
    "aws:ssm/getParameter:getParameter": parameter,
    "aws:ssm/getParametersByPath:getParametersByPath": parameters_by_path,
}
