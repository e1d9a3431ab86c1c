"""What pulumi_aws's classes say of a resource type: its inputs and outputs by their wire names."""

from __future__ import annotations

import functools
import importlib
import inspect
from dataclasses import dataclass

from pulumi import _types


@dataclass(frozen=True)
class Sdk:
    """One class of the SDK.

    Attributes:
        inputs: wire names of the arguments.
        required: those without a default.
        outputs: wire names of all properties, inputs included.
    """

    resource: type
    inputs: frozenset[str]
    required: frozenset[str]
    outputs: frozenset[str]


@functools.cache
def sdk(token: str) -> Sdk:
    """The class of a resource type; raises KeyError if the SDK has none."""
    module, _, name = token.removeprefix("aws:").partition("/")
    package = importlib.import_module(f"pulumi_aws.{module}")
    resource = getattr(package, name.partition(":")[2])
    # Of the method alone, since finding a class's source parses its whole module.
    assert f"'{token}'" in inspect.getsource(resource._internal_init)
    defined = importlib.import_module(resource.__module__)
    # A nested type of that name sends the class to another one.
    plain, moved = (f"{resource.__name__}{ending}" for ending in ("Args", "InitArgs"))
    arguments = getattr(defined, moved, None) or getattr(defined, plain)
    wire = _types.input_type_py_to_pulumi_names(arguments)
    required = {
        wire[parameter.name]
        for parameter in inspect.signature(arguments.__init__).parameters.values()
        if parameter.name in wire and parameter.default is inspect.Parameter.empty
    }
    outputs = {
        getattr(value.fget, "_pulumi_name", None) or key
        for key, value in vars(resource).items()
        if isinstance(value, property)
    }
    return Sdk(resource, frozenset(wire.values()), frozenset(required), frozenset(outputs))
