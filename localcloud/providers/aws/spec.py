"""What a row of the table says of a resource type, and a resource during one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from localcloud.providers.aws.calls import Api, search

Values = dict[str, Any]


@dataclass(frozen=True)
class Op:
    """One call of the row's service.

    Attributes:
        name: botocore's operation.
        arguments: member → JMESPath over the resource: `id`, `region`, `account`, `inputs` (by
            Pulumi's names), `outputs` (the state), and in a row of tags those that change as
            `pairs`, `lower`, `map`, `keys`, and all as `every` and `everyLower`.
    """

    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """What brings some properties of an existing resource in line with its inputs.

    Attributes:
        run: the call, or a function where one call is not enough: it gets the resource and the
            inputs before (empty at the creation).
        properties: those it is responsible for; None: all that the call's input has members for.
        changed_only: send what changed, not all of `properties`.
    """

    run: Op | Callable[[Resource, Values], None]
    properties: tuple[str, ...] | None = None
    changed_only: bool = False


@dataclass(frozen=True)
class Wait:
    """Until when a resource is not usable.

    Attributes:
        value: JMESPath over what `read` found.
        ready: the values that end the wait.
        failed: the values that end it with an error.
        reason: JMESPath over what was found: why it failed.
        timeout: seconds.
    """

    value: str
    ready: frozenset[Any]
    failed: frozenset[Any] = frozenset()
    reason: str = "@"
    timeout: float = 600


@dataclass(frozen=True)
class AutoName:
    """How a name is made where the program gives none: logical name, `-`, 7 hex digits.

    Attributes:
        length: the most characters that the service allows.
        property: the input that holds the name.
        joint: what stands between the logical name and the digits.
        lower: whether the service refuses capitals.
        prefix, suffix: what the service wants at the beginning and at the end.
    """

    length: int
    property: str = "name"
    joint: str = "-"
    lower: bool = False
    prefix: str = ""
    suffix: str = ""


@dataclass(frozen=True)
class Tagging:
    """How a service takes, changes and tells tags.

    Attributes:
        at_create: JMESPath that makes the members to merge into the create call; None: `add` after.
        add, remove: the calls that change them.
        found: JMESPath over what `read` found (or over the answer of `read`, if given).
        read: the call that lists them, where the resource's description does not hold them.
        untagged: the error codes by which `read` says that there are none.
        untold: the error codes of a cloud that keeps no tags of this type; those that were set
            last are taken for the present ones.
    """

    add: Op
    remove: Op
    at_create: str | None = None
    found: str = "Tags"
    read: Op | None = None
    untagged: frozenset[str] = frozenset()
    untold: frozenset[str] = frozenset()


def tagged_by_arn(
    member: str, arn: str = "outputs.arn", tags: str = "Tags", form: str = "pairs", **more: Any
) -> Tagging:
    """Tags by `TagResource`, `UntagResource` and `ListTagsForResource`, as most services have them.

    Args:
        member: the parameter that takes the ARN.
        arn: JMESPath of it over the resource.
        tags: the parameter that takes the tags, at the creation too.
        form: of the tags, see `Op`.
        more: what is different, by the attributes of `Tagging`.
    """
    keys = "tagKeys" if tags.islower() else "TagKeys"
    usual = Tagging(
        at_create=f"{{{tags}: {form}}}",
        add=Op("TagResource", {member: arn, tags: form}),
        remove=Op("UntagResource", {member: arn, keys: "keys"}),
        read=Op("ListTagsForResource", {member: arn}),
        found=tags,
    )
    return replace(usual, **more)


@dataclass(frozen=True)
class Spec:
    """One resource type.

    An input has its place in the member of the create call that is spelled alike (or that `names`
    tells), in a step of `update`, or in `local`; any other is refused. An input that no step
    covers forces a replacement.

    Attributes:
        token: Pulumi's type.
        service: botocore's service.
        create: the call, or a function that makes or adopts the thing and returns its id.
        read: the call, or a function that returns the thing, or None if it is absent.
        found: JMESPath over the answer of `read`: the one description, or null if absent.
        id: JMESPath over the answer of `create`, with `inputs` beside it.
        update: the steps, in order.
        delete: the call, a function, or None if nothing has to be done.
        names: property path → member, where they are not spelled alike.
        outputs: property → JMESPath over the description.
        formats: property → text with `{id}`, `{region}`, `{account}` or an output in it.
        inputs: those that only functions map; the rest is told by the shapes.
        local: inputs that steer the provider and are not sent.
        omit: members of the create call that no property may reach.
        arranged: members that `prepare` writes and `present` reads, so that no name matches them.
        replaces: inputs that force a replacement though a step's call has a member for them.
        forcing: old and new inputs → those that force a replacement in this very change.
        sticky: inputs that AWS chooses when they are not given; taking one away changes nothing.
        defaults: what the vendor's provider takes when nothing is given.
        nested: block, or list of blocks → what the vendor's provider takes for what is left out of
            a given one; a block in a block is named by its path, `target.retryPolicy`.
        whole: properties in whose blocks AWS fills in nothing, so that what the program did not
            give is a change.
        equal: property → when two values mean the same.
        masked: inputs that AWS tells in another way than they were given. The vendor's provider
            compares with what AWS tells, and so finds a change each time.
        name: how it is named when the program does not.
        taken: describes one of its name, which the vendor's provider then refuses to create.
        tags: how it is tagged, if it can be.
        absent: the error codes that mean that it is not there.
        prepare: arranges inputs before they are matched with the create and update calls.
        present: adds to the properties that were read.
        settle: what to wait for after a create or an update, beyond `ready`.
        ready: until when it is not usable.
        gone: seconds within which it disappears after its deletion; 0: at once.
        retried: error codes that pass by themselves while other things settle.
        imports: a pattern with named groups that tells inputs, and possibly `id`, from an import
            id; an empty one where an id can't tell enough.
        found_id: JMESPath over the description, with `inputs` beside it: its id after an import.
        regional: whether it has an argument `region`.
    """

    token: str
    service: str
    create: Op | Callable[[Resource], str]
    read: Op | Callable[[Resource], Values | None]
    delete: Op | Callable[[Resource], None] | None
    found: str = "@"
    id: str = "id"
    update: tuple[Step, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=dict)
    formats: Mapping[str, str] = field(default_factory=dict)
    inputs: frozenset[str] = frozenset()
    local: frozenset[str] = frozenset()
    omit: frozenset[str] = frozenset()
    arranged: frozenset[str] = frozenset()
    replaces: frozenset[str] = frozenset()
    forcing: Callable[[Values, Values], frozenset[str]] | None = None
    sticky: frozenset[str] = frozenset()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    nested: Mapping[str, Values] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    equal: Mapping[str, Callable[[Any, Any], bool]] = field(default_factory=dict)
    masked: frozenset[str] = frozenset()
    name: AutoName | None = None
    taken: Op | None = None
    tags: Tagging | None = None
    absent: frozenset[str] = frozenset()
    prepare: Callable[[Values], Values] | None = None
    present: Callable[[Resource, Values], Values] | None = None
    settle: Callable[[Resource], None] | None = None
    ready: Wait | None = None
    gone: float = 0
    retried: frozenset[str] = frozenset()
    imports: str | None = None
    found_id: str | None = None
    regional: bool = True

    def __str__(self) -> str:
        return self.token

    @property
    def steering(self) -> frozenset[str]:
        """Inputs that are not sent: the local ones, and the prefix from which a name is made."""
        return self.local | ({f"{self.name.property}Prefix"} if self.name else frozenset())


@dataclass
class Resource:
    """One resource during one request of the engine, for the verbs and the rows' functions.

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
