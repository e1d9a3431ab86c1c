"""RDS: the emulator answers the calls, and a container stands in for each PostgreSQL instance.

The instance is `creating` until its server takes connections, and its address is the container's
name on the network of the tasks. What is asked for beyond that is refused in words.
https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html
"""

from __future__ import annotations

import json
import logging
import secrets
import sys
import threading
from collections.abc import Mapping
from typing import Any

from docker.errors import DockerException

from localcloud.emulator.emulator import backends
from localcloud.rds.servers import Database, Servers
from localcloud.shared.base_image import BaseImageError
from localcloud.shared.service import Call, Service, ServiceError, Surroundings
from localcloud.shared.supported_members import not_honoured

log = logging.getLogger(__name__)

ENGINE = "postgres"
SUPPORTED: Mapping[str, str] = {
    "CreateDBInstance": (
        "DBInstanceIdentifier DBInstanceClass Engine EngineVersion AllocatedStorage StorageType "
        "StorageEncrypted KmsKeyId DBName MasterUsername ManageMasterUserPassword "
        "MasterUserPassword DBSubnetGroupName VpcSecurityGroupIds Port BackupRetentionPeriod "
        "DeletionProtection CopyTagsToSnapshot AutoMinorVersionUpgrade MaxAllocatedStorage "
        "PreferredBackupWindow PreferredMaintenanceWindow Tags"
    ),
    "DescribeDBInstances": "DBInstanceIdentifier Filters MaxRecords Marker",
    "ModifyDBInstance": (
        "DBInstanceIdentifier ApplyImmediately DBInstanceClass AllocatedStorage "
        "BackupRetentionPeriod DeletionProtection CopyTagsToSnapshot AutoMinorVersionUpgrade "
        "MaxAllocatedStorage PreferredBackupWindow PreferredMaintenanceWindow VpcSecurityGroupIds"
    ),
    "DeleteDBInstance": (
        "DBInstanceIdentifier SkipFinalSnapshot FinalDBSnapshotIdentifier DeleteAutomatedBackups"
    ),
    "CreateDBSubnetGroup": "DBSubnetGroupName DBSubnetGroupDescription SubnetIds Tags",
    "DescribeDBSubnetGroups": "DBSubnetGroupName Filters MaxRecords Marker",
    "DeleteDBSubnetGroup": "DBSubnetGroupName",
    "AddTagsToResource": "ResourceName Tags",
    "RemoveTagsFromResource": "ResourceName TagKeys",
    "ListTagsForResource": "ResourceName Filters",
}
"""Operation → the members that are honoured."""


class Rds(Service):
    """Amazon RDS.

    Args:
        surroundings: the local cloud around it.
    """

    name = "rds"
    emulated = True

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__()
        self._servers = Servers(surroundings.instance, surroundings.docker_network)
        self.before = {
            "*": _refuse_unsupported,
            "CreateDBInstance": _check_instance,
            "DeleteDBSubnetGroup": _check_unused,
        }
        self.after = {"CreateDBInstance": self._created, "DeleteDBInstance": self._deleted}

    def start(self) -> None:
        """Run the servers of the instances that are there, and remove all others."""
        known = _instances() if "moto.rds.models" in sys.modules else []
        self._servers.remove_all_but({_database(each).key for each in known})
        for instance in known:
            self._begin(instance)

    def _created(self, call: Call, answer: Mapping[str, Any]) -> None:
        instances = backends(self.name)[call.account][call.region].databases
        self._begin(instances[answer["DBInstance"]["DBInstanceIdentifier"]])

    def _begin(self, instance: Any) -> None:
        """Start the instance's server beside, since its image may have to be made first."""
        instance.status = "creating"
        threading.Thread(target=self._run, args=(instance,), daemon=True, name="rds").start()

    def _run(self, instance: Any) -> None:
        database = _database(instance)
        try:
            self._servers.run(database)
        except (DockerException, BaseImageError, OSError) as error:
            log.exception("the server of %s does not start: %s", instance.arn, error)
            instance.status = "failed"
            return
        if instance in _instances():
            instance.status = "available"
        else:  # it was deleted meanwhile
            self._servers.remove(database.key)

    def _deleted(self, call: Call, answer: Mapping[str, Any]) -> None:
        self._servers.remove(_key(call.region, answer["DBInstance"]["DBInstanceIdentifier"]))


def _refuse_unsupported(call: Call) -> None:
    if call.operation not in SUPPORTED:
        raise ServiceError(
            "InvalidAction",
            f"The local cloud has PostgreSQL instances of RDS alone, not {call.operation}. "
            "Try it on AWS.",
        )
    for path in not_honoured(SUPPORTED[call.operation], call.input):
        raise _refused(f"The local cloud does not honour {path} of {call.operation}. Leave it out")


def _check_instance(call: Call) -> None:
    """An instance that a server can stand in for; and a password for its master user."""
    given = call.input
    if given["Engine"] != ENGINE:
        raise _refused(f"The local cloud runs the engine {ENGINE}, not {given['Engine']}")
    if not given.get("MasterUsername"):
        raise ServiceError("InvalidParameterValue", "Invalid master user name")
    if bool(given.get("ManageMasterUserPassword")) == bool(given.get("MasterUserPassword")):
        raise ServiceError(
            "InvalidParameterCombination",
            "You must specify either MasterUserPassword or ManageMasterUserPassword.",
        )
    _give_secrets_passwords()


def _refused(words: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", f"{words}, or try it on AWS.")


def _check_unused(call: Call) -> None:
    """https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBSubnetGroup.html"""
    name = call.input["DBSubnetGroupName"].lower()
    if any(each.db_subnet_group_name == name for each in _instances()):
        raise ServiceError(
            "InvalidDBSubnetGroupStateFault", f"The DB subnet group {name} is in use."
        )


def _give_secrets_passwords() -> None:
    """The emulator gives every managed secret the same user and password."""
    from moto.rds.models import MasterUserSecret

    def made(self: Any) -> str:
        user = self.resource.master_username
        return json.dumps({"username": user, "password": secrets.token_urlsafe(24)})

    setattr(MasterUserSecret, "_generate_secret_string", made)  # noqa: B010 -- replaced on purpose


def _instances() -> list[Any]:
    """The emulator's instances of all regions."""
    found: Any = backends("rds").iter_backends()
    return [each for _, _, backend in found for each in backend.databases.values()]


def _key(region: str, identifier: str) -> str:
    """What tells an instance from the others."""
    return f"{region}-{identifier}"


def _database(instance: Any) -> Database:
    """What a server has to be, from the emulator's instance."""
    if instance.manage_master_user_password:
        stored = instance.master_user_secret.secret
        version = stored.versions[stored.default_version_id]
        password = json.loads(version["secret_string"])["password"]
    else:
        password = instance.master_user_password
    return Database(
        key=_key(instance.region, instance.db_instance_identifier),
        address=instance.address,
        port=int(instance.port),
        version=str(instance.engine_version),
        user=instance.master_username,
        password=password,
        name=instance.db_name or "",
    )
