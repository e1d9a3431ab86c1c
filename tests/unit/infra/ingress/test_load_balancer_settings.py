"""Further host names, redirects, headers of answers, and how the tasks are spoken to."""

from __future__ import annotations

import json

import pytest

from infra.settings.model import Settings, SettingsError
from tests.unit.infra.recorder import Recording, record

ZONED = {"domain": "shop.example.com", "hosted_zone": "example.com"}


def group(recording: Recording) -> dict[str, object]:
    return recording.one("TargetGroup").inputs


def test_further_names_are_on_the_certificate_and_in_the_zone() -> None:
    made = record({**ZONED, "domains": '["www.example.com"]'})
    certificate = made.one("Certificate", "certificate-certificate").inputs
    assert certificate["domainName"] == "shop.example.com"
    assert certificate["subjectAlternativeNames"] == ["www.example.com"]
    validated = made.one("CertificateValidation", "certificate-validation").inputs
    assert len(validated["validationRecordFqdns"]) == 2
    assert made.one("Record", "name-www.example.com").inputs["type"] == "A"
    plain = record(ZONED).one("Certificate", "certificate-certificate").inputs
    assert "subjectAlternativeNames" not in plain


@pytest.mark.parametrize("names", [["shop.example.com"], ["www.example.org"]])
def test_names_that_do_not_fit_are_refused(names: list[str]) -> None:
    with pytest.raises(SettingsError, match="domains"):
        Settings.parse({**ZONED, "domains": names})


def test_a_redirect_is_a_rule_before_all_others() -> None:
    redirects = [
        {"hosts": ["old.example.com"], "to_host": "shop.example.com"},
        {"paths": ["/old/*"], "to_path": "/new", "permanent": False},
    ]
    made = record({"redirects": json.dumps(redirects)})
    first, second = (made.one("ListenerRule", f"redirect-{number}").inputs for number in (0, 1))
    assert (first["priority"], second["priority"]) == (500, 501)
    assert first["conditions"] == [{"hostHeader": {"values": ["old.example.com"]}}]
    assert first["actions"][0]["redirect"] == {
        "host": "shop.example.com",
        "statusCode": "HTTP_301",
    }
    assert second["conditions"] == [{"pathPattern": {"values": ["/old/*"]}}]
    assert second["actions"][0]["redirect"] == {"path": "/new", "statusCode": "HTTP_302"}


def test_headers_are_put_into_answers_by_the_listener_that_forwards() -> None:
    headers = json.dumps({"X-Frame-Options": "DENY"})
    property_name = "routingHttpResponseXFrameOptionsHeaderValue"
    plain = record({"response_headers": headers}).one("Listener", "load-balancer-http").inputs
    assert plain[property_name] == "DENY"
    made = record({**ZONED, "response_headers": headers})
    assert property_name not in made.one("Listener", "load-balancer-http").inputs
    secure = made.one("Listener", "load-balancer-https").inputs
    assert secure[property_name] == "DENY"
    key = "routingHttpResponseStrictTransportSecurityHeaderValue"
    assert secure[key] == "max-age=31536000"
    own = json.dumps({"Strict-Transport-Security": "max-age=60"})
    made = record({**ZONED, "response_headers": own})
    assert made.one("Listener", "load-balancer-https").inputs[key] == "max-age=60"


def test_another_protocol_version_is_another_target_group() -> None:
    usual = group(record(ZONED))
    grpc = group(record({**ZONED, "protocol_version": "GRPC"}))
    assert "protocolVersion" not in usual
    assert (grpc["protocolVersion"], grpc["healthCheck"]["matcher"]) == ("GRPC", "0")  # type: ignore[index]
    assert grpc["name"] != usual["name"]
    codes = {**ZONED, "protocol_version": "GRPC", "health_check_codes": "0-12"}
    assert group(record(codes))["healthCheck"]["matcher"] == "0-12"  # type: ignore[index]
    assert group(record({"protocol_version": "HTTP2"}))["protocolVersion"] == "HTTP2"
