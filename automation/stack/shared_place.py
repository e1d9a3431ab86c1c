"""What a stack shares with an environment, as the driver reads it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from automation.aws.clients import Cloud
from automation.stack.stack_file import StackFile
from infra.names import Names
from infra.settings.host import cluster_name, host_names

if TYPE_CHECKING:
    from infra.shared import Shared


def other_cluster(cloud: Cloud, file: StackFile) -> str:
    """The name of the stack's cluster if its environment did not make that cluster; else empty.

    A stack with `in_environment`, and its previews, run in that environment's cluster.
    """
    settings = file.settings
    if not settings.in_environment:
        return cluster_name(settings, None)
    host = host_names(Names(file.project, file.environment or file.name), settings)
    assert host is not None  # noqa: S101 - the setting names it
    try:
        told = json.loads(_shared_text(cloud, host))
    except (BotoCoreError, ClientError):
        return host.cluster
    return str(told.get("cluster_name", host.cluster))


def shared_place(cloud: Cloud, environment: Names) -> Shared | None:
    """What an environment shares; None where it says nothing.

    Args:
        cloud: the account.
        environment: its names.
    """
    from infra.shared import read

    return read(_shared_text(cloud, environment))


def _shared_text(cloud: Cloud, environment: Names) -> str:
    path = environment.shared_path
    rows = cloud.pages("ssm", "get_parameters_by_path", "Parameters", Path=path)
    told = {row["Name"]: row["Value"] for row in rows}
    return str(told.get(f"{path}/shared", "{}"))
