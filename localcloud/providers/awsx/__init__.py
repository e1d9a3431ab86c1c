"""The package `awsx`: the VPC as one component, made of the package `aws`'s resources.

The component is constructed by plain calls to the engine rather than through Pulumi's SDK,
whose settings are global to a process: this server outlives stacks and serves several at once.
"""

from __future__ import annotations

from typing import Any

from pulumi.runtime.proto import provider_pb2

from localcloud.providers.awsx.monitor import Monitor
from localcloud.providers.awsx.vpc import construct_vpc
from localcloud.providers.handler import ProviderError
from localcloud.providers.plugin import Plugin, answers_errors
from localcloud.shared.service import Surroundings

_COMPONENTS = {"awsx:ec2:Vpc": construct_vpc}


class AwsxServicer(Plugin):
    """Constructs the components of the package."""

    constructs = True

    def __init__(self) -> None:
        super().__init__("awsx", "pulumi_awsx")

    @answers_errors
    def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802, ARG002
        construct = _COMPONENTS.get(request.type)
        if construct is None:
            known = ", ".join(_COMPONENTS)
            raise ProviderError(f"the local cloud has no component {request.type}; it has {known}")
        with Monitor(request) as monitor:
            component = construct(monitor, request)
        return provider_pb2.ConstructResponse(
            urn=component.urn,
            state=component.state,
            stateDependencies={
                name: provider_pb2.ConstructResponse.PropertyDependencies(urns=urns)
                for name, urns in component.dependencies.items()
            },
        )


def servicer(surroundings: Surroundings) -> AwsxServicer:  # noqa: ARG001
    """The provider's server side; everything it makes goes through the engine."""
    return AwsxServicer()
