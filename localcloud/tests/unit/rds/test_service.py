"""What RDS of the local cloud refuses, and what it makes of the emulator's instances."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from localcloud.rds import service
from localcloud.shared.service import Call, ServiceError

REGION, ACCOUNT = "us-east-1", "123456789012"
INSTANCE: dict[str, Any] = {
    "DBInstanceIdentifier": "shop",
    "DBInstanceClass": "db.t4g.micro",
    "Engine": "postgres",
    "EngineVersion": "16",
    "AllocatedStorage": 20,
    "DBName": "orders",
    "MasterUsername": "owner",
    "ManageMasterUserPassword": True,
}


def call(operation: str, **given: Any) -> Call:
    return Call("rds", operation, given, REGION, ACCOUNT, "root")


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "an operation": ("CreateDBCluster", {}, "PostgreSQL instances of RDS alone"),
    "a snapshot": ("CreateDBSnapshot", {}, "Try it on AWS"),
    "several zones": ("CreateDBInstance", {**INSTANCE, "MultiAZ": True}, "honour MultiAZ"),
    "a public address": (
        "CreateDBInstance",
        {**INSTANCE, "PubliclyAccessible": True},
        "honour PubliclyAccessible",
    ),
    "another password": (
        "ModifyDBInstance",
        {"DBInstanceIdentifier": "shop", "MasterUserPassword": "new"},
        "honour MasterUserPassword",
    ),
}


@pytest.mark.parametrize(("operation", "given", "words"), REFUSED.values(), ids=REFUSED)
def test_what_no_server_stands_in_for_is_refused(
    operation: str, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ServiceError, match=words):
        service._refuse_unsupported(call(operation, **given))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"Engine": "mysql"}, "runs the engine postgres, not mysql"),
        ({"MasterUsername": ""}, "Invalid master user name"),
        ({"MasterUserPassword": "also"}, "either MasterUserPassword or Manage"),
        ({"ManageMasterUserPassword": False}, "either MasterUserPassword or Manage"),
    ],
    ids=["engine", "user", "two passwords", "no password"],
)
def test_an_instance_must_be_whole(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ServiceError, match=words):
        service._check_instance(call("CreateDBInstance", **(INSTANCE | change)))


def test_what_the_example_asks_for_is_supported() -> None:
    wanted = {**INSTANCE, "PubliclyAccessible": False, "StorageType": "gp3", "Tags": []}
    service._refuse_unsupported(call("CreateDBInstance", **wanted))
    service._check_instance(call("CreateDBInstance", **INSTANCE))


@pytest.fixture
def rds(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("rds", region_name=REGION)


def test_a_server_has_the_password_of_the_managed_secret(rds: Any) -> None:
    service._give_secrets_passwords()
    made = rds.create_db_instance(**INSTANCE)["DBInstance"]
    arn = made["MasterUserSecret"]["SecretArn"]
    kept = boto3.client("secretsmanager", region_name=REGION).get_secret_value(SecretId=arn)
    (found,) = service._instances()
    database = service._database(found)
    expected = {"username": "owner", "password": database.password}
    assert json.loads(kept["SecretString"]) == expected
    assert len(database.password) > 20
    assert (database.address, database.port) == (made["Endpoint"]["Address"], 5432)
    assert (database.name, database.version) == ("orders", "16")


def test_a_subnet_group_in_use_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    used = SimpleNamespace(db_subnet_group_name="shop")
    monkeypatch.setattr(service, "_instances", lambda: [used])
    with pytest.raises(ServiceError, match="is in use"):
        service._check_unused(call("DeleteDBSubnetGroup", DBSubnetGroupName="Shop"))
    service._check_unused(call("DeleteDBSubnetGroup", DBSubnetGroupName="other"))
