"""Rows of ACM: certificates, and the wait for their validation.

https://docs.aws.amazon.com/acm/latest/APIReference/Welcome.html
"""

from __future__ import annotations

from localcloud.providers.aws.comparing import same_ignoring_case
from localcloud.providers.aws.spec import Op, Resource, Spec, Step, Tagging, Values

_MISSING = frozenset({"ResourceNotFoundException"})
RECORDS_SECONDS = 300
VALIDATION_SECONDS = 75 * 60


def _describe(resource: Resource, arn: str) -> Values:
    certificate: Values = resource.call("DescribeCertificate", CertificateArn=arn)["Certificate"]
    return certificate


def _wait_for_records(resource: Resource) -> None:
    """ACM makes up the records that prove the domain a moment after it answered the request."""
    if resource.inputs.get("validationMethod") != "DNS":
        return

    def probe() -> bool:
        told = _describe(resource, resource.id)
        if told["Status"] == "FAILED":
            raise RuntimeError(f"the certificate failed: {told.get('FailureReason')}")
        options = told.get("DomainValidationOptions", [])
        return bool(options) and all("ResourceRecord" in option for option in options)

    resource.api.patience.until(
        probe, RECORDS_SECONDS, f"the validation records of {resource.id}", lambda: "none yet"
    )


def _told_certificate(resource: Resource, found: Values) -> Values:
    options = found.get("DomainValidationOptions", [])
    alternatives = found.get("SubjectAlternativeNames", [])
    given = resource.inputs.get("subjectAlternativeNames", [])
    return {
        "subjectAlternativeNames": [
            name for name in alternatives if name != found["DomainName"] or name in given
        ],
        "domainValidationOptions": [
            {
                "domainName": option["DomainName"],
                "resourceRecordName": option["ResourceRecord"]["Name"],
                "resourceRecordType": option["ResourceRecord"]["Type"],
                "resourceRecordValue": option["ResourceRecord"]["Value"],
            }
            for option in options
            if "ResourceRecord" in option
        ],
        "validationMethod": options[0].get("ValidationMethod") if options else None,
    }


CERTIFICATE = Spec(
    "aws:acm/certificate:Certificate",
    "acm",
    create=Op("RequestCertificate"),
    read=Op("DescribeCertificate", {"CertificateArn": "id"}),
    delete=Op("DeleteCertificate", {"CertificateArn": "id"}),
    id="CertificateArn",
    found="[Certificate][?Status!='VALIDATION_TIMED_OUT'] | [0]",
    names={"validationOptions": "DomainValidationOptions"},
    update=(
        Step(Op("UpdateCertificateOptions", {"CertificateArn": "id"}), properties=("options",)),
    ),
    nested={"options": {"certificateTransparencyLoggingPreference": "ENABLED"}},
    equal={"domainName": same_ignoring_case},
    outputs={
        "arn": "CertificateArn",
        "status": "Status",
        "type": "Type",
        "notBefore": "NotBefore",
        "notAfter": "NotAfter",
        "renewalEligibility": "RenewalEligibility",
    },
    present=_told_certificate,
    settle=_wait_for_records,
    sticky=frozenset(
        {"domainName", "keyAlgorithm", "options", "subjectAlternativeNames", "validationMethod"}
        | {"domainValidationOptions"}
    ),
    tags=Tagging(
        at_create="{Tags: pairs}",
        add=Op("AddTagsToCertificate", {"CertificateArn": "id", "Tags": "pairs"}),
        remove=Op("RemoveTagsFromCertificate", {"CertificateArn": "id", "Tags": "pairs"}),
        read=Op("ListTagsForCertificate", {"CertificateArn": "id"}),
    ),
    absent=_MISSING,
    retried=frozenset({"ResourceInUseException"}),
)


def _wait_for_validation(resource: Resource) -> str:
    """Wait until the certificate is issued; the id is the time of it."""
    arn = str(resource.inputs["certificateArn"])
    _check_records(resource, _describe(resource, arn))
    seen: list[Values] = [{}]

    def probe() -> bool:
        seen[0] = _describe(resource, arn)
        if seen[0]["Status"] not in ("PENDING_VALIDATION", "ISSUED"):
            raise RuntimeError(
                f"{arn} is {seen[0]['Status']}: {seen[0].get('FailureReason', 'no reason told')}"
            )
        return bool(seen[0]["Status"] == "ISSUED")

    resource.api.patience.until(
        probe, VALIDATION_SECONDS, f"{arn} to be issued", lambda: f"it is {seen[0].get('Status')}"
    )
    return str(seen[0]["IssuedAt"].isoformat() if seen[0].get("IssuedAt") else arn)


def _check_records(resource: Resource, told: Values) -> None:
    given = {name.rstrip(".") for name in resource.inputs.get("validationRecordFqdns", [])}
    wanted = {
        option["ResourceRecord"]["Name"].rstrip(".")
        for option in told.get("DomainValidationOptions", [])
        if "ResourceRecord" in option
    }
    if given and wanted - given:
        missing = ", ".join(sorted(wanted - given))
        raise ValueError(f"validationRecordFqdns: {missing} missing for {told['DomainName']}")


def _find_validation(resource: Resource) -> Values | None:
    told = _describe(resource, resource.inputs["certificateArn"])
    return told if told["Status"] == "ISSUED" else None


CERTIFICATE_VALIDATION = Spec(
    "aws:acm/certificateValidation:CertificateValidation",
    "acm",
    create=_wait_for_validation,
    read=_find_validation,
    delete=None,
    inputs=frozenset({"certificateArn", "validationRecordFqdns"}),
    imports="",
    outputs={"certificateArn": "CertificateArn"},
    absent=_MISSING,
)

ROWS = (CERTIFICATE, CERTIFICATE_VALIDATION)
