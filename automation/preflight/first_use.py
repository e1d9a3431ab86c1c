"""What a new account lacks: service-linked roles, and a completed connection to GitHub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from botocore.exceptions import ClientError

from automation.aws.clients import NO_ANSWER, Cloud, error_code
from automation.diagnosis.diagnosis import Diagnosis
from automation.preflight.permissions import simulated
from automation.preflight.plan import Plan

SERVICE_LINKED_ROLES: Mapping[str, str] = {
    "AWSServiceRoleForECS": "ecs.amazonaws.com",
    "AWSServiceRoleForElasticLoadBalancing": "elasticloadbalancing.amazonaws.com",
    "AWSServiceRoleForApplicationAutoScaling_ECSService": (
        "ecs.application-autoscaling.amazonaws.com"
    ),
}
"""Role → the service that owns it. AWS creates the role at the service's first use, if the caller
has the permission `iam:CreateServiceLinkedRole`.
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/using-service-linked-roles.html
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-service-linked-roles.html
https://docs.aws.amazon.com/autoscaling/application/userguide/application-auto-scaling-service-linked-roles.html
"""

CREATE = "iam:CreateServiceLinkedRole"
AVAILABLE = "AVAILABLE"


def service_linked_roles(planned: Plan) -> Iterator[Diagnosis]:
    """Roles that the account lacks and that this user may not let the services make."""
    if planned.session.target.free or not planned.new:
        return
    for name in missing_roles(planned.cloud):
        service = SERVICE_LINKED_ROLES[name]
        if _is_denied(planned, name, service):
            yield Diagnosis(
                f"The account has no service-linked role {name}, and you may not make it.",
                [f"{CREATE} is not allowed"],
                f"ask your administrator to run `{create_command(name)}`, once for the account",
                name="service-linked role missing",
            )


def create_command(name: str) -> str:
    """Return the command of the AWS CLI that creates a service-linked role."""
    service = SERVICE_LINKED_ROLES[name]
    return f"aws iam create-service-linked-role --aws-service-name {service}"


def missing_roles(cloud: Cloud) -> list[str]:
    """The service-linked roles that the account lacks, as far as the caller may ask."""
    return [name for name in SERVICE_LINKED_ROLES if _lacks(cloud, name)]


def _lacks(cloud: Cloud, name: str) -> bool:
    try:
        cloud.client("iam").get_role(RoleName=name)
    except ClientError as error:
        if error_code(error) not in NO_ANSWER | {"NoSuchEntity"}:
            raise
        return error_code(error) == "NoSuchEntity"
    return False


def _is_denied(planned: Plan, name: str, service: str) -> bool:
    caller = str(planned.cloud.client("sts").get_caller_identity()["Arn"]).split(":")
    role = f"arn:{caller[1]}:iam::{caller[4]}:role/aws-service-role/{service}/{name}"
    _, rows = simulated(planned, (CREATE,), role, iam_AWSServiceName=service)
    return any(
        row["EvalDecision"] != "allowed" and not row.get("MissingContextValues") for row in rows
    )


def connection(planned: Plan) -> Iterator[Diagnosis]:
    """A connection to GitHub that does not exist, or that nobody has finished.

    https://docs.aws.amazon.com/dtconsole/latest/userguide/connections-update.html
    """
    arn = planned.settings.connection_arn
    if not arn:
        return
    try:
        found = planned.cloud.client("codeconnections").get_connection(ConnectionArn=arn)
    except ClientError as error:
        if error_code(error) not in NO_ANSWER | {"ResourceNotFoundException"}:
            raise
        if error_code(error) == "ResourceNotFoundException":
            yield Diagnosis(
                f"There is no connection {arn}.",
                setting="fargate-cd:connection_arn: one that `aws codeconnections "
                "list-connections` shows",
                name="connection not found",
            )
        return
    status = found["Connection"]["ConnectionStatus"]
    if status != AVAILABLE:
        yield Diagnosis(
            f"The connection {arn} is {status}: the pipeline could not read the repository.",
            setting="finish it in the console (Developer Tools, Connections, Update pending "
            "connection); only a person can",
            name="connection not ready",
        )
