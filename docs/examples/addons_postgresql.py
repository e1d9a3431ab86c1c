"""addons.py: a PostgreSQL of RDS, whose password RDS makes, keeps and rotates."""

import pulumi
import pulumi_aws as aws

from infra.addons import Addons, Egress
from infra.place import Place


def addons(place: Place) -> Addons:
    group = aws.ec2.SecurityGroup(
        "database",
        name=place.name("database"),
        description="The database: the tasks alone",
        vpc_id=place.vpc_id,
        ingress=[
            aws.ec2.SecurityGroupIngressArgs(
                description="The tasks",
                protocol="tcp",
                from_port=5432,
                to_port=5432,
                security_groups=[place.task_group_id],
            )
        ],
        tags=dict(place.tags),
    )
    subnets = aws.rds.SubnetGroup(
        "database",
        name=place.name("database"),
        subnet_ids=place.subnet_ids,
        tags=dict(place.tags),
    )
    database = aws.rds.Instance(
        "database",
        identifier=place.name("database"),
        engine="postgres",
        engine_version="16",
        instance_class="db.t4g.micro",
        allocated_storage=20,
        storage_type="gp3",
        storage_encrypted=True,
        db_name="shop",
        username="shop",
        manage_master_user_password=True,
        db_subnet_group_name=subnets.name,
        vpc_security_group_ids=[group.id],
        publicly_accessible=False,
        backup_retention_period=7,
        deletion_protection=place.protect,
        skip_final_snapshot=not place.protect,
        final_snapshot_identifier=place.name("database-last"),
        tags=dict(place.tags),
        opts=pulumi.ResourceOptions(protect=place.protect),
    )
    secret = database.master_user_secrets.apply(lambda found: found[0].secret_arn)
    return Addons(
        variables={
            "DATABASE_HOST": database.address,
            "DATABASE_PORT": "5432",
            "DATABASE_NAME": "shop",
            "DATABASE_USER": "shop",
        },
        secrets={"DATABASE_PASSWORD": pulumi.Output.concat(secret, ":password::")},
        egress=[Egress(5432, group.id)],
        needs=[database],
    )
