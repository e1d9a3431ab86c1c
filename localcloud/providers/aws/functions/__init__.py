"""Functions of the package: what programs, and components such as awsx, look up."""

from __future__ import annotations

from localcloud.providers.aws.functions import account, balancing, containers, network, secrets
from localcloud.providers.aws.functions.invocation import Function, Invocation

__all__ = ["FUNCTIONS", "Function", "Invocation"]

FUNCTIONS: dict[str, Function] = {
    **account.FUNCTIONS,
    **balancing.FUNCTIONS,
    **containers.FUNCTIONS,
    **network.FUNCTIONS,
    **secrets.FUNCTIONS,
}
