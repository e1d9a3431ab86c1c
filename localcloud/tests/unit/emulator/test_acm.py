"""A certificate of ACM is issued for whoever holds the domain's zone, and for nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from localcloud.emulator.acm import AcmAmendments
from localcloud.tests.unit.gateway_harness import Served, served


@pytest.fixture
def cloud() -> Iterator[Served]:
    with served() as found:
        found.gateway.add(AcmAmendments(found.gateway.emulator))
        yield found
        # The emulator's memory is the whole process's, other tests' included.
        acm = found.client("acm")
        for each in acm.list_certificates()["CertificateSummaryList"]:
            acm.delete_certificate(CertificateArn=each["CertificateArn"])


def requested(cloud: Served, *names: str) -> tuple[str, list[dict[str, str]]]:
    """A certificate's ARN, and the records that it asks for."""
    acm = cloud.client("acm")
    arn = acm.request_certificate(
        DomainName=names[0], SubjectAlternativeNames=list(names), ValidationMethod="DNS"
    )["CertificateArn"]
    options = acm.describe_certificate(CertificateArn=arn)["Certificate"]["DomainValidationOptions"]
    return arn, [option["ResourceRecord"] for option in options]


def zone(cloud: Served, name: str) -> str:
    made = cloud.client("route53").create_hosted_zone(Name=name, CallerReference=name)
    return str(made["HostedZone"]["Id"])


def write(cloud: Served, zone_id: str, record: dict[str, str], value: str | None = None) -> None:
    records = [{"Value": value or record["Value"]}]
    change = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": records}
    cloud.client("route53").change_resource_record_sets(
        HostedZoneId=zone_id,
        ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": change}]},
    )


def status(cloud: Served, arn: str) -> Any:
    described = cloud.client("acm").describe_certificate(CertificateArn=arn)
    return described["Certificate"]["Status"]


def test_the_right_record_issues_it_at_once(cloud: Served) -> None:
    arn, (record,) = requested(cloud, "right.example.com")
    assert status(cloud, arn) == "PENDING_VALIDATION"
    write(cloud, zone(cloud, "right.example.com"), record)
    assert status(cloud, arn) == "ISSUED"


def test_another_value_proves_nothing(cloud: Served) -> None:
    arn, (record,) = requested(cloud, "wrong.example.com")
    write(cloud, zone(cloud, "wrong.example.com"), record, "elsewhere.example.com.")
    assert status(cloud, arn) == "PENDING_VALIDATION"


def test_every_name_must_be_proved(cloud: Served) -> None:
    arn, records = requested(cloud, "both.example.com", "www.both.example.com")
    assert len(records) == 2
    zone_id = zone(cloud, "both.example.com")
    write(cloud, zone_id, records[0])
    assert status(cloud, arn) == "PENDING_VALIDATION"
    write(cloud, zone_id, records[1])
    assert status(cloud, arn) == "ISSUED"
