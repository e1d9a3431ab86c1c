"""Functions about load balancers, their listeners and rules.

As in the vendor's provider: https://github.com/hashicorp/terraform-provider-aws,
internal/service/elbv2/{listener_rule,listener,load_balancer}_data_source.go.
"""

from __future__ import annotations

from localcloud.providers.aws.functions.invocation import Function, Invocation
from localcloud.providers.aws.spec import Values

_CONDITIONS = {"host-header": "hostHeaders", "path-pattern": "pathPatterns"}


def listener_rule(invocation: Invocation) -> Values:
    """A rule by its ARN, as it is now: with the weights that ECS has given its target groups."""
    wanted = invocation.take("arn")
    params = {"RuleArns": [wanted["arn"]]}
    rule = invocation.api.call("elbv2", "DescribeRules", params)["Rules"][0]
    described = {"ResourceArns": [wanted["arn"]]}
    tags = invocation.api.call("elbv2", "DescribeTags", described)["TagDescriptions"][0]["Tags"]
    return {
        "arn": rule["RuleArn"],
        "listenerArn": _listener(rule["RuleArn"]),
        "priority": int(rule["Priority"]),
        "region": invocation.api.region,
        "actions": [_action(number, each) for number, each in enumerate(rule["Actions"], 1)],
        "conditions": [_condition(each) for each in rule["Conditions"]],
        "tags": {tag["Key"]: tag["Value"] for tag in tags},
    }


def listener(invocation: Invocation) -> Values:
    """A listener by its ARN."""
    wanted = invocation.take("arn")
    params = {"ListenerArns": [wanted["arn"]]}
    found = invocation.api.call("elbv2", "DescribeListeners", params)["Listeners"][0]
    return {
        "id": found["ListenerArn"],
        "arn": found["ListenerArn"],
        "loadBalancerArn": found["LoadBalancerArn"],
        "port": found["Port"],
        "protocol": found["Protocol"],
        "region": invocation.api.region,
    }


def load_balancer(invocation: Invocation) -> Values:
    """A load balancer by its ARN."""
    wanted = invocation.take("arn", "tags")
    params = {"LoadBalancerArns": [wanted["arn"]]}
    found = invocation.api.call("elbv2", "DescribeLoadBalancers", params)["LoadBalancers"][0]
    arn = found["LoadBalancerArn"]
    return {
        "id": arn,
        "arn": arn,
        "arnSuffix": arn.partition(":loadbalancer/")[2],
        "dnsName": found["DNSName"],
        "internal": found["Scheme"] == "internal",
        "loadBalancerType": found["Type"],
        "name": found["LoadBalancerName"],
        "region": invocation.api.region,
        "securityGroups": found.get("SecurityGroups", []),
        "subnets": [zone["SubnetId"] for zone in found["AvailabilityZones"]],
        "vpcId": found["VpcId"],
        "zoneId": found["CanonicalHostedZoneId"],
    }


def _listener(rule_arn: str) -> str:
    return rule_arn.rpartition("/")[0].replace(":listener-rule/", ":listener/")


def _action(number: int, action: Values) -> Values:
    if action["Type"] != "forward":
        raise ValueError(f"the local cloud does not map rules with the action {action['Type']}")
    forward = action["ForwardConfig"]
    stickiness = forward.get("TargetGroupStickinessConfig") or {}
    return {
        "type": action["Type"],
        "order": action.get("Order", number),
        "forwards": [
            {
                "targetGroups": [
                    {"arn": group["TargetGroupArn"], "weight": group.get("Weight", 1)}
                    for group in forward["TargetGroups"]
                ],
                "stickinesses": [
                    {
                        "enabled": stickiness.get("Enabled", False),
                        "duration": stickiness.get("DurationSeconds", 0),
                    }
                ],
            }
        ],
    }


def _condition(condition: Values) -> Values:
    field = _CONDITIONS.get(condition["Field"])
    if field is None:
        raise ValueError(f"the local cloud does not map the condition {condition['Field']}")
    member = field[0].upper() + field[1:-1] + "Config"
    values = condition.get(member, condition)["Values"]
    return {field: [{"values": list(values)}]}


FUNCTIONS: dict[str, Function] = {
    "aws:lb/getListenerRule:getListenerRule": listener_rule,
    "aws:lb/getListener:getListener": listener,
    "aws:lb/getLoadBalancer:getLoadBalancer": load_balancer,
}
