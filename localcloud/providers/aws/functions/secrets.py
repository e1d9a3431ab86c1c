"""Functions about secrets and parameters: their versions.

As in the vendor's provider: https://github.com/hashicorp/terraform-provider-aws,
internal/service/secretsmanager/secret_versions_data_source.go and
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


FUNCTIONS: dict[str, Function] = {
    "aws:secretsmanager/getSecretVersions:getSecretVersions": secret_versions,
    "aws:ssm/getParameter:getParameter": parameter,
}
