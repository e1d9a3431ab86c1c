"""The user's own resources: what `addons.py` at the top of the project makes and gives the tasks.

The file is the user's; this project ships none, and loads it only where it exists. It defines one
function, in plain Pulumi Python:

    from infra.addons import Addons, Grant
    from infra.place import Place

    def addons(place: Place) -> Addons: ...
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pulumi
import pulumi_aws as aws

from infra.settings import permissions, rules, variables

if TYPE_CHECKING:
    from infra.place import Place
    from infra.settings.model import Settings

FILE = Path(__file__).resolve().parents[1] / "addons.py"


class AddonsError(pulumi.RunError):
    """`addons.py` is wrong.

    Args:
        problem: what, and what is allowed.
    """

    def __init__(self, problem: str) -> None:
        super().__init__(f"addons.py: {problem}")


@dataclass(frozen=True)
class Grant:
    """What the application's code may call: like a statement of the setting `permissions`.

    Attributes:
        actions: such as `s3:GetObject`.
        resources: ARNs; those that are not known yet are checked once they are.
        accept_risk: why it is needed although it is refused; empty to keep to the rules.
    """

    actions: Sequence[str]
    resources: Sequence[pulumi.Input[str]]
    accept_risk: str = ""

    def __post_init__(self) -> None:
        self.check([each for each in self.resources if isinstance(each, str)])

    def check(self, resources: Sequence[str]) -> list[str]:
        """The resources, if the code may call the actions on them.

        Args:
            resources: those that are known.

        Raises:
            AddonsError: with the reason.
        """
        if not self.actions or not self.resources:
            raise AddonsError("a Grant needs one action and one resource or more")
        problem = permissions.form(self.actions, resources)
        if not problem and not self.accept_risk.strip():
            problem = permissions.risk(self.actions, resources)
        if problem:
            raise AddonsError(f"Grant({[*self.actions]}): {problem}")
        return [*resources]

    def known(self) -> pulumi.Output[list[str]]:
        """The resources once they are known, checked then."""
        return pulumi.Output.all(*self.resources).apply(self.check)


@dataclass(frozen=True)
class Egress:
    """What the tasks may reach beside HTTPS: like an entry of the setting `egress_ports`.

    Attributes:
        port: a TCP port, or the first and last one of several, such as `6379-6380`.
        group_id: the security group of what is reached.
    """

    port: int | str
    group_id: pulumi.Input[str]

    def __post_init__(self) -> None:
        try:
            rules.port_range(str(self.port))
        except ValueError as error:
            raise AddonsError(f"Egress({self.port!r}): {error}") from error


@dataclass(frozen=True)
class Addons:
    """What the resources of `addons.py` mean for the application.

    Attributes:
        variables: environment variables of every container of the application.
        secrets: environment variable → ARN of a Secrets Manager secret or SSM parameter, which
            ECS reads when a task starts.
        permissions: what the application's code may call.
        egress: what the tasks may reach beside HTTPS.
        queues: process → ARN of the SQS queue that it reads and scales by.
        needs: what must be ready before a task starts, such as a database.
    """

    variables: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    permissions: Sequence[Grant] = ()
    egress: Sequence[Egress] = ()
    queues: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    needs: Sequence[pulumi.Resource] = ()

    def __post_init__(self) -> None:
        plain = {name: text for name, text in self.variables.items() if isinstance(text, str)}
        arns = {name: arn for name, arn in self.secrets.items() if isinstance(arn, str)}
        try:
            variables.environment(plain)
            variables.secrets(arns)
            for name in (*self.variables, *self.secrets):
                variables.check_name(name)
        except ValueError as error:
            raise AddonsError(str(error)) from error
        if twice := sorted(self.variables.keys() & self.secrets.keys()):
            raise AddonsError(f"{', '.join(twice)} must be a variable or a secret, not both")


def load(place: Place, settings: Settings, file: Path | None = None) -> Addons:
    """Run the user's file, if there is one.

    Args:
        place: where its resources are made.
        settings: those with which it must agree.
        file: the file; by default `addons.py` at the top of the project.

    Returns:
        What it says; nothing where there is no file.

    Raises:
        AddonsError: it defines no such function, or contradicts the settings.
    """
    file = file or FILE
    if not file.is_file():
        return Addons()
    made: Any = _function(file)(place)
    if not isinstance(made, Addons):
        raise AddonsError(f"addons(place) must return Addons, not {type(made).__name__}")
    _agree(made, settings)
    return made


def _function(file: Path) -> Callable[[Place], object]:
    spec = importlib.util.spec_from_file_location("addons", file)
    if spec is None or spec.loader is None:
        raise AddonsError("can't be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function = getattr(module, "addons", None)
    if not callable(function):
        raise AddonsError("must define `def addons(place: Place) -> Addons`")
    found: Callable[[Place], object] = function
    return found


def _agree(made: Addons, settings: Settings) -> None:
    for name in (*made.variables, *made.secrets):
        if name in settings.environment or name in settings.secrets:
            raise AddonsError(f"{name} stands in the stack's settings, too: take it out of one")
    for process in made.queues:
        if process not in settings.processes:
            known = ", ".join(sorted(settings.processes)) or "none"
            raise AddonsError(f"queues[{process!r}]: no such process in the settings ({known})")
        if settings.processes[process].queue:
            raise AddonsError(f"queues[{process!r}]: the settings name a queue for it, too")


def open_egress(made: Addons, place: Place) -> list[pulumi.Resource]:
    """The rules of the tasks' security group; they must exist before a task starts."""
    return [
        aws.vpc.SecurityGroupEgressRule(
            f"addons-to-{egress.port}-{number}",
            security_group_id=place.task_group_id,
            description=f"From addons.py: port {egress.port}",
            ip_protocol="tcp",
            from_port=rules.port_bounds(str(egress.port))[0],
            to_port=rules.port_bounds(str(egress.port))[1],
            referenced_security_group_id=egress.group_id,
            tags=dict(place.tags),
        )
        for number, egress in enumerate(made.egress, start=1)
    ]
