"""What the emulator leaves undone after a call that it answers rightly, done here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from localcloud.emulator import Emulator, backends
from localcloud.service import Call, Service, ServiceError


class Ec2Amendments(Service):
    """EC2: what AWS makes or frees along with a resource."""

    name = "ec2"
    emulated = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        self.after: dict[str, Callable[[Call, Mapping[str, Any]], None]] = {
            "CreateVpcEndpoint": self._name_default_type,
            "CreateVpc": self._let_default_group_talk_to_itself,
            "DeleteNatGateway": self._free_gateway,
        }

    def _let_default_group_talk_to_itself(self, call: Call, answer: Mapping[str, Any]) -> None:
        """https://docs.aws.amazon.com/vpc/latest/userguide/default-security-group.html"""
        ec2 = backends("ec2")[call.account][call.region]
        with self._emulator.lock:
            group = ec2.get_security_group_by_name_or_id("default", answer["Vpc"]["VpcId"])
            ec2.authorize_security_group_ingress(
                group_name_or_id=group.id,
                ip_protocol="-1",
                from_port=None,
                to_port=None,
                ip_ranges=[],
                source_groups=[{"GroupId": group.id}],
                vpc_id=answer["Vpc"]["VpcId"],
            )

    def _name_default_type(self, call: Call, answer: Mapping[str, Any]) -> None:
        """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html"""
        endpoints = backends("ec2")[call.account][call.region].vpc_end_points
        endpoint = endpoints[answer["VpcEndpoint"]["VpcEndpointId"]]
        endpoint.vpc_endpoint_type = endpoint.vpc_endpoint_type or "Gateway"

    def _free_gateway(self, call: Call, answer: Mapping[str, Any]) -> None:
        """A deleted NAT gateway gives its address and its network interface back.

        https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html
        """
        ec2 = backends("ec2")[call.account][call.region]
        with self._emulator.lock:
            gateway = ec2.nat_gateways[answer["NatGatewayId"]]
            used = {address.get("allocationId") for address in gateway.address_set}
            for address in ec2.addresses:
                if address.allocation_id in used:
                    address.association_id = address.eni = None
            ec2.enis.pop(gateway._eni.id, None)


class Wafv2Amendments(Service):
    """WAF: which load balancers a web ACL stands in front of."""

    name = "wafv2"
    emulated = True

    def __init__(self) -> None:
        super().__init__()
        self.before = {"AssociateWebACL": self._associate}
        self.handlers = {"ListResourcesForWebACL": self._list_resources}

    def _associate(self, call: Call) -> None:
        """A resource has one web ACL at most; associating another replaces it.

        https://docs.aws.amazon.com/waf/latest/APIReference/API_AssociateWebACL.html
        """
        arn = call.input["ResourceArn"]
        if arn not in _balancers(call):
            raise ServiceError(
                "WAFNonexistentItemException",
                f"AWS WAF couldn't perform the operation because {arn} doesn't exist.",
            )
        backends("wafv2")[call.account][call.region].disassociate_web_acl(arn)

    def _list_resources(self, call: Call) -> Mapping[str, Any]:
        """https://docs.aws.amazon.com/waf/latest/APIReference/API_ListResourcesForWebACL.html"""
        acl = backends("wafv2")[call.account][call.region].wacls.get(call.input["WebACLArn"])
        if acl is None:
            raise ServiceError(
                "WAFNonexistentItemException",
                f"AWS WAF couldn't perform the operation because {call.input['WebACLArn']} "
                "doesn't exist.",
            )
        present = _balancers(call)
        return {"ResourceArns": [arn for arn in acl.associated_resources if arn in present]}


def _balancers(call: Call) -> set[str]:
    return set(backends("elbv2")[call.account][call.region].load_balancers)
