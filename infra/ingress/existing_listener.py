"""An existing listener, to which a service adds a rule."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi_aws as aws

from infra.settings.model import NAMESPACE, SettingsError
from infra.shared import Shared


@dataclass(frozen=True)
class ExistingListener:
    """A listener and its load balancer.

    Attributes:
        listener_arn: the listener.
        balancer_arn: its load balancer.
        balancer_name: the load balancer's own host name.
        group_id: its security group.
        internal: whether it has no public address.
        url: where it answers, without a path.
        of_environment: whether it belongs to an environment of this program, whose group may let
            requests out to further tasks; nothing of anybody else is changed.
    """

    listener_arn: str
    balancer_arn: str
    balancer_name: str
    group_id: str
    internal: bool
    url: str
    of_environment: bool

    @property
    def balancer_suffix(self) -> str:
        """The load balancer's part of CloudWatch's dimensions."""
        return self.balancer_arn.partition(":loadbalancer/")[2]

    @classmethod
    def of_shared(cls, shared: Shared) -> ExistingListener:
        """The listener of an environment."""
        return cls(
            listener_arn=shared.listener_arn,
            balancer_arn=shared.balancer_arn,
            balancer_name=shared.balancer_name,
            group_id=shared.balancer_group_id,
            internal=shared.internal,
            url=shared.url,
            of_environment=True,
        )

    @classmethod
    def at(cls, listener_arn: str) -> ExistingListener:
        """Return the listener with this ARN.

        Raises:
            SettingsError: its load balancer has no security group, by which tasks let it in.
        """
        listener = aws.lb.get_listener(arn=listener_arn)
        balancer = aws.lb.get_load_balancer(arn=listener.load_balancer_arn)
        if not balancer.security_groups:
            raise SettingsError(
                [
                    f"{NAMESPACE}:listener_arn = {listener_arn!r}: its load balancer needs a "
                    "security group, which the tasks let in"
                ]
            )
        scheme, port = listener.protocol.lower(), listener.port
        usual = {"http": 80, "https": 443}.get(scheme)
        return cls(
            listener_arn=listener_arn,
            balancer_arn=balancer.arn,
            balancer_name=balancer.dns_name,
            group_id=sorted(balancer.security_groups)[0],
            internal=balancer.internal,
            url=f"{scheme}://{balancer.dns_name}{'' if port == usual else f':{port}'}",
            of_environment=False,
        )
