"""Rows of RDS: database instances and subnet groups.

https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.spec import AutoName, Op, Resource, Spec, Step, Tagging, Values, Wait

MANAGED_BY_PULUMI = "Managed by Pulumi"
TAGS = Tagging(
    at_create="{Tags: pairs}",
    add=Op("AddTagsToResource", {"ResourceName": "outputs.arn", "Tags": "pairs"}),
    remove=Op("RemoveTagsFromResource", {"ResourceName": "outputs.arn", "TagKeys": "keys"}),
    read=Op("ListTagsForResource", {"ResourceName": "outputs.arn"}),
    found="TagList",
)


def _delete(resource: Resource) -> None:
    """With a last snapshot, unless the program says that none is wanted."""
    told = resource.outputs
    last: Values = {"SkipFinalSnapshot": True}
    if not told.get("skipFinalSnapshot"):
        last = {
            "SkipFinalSnapshot": False,
            "FinalDBSnapshotIdentifier": told["finalSnapshotIdentifier"],
        }
    resource.call("DeleteDBInstance", DBInstanceIdentifier=resource.id, **last)


def _told(_resource: Resource, found: Values) -> Values:
    endpoint = found.get("Endpoint", {})
    address, port = endpoint.get("Address", ""), endpoint.get("Port", 0)
    kept = found.get("MasterUserSecret") or {}
    told: Values = {
        "address": address,
        "port": port,
        "endpoint": f"{address}:{port}",
        "dbSubnetGroupName": found.get("DBSubnetGroup", {}).get("DBSubnetGroupName", ""),
        "vpcSecurityGroupIds": [
            each["VpcSecurityGroupId"] for each in found.get("VpcSecurityGroups", [])
        ],
        "masterUserSecrets": [],
    }
    if kept:
        told["masterUserSecrets"] = [
            {
                "secretArn": kept["SecretArn"],
                "secretStatus": kept["SecretStatus"],
                "kmsKeyId": kept.get("KmsKeyId", ""),
            }
        ]
    return told


INSTANCE = Spec(
    "aws:rds/instance:Instance",
    "rds",
    create=Op("CreateDBInstance"),
    read=Op("DescribeDBInstances", {"DBInstanceIdentifier": "id"}),
    delete=_delete,
    id="DBInstance.DBInstanceIdentifier",
    found="DBInstances[0]",
    found_id="DBInstanceIdentifier",
    names={
        "backupWindow": "PreferredBackupWindow",
        "identifier": "DBInstanceIdentifier",
        "maintenanceWindow": "PreferredMaintenanceWindow",
        "multiAz": "MultiAZ",
        "instanceClass": "DBInstanceClass",
        "username": "MasterUsername",
        "password": "MasterUserPassword",
    },
    omit=frozenset(
        {
            "AdditionalStorageVolumes",
            "AutomationMode",
            "AwsBackupRecoveryPointArn",
            "CACertificateIdentifier",
            "DBCapacityReservationIdentifier",
            "DBClusterIdentifier",
            "DBSecurityGroups",
            "DBSystemId",
            "MultiTenant",
            "PerformanceInsightsKMSKeyId",
            "ProcessorFeatures",
            "PromotionTier",
            "TdeCredentialArn",
        }
    ),
    local=frozenset(
        {
            "applyImmediately",
            "deleteAutomatedBackups",
            "finalSnapshotIdentifier",
            "skipFinalSnapshot",
        }
    ),
    update=(
        Step(
            Op("ModifyDBInstance", {"DBInstanceIdentifier": "id", "ApplyImmediately": "`true`"}),
            properties=(
                "allocatedStorage",
                "autoMinorVersionUpgrade",
                "backupRetentionPeriod",
                "copyTagsToSnapshot",
                "deletionProtection",
                "instanceClass",
                "vpcSecurityGroupIds",
            ),
            changed_only=True,
        ),
    ),
    defaults={
        "autoMinorVersionUpgrade": True,
        "copyTagsToSnapshot": False,
        "deleteAutomatedBackups": True,
        "publiclyAccessible": False,
        "skipFinalSnapshot": False,
    },
    outputs={
        "arn": "DBInstanceArn",
        "engineVersionActual": "EngineVersion",
        "resourceId": "DbiResourceId",
        "status": "DBInstanceStatus",
    },
    present=_told,
    sticky=frozenset(
        {
            "address",
            "allocatedStorage",
            "availabilityZone",
            "backupRetentionPeriod",
            "backupWindow",
            "dbName",
            "dbSubnetGroupName",
            "endpoint",
            "kmsKeyId",
            "licenseModel",
            "engineVersion",
            "identifier",
            "maintenanceWindow",
            "multiAz",
            "masterUserSecrets",
            "port",
            "storageType",
            "vpcSecurityGroupIds",
        }
    ),
    ready=Wait("DBInstanceStatus", frozenset({"available"}), frozenset({"failed"}), timeout=1800),
    gone=600,
    name=AutoName(63, property="identifier", lower=True),
    tags=TAGS,
    absent=frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"}),
)

SUBNET_GROUP = Spec(
    "aws:rds/subnetGroup:SubnetGroup",
    "rds",
    create=Op("CreateDBSubnetGroup"),
    read=Op("DescribeDBSubnetGroups", {"DBSubnetGroupName": "id"}),
    delete=Op("DeleteDBSubnetGroup", {"DBSubnetGroupName": "id"}),
    id="DBSubnetGroup.DBSubnetGroupName",
    found="DBSubnetGroups[0]",
    found_id="DBSubnetGroupName",
    names={"name": "DBSubnetGroupName", "description": "DBSubnetGroupDescription"},
    update=(
        Step(
            Op("ModifyDBSubnetGroup", {"DBSubnetGroupName": "id"}),
            properties=("description", "subnetIds"),
        ),
    ),
    defaults={"description": MANAGED_BY_PULUMI},
    outputs={"arn": "DBSubnetGroupArn", "vpcId": "VpcId"},
    present=lambda _, found: {
        "subnetIds": [each["SubnetIdentifier"] for each in found.get("Subnets", [])]
    },
    name=AutoName(255, lower=True),
    tags=TAGS,
    absent=frozenset({"DBSubnetGroupNotFoundFault", "DBSubnetGroupNotFound"}),
)

ROWS = (INSTANCE, SUBNET_GROUP)
