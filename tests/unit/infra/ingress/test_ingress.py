"""HTTPS, host name, networks and security groups."""

from __future__ import annotations

from typing import Any

import pytest

from infra.settings.model import Settings, SettingsError
from tests.unit.infra.recorder import Recording, record

CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
HTTPS = {"domain": "app.example.com", "hosted_zone": "example.com"}


def listener(recording: Recording, name: str) -> dict[str, Any]:
    return recording.one("Listener", f"load-balancer-{name}").inputs


def test_without_a_domain_the_url_is_plain_http() -> None:
    recording = record({"image": "a:1"})
    assert len(recording.of("Listener")) == 1
    assert listener(recording, "http")["defaultActions"][0]["type"] == "forward"
    assert str(recording.outputs["service_url"]).startswith("http://")


def test_with_a_domain_http_redirects_to_https() -> None:
    recording = record({"image": "a:1", **HTTPS})
    (redirect,) = listener(recording, "http")["defaultActions"]
    assert redirect["redirect"] == {"protocol": "HTTPS", "port": "443", "statusCode": "HTTP_301"}
    secure = listener(recording, "https")
    assert (secure["port"], secure["protocol"]) == (443, "HTTPS")
    assert secure["sslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert recording.outputs["service_url"] == "https://app.example.com"


def test_tasks_stay_open_to_the_load_balancer_that_serves_until_another_does() -> None:
    """A change in place would close them to it before the service has moved."""
    recording = record({"image": "a:1"})
    opening = recording.one("SecurityGroupIngressRule", "firewall-from-load-balancer-9292")
    assert opening.options["replaceOnChanges"] == ["referencedSecurityGroupId"]


def test_the_zone_proves_the_certificate_and_names_the_balancer() -> None:
    recording = record({"image": "a:1", **HTTPS})
    proof = recording.one("Record", "certificate-proof").inputs
    assert (proof["zoneId"], proof["type"], proof["name"]) == ("Z1", "CNAME", "_1.example.com")
    alias = recording.one("Record", "host-name").inputs
    assert (alias["name"], alias["type"]) == ("app.example.com", "A")
    assert alias["aliases"][0]["zoneId"] == "ZLB"


def test_a_certificate_of_ones_own_needs_no_zone() -> None:
    recording = record(
        {"image": "a:1", "domain": "app.example.com", "certificate_arn": CERTIFICATE}
    )
    assert listener(recording, "https")["certificateArn"] == CERTIFICATE
    assert not recording.of("Certificate")
    assert not recording.of("Record")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"domain": "app.example.com"}, "needs `hosted_zone`"),
        ({"hosted_zone": "example.com"}, "need the host name"),
        ({"certificate_arn": CERTIFICATE}, "need the host name"),
        ({"domain": "app.example.org", "hosted_zone": "example.com"}, "a name below it"),
        ({"domain": "notexample.com", "hosted_zone": "example.com"}, "a name below it"),
        ({"domain": "Example", "hosted_zone": "example.com"}, "must be a host name"),
        ({"domain": "a.b", "certificate_arn": "arn:aws:iam::1:x"}, "certificate of ACM"),
    ],
)
def test_https_settings_fit_together(settings: dict[str, object], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        Settings.parse(settings)


def test_only_the_load_balancer_reaches_the_tasks() -> None:
    recording = record({"image": "a:1", "container_port": "8080"})
    rules = [
        each.inputs
        for each in recording.of("SecurityGroupIngressRule")
        if each.inputs["securityGroupId"] == "firewall-tasks-id"
    ]
    assert [
        (rule["fromPort"], rule["toPort"], rule["referencedSecurityGroupId"]) for rule in rules
    ] == [(8080, 8080, "firewall-load-balancer-id")]


SUBNETS = {
    "public": ("None", ["Public"], "public"),
    "nat": ("Single", ["Public", "Private"], "private"),
    "nat_per_zone": ("OnePerAz", ["Public", "Private"], "private"),
    "endpoints": ("None", ["Public", "Isolated"], "isolated"),
}


@pytest.mark.parametrize("egress", SUBNETS)
def test_each_way_out_has_its_subnets(egress: str) -> None:
    gateways, kinds, tasks = SUBNETS[egress]
    recording = record({"image": "a:1", "egress": egress})
    vpc = recording.one("Vpc").inputs
    assert vpc["natGateways"] == {"strategy": gateways}
    assert [spec["type"] for spec in vpc["subnetSpecs"]] == kinds
    service = recording.one("Service", "service-service").inputs
    assert service["networkConfiguration"]["subnets"] == [f"subnet-{tasks}-0", f"subnet-{tasks}-1"]
    balancer = recording.one("LoadBalancer", "load-balancer-balancer").inputs
    assert balancer["subnets"] == ["subnet-public-0", "subnet-public-1"]


def endpoints(settings: dict[str, str]) -> dict[str, dict[str, Any]]:
    recording = record({"image": "a:1", "egress": "endpoints", **settings})
    return {
        each.inputs["serviceName"].removeprefix("com.amazonaws.eu-central-1."): each.inputs
        for each in recording.of("VpcEndpoint")
    }


def test_without_the_internet_there_is_an_endpoint_for_each_service() -> None:
    assert set(endpoints({"exec": "false"})) == {"s3", "ecr.api", "ecr.dkr", "logs"}
    secrets = '{"A": "arn:aws:ssm:eu-central-1:123456789012:parameter/a"}'
    assert set(endpoints({"secrets": secrets, "customer_managed_key": "true"})) == {
        "s3",
        "ecr.api",
        "ecr.dkr",
        "logs",
        "ssm",
        "ssmmessages",
        "kms",
    }


def test_endpoints_are_private_and_have_a_group_and_a_policy() -> None:
    for service, inputs in endpoints({}).items():
        assert "*" not in str(inputs["policy"]).partition('"Action"')[2].partition("]")[0]
        if service == "s3":
            assert inputs["routeTableIds"] == ["rtb-0"]
        else:
            assert inputs["privateDnsEnabled"] is True
            assert inputs["securityGroupIds"] == ["endpoints-group-id"]


def test_without_the_internet_tasks_reach_endpoints_and_s3_alone() -> None:
    recording = record({"image": "a:1", "egress": "endpoints"})
    outward = [
        each.inputs
        for each in recording.of("SecurityGroupEgressRule")
        if each.inputs["securityGroupId"] == "firewall-tasks-id"
    ]
    assert all("cidrIpv4" not in rule for rule in outward)
    assert {rule.get("referencedSecurityGroupId") or rule["prefixListId"] for rule in outward} == {
        "endpoints-group-id",
        "pl-s3",
    }


def test_the_access_log_bucket_is_ready_before_the_balancer_writes() -> None:
    recording = record({"image": "a:1", "access_logs": "true"})
    urns = recording.one("LoadBalancer", "load-balancer-balancer").depends_on
    assert any(urn.endswith("::access-logs-policy") for urn in urns)
