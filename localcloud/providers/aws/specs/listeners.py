"""Rows of a load balancer's listeners, their rules and certificates.

https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_unordered
from localcloud.providers.aws.spec import Op, Resource, Spec, Step, Values
from localcloud.providers.aws.specs.elbv2 import TAGS, attributes, told_attributes


def _action_names(list_name: str) -> dict[str, str]:
    return {
        f"{list_name}.forward": "ForwardConfig",
        f"{list_name}.forward.targetGroups.arn": "TargetGroupArn",
        f"{list_name}.forward.stickiness": "TargetGroupStickinessConfig",
        f"{list_name}.forward.stickiness.duration": "DurationSeconds",
        f"{list_name}.redirect": "RedirectConfig",
        f"{list_name}.fixedResponse": "FixedResponseConfig",
        f"{list_name}.authenticateCognito": "AuthenticateCognitoConfig",
        f"{list_name}.authenticateOidc": "AuthenticateOidcConfig",
        f"{list_name}.jwtValidation": "JwtValidationConfig",
    }


def _listener_certificates(inputs: Values) -> Values:
    values = dict(inputs)
    if "certificateArn" in values:
        values["Certificates"] = [{"CertificateArn": values.pop("certificateArn")}]
    if "alpnPolicy" in values:
        values["AlpnPolicy"] = [values.pop("alpnPolicy")]
    return values


_LISTENER_ATTRIBUTES = {
    "routingHttpResponseServerEnabled": "routing.http.response.server.enabled",
    "routingHttpResponseStrictTransportSecurityHeaderValue": (
        "routing.http.response.strict_transport_security.header_value"
    ),
    "routingHttpResponseXContentTypeOptionsHeaderValue": (
        "routing.http.response.x_content_type_options.header_value"
    ),
    "routingHttpResponseXFrameOptionsHeaderValue": (
        "routing.http.response.x_frame_options.header_value"
    ),
    "routingHttpResponseContentSecurityPolicyHeaderValue": (
        "routing.http.response.content_security_policy.header_value"
    ),
    "tcpIdleTimeoutSeconds": "tcp.idle_timeout.seconds",
}


_read_listener_attributes = told_attributes(
    "DescribeListenerAttributes", "ListenerArn", _LISTENER_ATTRIBUTES
)


def _listener_details(resource: Resource, found: Values) -> Values:
    details: Values = {}
    if found.get("Certificates"):
        details["certificateArn"] = found["Certificates"][0]["CertificateArn"]
    if any(name in resource.inputs for name in _LISTENER_ATTRIBUTES):
        details.update(_read_listener_attributes(resource))
    return details


LISTENER = Spec(
    "aws:lb/listener:Listener",
    "elbv2",
    create=Op("CreateListener"),
    read=Op("DescribeListeners", {"ListenerArns": "[id]"}),
    delete=Op("DeleteListener", {"ListenerArn": "id"}),
    id="Listeners[0].ListenerArn",
    found="Listeners[0]",
    names=_action_names("defaultActions"),
    inputs=frozenset({"certificateArn", "alpnPolicy"}),
    prepare=_listener_certificates,
    update=(
        Step(
            Op("ModifyListener", {"ListenerArn": "id"}),
            properties=(
                "defaultActions",
                "port",
                "protocol",
                "sslPolicy",
                "certificateArn",
                "alpnPolicy",
                "mutualAuthentication",
            ),
        ),
        attributes("ModifyListenerAttributes", "ListenerArn", _LISTENER_ATTRIBUTES),
    ),
    replaces=frozenset({"loadBalancerArn"}),
    outputs={"arn": "ListenerArn"},
    present=_listener_details,
    sticky=frozenset({"sslPolicy", "protocol", "mutualAuthentication", *_LISTENER_ATTRIBUTES}),
    tags=TAGS,
    absent=frozenset({"ListenerNotFound", "LoadBalancerNotFound"}),
)


_CONDITIONS = {
    "hostHeader": "host-header",
    "httpHeader": "http-header",
    "httpRequestMethod": "http-request-method",
    "pathPattern": "path-pattern",
    "queryStrings": "query-string",
    "sourceIp": "source-ip",
}


def _condition_fields(inputs: Values) -> Values:
    """ELB wants the kind of a condition beside its configuration."""
    if not isinstance(inputs.get("conditions"), list):
        return inputs
    conditions = []
    for condition in inputs["conditions"]:
        for name, value in condition.items() if isinstance(condition, dict) else ():
            if name not in _CONDITIONS:
                raise ValueError(f"conditions.{name} is not mapped")
            config = {"values": value} if name == "queryStrings" else value
            conditions.append({"field": _CONDITIONS[name], name: config})
    return {**inputs, "conditions": conditions}


def _told_conditions(_resource: Resource, found: Values) -> Values:
    conditions: list[Values] = []
    for told in found["Conditions"]:
        for name, field in _CONDITIONS.items():
            member = _CONDITION_NAMES[f"conditions.{name}"]
            if told["Field"] != field or member not in told:
                continue
            config = {key[0].lower() + key[1:]: value for key, value in told[member].items()}
            if name == "queryStrings":
                pairs = config["values"]
                conditions.append(
                    {name: [{key.lower(): value for key, value in pair.items()} for pair in pairs]}
                )
            else:
                conditions.append({name: config})
    priority = found["Priority"]
    listener = found["RuleArn"].replace(":listener-rule/", ":listener/").rpartition("/")[0]
    return {
        "conditions": conditions,
        "listenerArn": listener,
        "priority": int(priority) if priority.isdigit() else None,
    }


_CONDITION_NAMES = {
    "conditions.hostHeader": "HostHeaderConfig",
    "conditions.httpHeader": "HttpHeaderConfig",
    "conditions.httpRequestMethod": "HttpRequestMethodConfig",
    "conditions.pathPattern": "PathPatternConfig",
    "conditions.queryStrings": "QueryStringConfig",
    "conditions.sourceIp": "SourceIpConfig",
}


def _set_priority(resource: Resource, old: Values) -> None:
    if old and "priority" in resource.inputs:
        entry = {"RuleArn": resource.id, "Priority": resource.inputs["priority"]}
        resource.call("SetRulePriorities", RulePriorities=[entry])


LISTENER_RULE = Spec(
    "aws:lb/listenerRule:ListenerRule",
    "elbv2",
    create=Op("CreateRule"),
    read=Op("DescribeRules", {"RuleArns": "[id]"}),
    delete=Op("DeleteRule", {"RuleArn": "id"}),
    id="Rules[0].RuleArn",
    found="Rules[0]",
    names={**_action_names("actions"), **_CONDITION_NAMES},
    prepare=_condition_fields,
    update=(
        Step(Op("ModifyRule", {"RuleArn": "id"}), properties=("actions", "conditions")),
        Step(_set_priority, properties=("priority",)),
    ),
    replaces=frozenset({"listenerArn"}),
    equal={"conditions": same_unordered},
    outputs={"arn": "RuleArn"},
    present=_told_conditions,
    sticky=frozenset({"priority"}),
    tags=TAGS,
    absent=frozenset({"RuleNotFound", "ListenerNotFound"}),
)


def _add_certificate(resource: Resource) -> str:
    listener, certificate = resource.inputs["listenerArn"], resource.inputs["certificateArn"]
    resource.call(
        "AddListenerCertificates",
        ListenerArn=listener,
        Certificates=[{"CertificateArn": certificate}],
    )
    return f"{listener}_{certificate}"


def _find_certificate(resource: Resource) -> Values | None:
    listener, _, certificate = resource.id.partition("_")
    told = resource.call("DescribeListenerCertificates", ListenerArn=listener)["Certificates"]
    if not any(each["CertificateArn"] == certificate and not each["IsDefault"] for each in told):
        return None
    return {"ListenerArn": listener, "CertificateArn": certificate}


def _remove_certificate(resource: Resource) -> None:
    listener, _, certificate = resource.id.partition("_")
    resource.call(
        "RemoveListenerCertificates",
        ListenerArn=listener,
        Certificates=[{"CertificateArn": certificate}],
    )


LISTENER_CERTIFICATE = Spec(
    "aws:lb/listenerCertificate:ListenerCertificate",
    "elbv2",
    create=_add_certificate,
    read=_find_certificate,
    delete=_remove_certificate,
    inputs=frozenset({"listenerArn", "certificateArn"}),
    outputs={"listenerArn": "ListenerArn", "certificateArn": "CertificateArn"},
    absent=frozenset({"ListenerNotFound"}),
    retried=frozenset({"CertificateNotFound"}),
    imports=r"(?P<listenerArn>[^_]+)_(?P<certificateArn>.+)",
)

ROWS = (LISTENER, LISTENER_RULE, LISTENER_CERTIFICATE)
