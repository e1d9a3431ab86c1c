"""One resource during one request of the engine."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from localcloud.providers.aws.calls import Api, search
from localcloud.providers.aws.spec import Op, Spec, Values, Wait


@dataclass
class Resource:
    """What the verbs and the rows' functions work on.

    Attributes:
        spec: its row.
        api: what it calls AWS with.
        account: the twelve digits of the account.
        id: Pulumi's id; empty before it exists.
        inputs: checked inputs by Pulumi's names.
        outputs: the state by Pulumi's names.
        found: AWS's description, after a read.
    """

    spec: Spec
    api: Api
    account: str
    id: str
    inputs: Values
    outputs: Values = field(default_factory=dict)
    found: Values = field(default_factory=dict)

    def scope(self, **more: Any) -> Values:
        """What a row's JMESPath is evaluated over."""
        return {
            "id": self.id,
            "region": self.api.region,
            "account": self.account,
            "inputs": self.inputs,
            "outputs": self.outputs,
            **more,
        }

    def call(self, operation: str, /, **params: Any) -> Values:
        """Call an operation of the row's service; a parameter that is None is left out."""
        return self.call_of(self.spec.service, operation, **params)

    def call_of(self, of_service: str, operation: str, /, **params: Any) -> Values:
        """Call an operation of any service."""
        given = {name: value for name, value in params.items() if value is not None}
        return self.api.call(of_service, operation, given, self.spec.retried)

    def run(self, operation: Op, members: Values | None = None, **scope: Any) -> Values:
        """Call an operation with its row's arguments and these members."""
        return self.call(operation.name, **self.arguments(operation, **scope), **(members or {}))

    def arguments(self, operation: Op, **scope: Any) -> Values:
        """The arguments that the row tells, those that are null left out."""
        values = {
            member: search(expression, self.scope(**scope))
            for member, expression in operation.arguments.items()
        }
        return {member: value for member, value in values.items() if value is not None}

    def wait(self, wait: Wait, find: Any) -> None:
        """Wait until what `find` returns has one of the wait's values.

        Raises:
            RuntimeError: it has one of the failed values, or is gone.
            TimeoutError: neither in time.
        """
        seen: list[Any] = [None]

        def probe() -> bool:
            found = find()
            if found is None:
                raise RuntimeError(f"{self.id} disappeared while it was being created")
            seen[0] = search(wait.value, found)
            if seen[0] in wait.failed:
                raise RuntimeError(f"{self.id} is {seen[0]}: {search(wait.reason, found)}")
            return seen[0] in wait.ready

        self.api.patience.until(
            probe,
            wait.timeout,
            f"{self.id} to become {' or '.join(sorted(map(str, wait.ready)))}",
            lambda: f"it is {seen[0]}",
        )
