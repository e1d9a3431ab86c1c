"""The firewall's log: where it goes, who writes it, and what stays out of it.

https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html
"""

from __future__ import annotations

import json
from functools import cache

from tests.unit.infra.recorder import ACCOUNT, REGION, Recording, record

GROUP = "aws-waf-logs-fargate-cd-dev"
ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}"


@cache
def made() -> Recording:
    return record({"waf": "true", "waf_logs": "true", "customer_managed_key": "true"})


def test_the_log_goes_into_a_group_of_the_firewalls_own_name() -> None:
    group = made().one("LogGroup", "waf-log").inputs
    assert group["name"] == GROUP
    assert ":key/" in group["kmsKeyId"]
    logging = made().one("WebAclLoggingConfiguration").inputs
    (destination,) = logging["logDestinationConfigs"]
    assert "waf-log" in destination
    assert ":webacl/" in logging["resourceArn"]
    redacted = [each["singleHeader"]["name"] for each in logging["redactedFields"]]
    assert redacted == ["authorization", "cookie"]


def test_log_delivery_may_write_that_group_for_this_account_alone() -> None:
    resource = made().one("LogResourcePolicy").inputs
    (statement,) = json.loads(resource["policyDocument"])["Statement"]
    assert statement["Principal"] == {"Service": "delivery.logs.amazonaws.com"}
    assert statement["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert statement["Resource"] == [f"{ARN}:log-stream:*"]
    assert statement["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:*"},
    }
    waits = made().one("WebAclLoggingConfiguration").depends_on
    assert any(urn.endswith("::waf-log-policy") for urn in waits)


def test_the_key_lets_the_log_service_use_it_for_that_group_too() -> None:
    statements = json.loads(made().one("Key").inputs["policy"])["Statement"]
    (logs,) = [each for each in statements if each["Sid"] == "Logs"]
    groups = logs["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert groups == [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/ecs/fargate-cd-dev*", ARN]


def test_a_firewall_alone_logs_nothing() -> None:
    recording = record({"waf": "true"})
    assert recording.of("WebAclLoggingConfiguration") == []
    assert recording.of("LogResourcePolicy") == []
