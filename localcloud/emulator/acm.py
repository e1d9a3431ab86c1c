"""ACM: a certificate is issued once the record that proves its domain stands in Route 53.

The emulator issues each after a minute, whatever DNS says.
https://docs.aws.amazon.com/acm/latest/userguide/dns-validation.html
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from moto import settings as emulator_settings

from localcloud.emulator.emulator import Emulator, backends
from localcloud.shared.service import Call, Service

PENDING, ISSUED = "PENDING_VALIDATION", "ISSUED"
GLOBAL_REGION = "aws"
"""Under which the emulator keeps what belongs to no region."""


class AcmAmendments(Service):
    """Looks for the records of pending certificates whenever somebody asks about one."""

    name = "acm"
    emulated = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__()
        self._emulator = emulator
        emulator_settings.ACM_VALIDATION_WAIT = sys.maxsize
        self.before = {"DescribeCertificate": self._validate, "ListCertificates": self._validate}

    def _validate(self, call: Call) -> None:
        with self._emulator.lock:
            records = set(_records(call.account))
            for certificate in backends("acm")[call.account][call.region]._certificates.values():
                if certificate.status == PENDING and _wanted(certificate) <= records:
                    certificate.status = ISSUED


def _records(account: str) -> Iterator[tuple[str, str]]:
    """Name → value of each CNAME in each zone."""
    for zone in backends("route53")[account][GLOBAL_REGION].zones.values():
        for record in zone.rrsets:
            if record.type == "CNAME":
                for value in record.records or ():
                    yield _dotted(record.name), _dotted(value)


def _wanted(certificate: Any) -> set[tuple[str, str]]:
    """The records that prove the certificate's domains."""
    options = certificate.describe()["Certificate"].get("DomainValidationOptions", [])
    asked = [option["ResourceRecord"] for option in options]
    return {(_dotted(record["Name"]), _dotted(record["Value"])) for record in asked}


def _dotted(name: str) -> str:
    return f"{name.lower().rstrip('.')}."
