"""Certificates of HTTPS listeners: imported ones as they are, requested ones issued by an authority
of the local cloud's own, whose `ca.pem` a user can trust.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from localcloud.shared.state_file import write_atomically

AUTHORITY_DAYS = 3650
CERTIFICATE_DAYS = 395
"""ACM's certificates are valid for 13 months.
https://docs.aws.amazon.com/acm/latest/userguide/acm-certificate-characteristics.html
"""
RENEWED_DAYS = 60
"""Days before its end that a certificate is renewed, as ACM does."""


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _unsigned(
    subject: str, issuer: str, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )


class Authority:
    """The local cloud's certificate authority.

    Args:
        folder: where its key, its certificate and what it issued are.
        instance: the local cloud's name, part of the authority's.
    """

    def __init__(self, folder: Path, instance: str) -> None:
        self._folder = folder
        self._name = f"fargate-cd local cloud {instance}"
        self.certificate_file = folder / "ca.pem"
        self._key_file = folder / "ca.key"

    def issue(self, names: list[str]) -> Path:
        """A certificate for host names and addresses, kept until it is about to end.

        Args:
            names: the first is the subject's common name.

        Returns:
            The path of a PEM file with certificate, chain and key.
        """
        digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:24]
        file = self._folder / "certificates" / f"{digest}.pem"
        if not file.exists() or self._ends_soon(file):
            write_atomically(file, self._signed(names))
        return file

    @staticmethod
    def _ends_soon(file: Path) -> bool:
        ends = x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc
        return ends < datetime.now(UTC) + timedelta(days=RENEWED_DAYS)

    def _signed(self, names: list[str]) -> bytes:
        authority, authority_key = self._authority()
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _unsigned(names[0][:64], self._name, key, CERTIFICATE_DAYS)
            .add_extension(
                x509.SubjectAlternativeName([_alternative(name) for name in dict.fromkeys(names)]),
                critical=False,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()),
                critical=False,
            )
            .sign(authority_key, hashes.SHA256())
        )
        parts: Iterable[x509.Certificate] = (certificate, authority)
        chain = b"".join(part.public_bytes(serialization.Encoding.PEM) for part in parts)
        return chain + _pem(key)

    def _authority(self) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        if not self.certificate_file.exists():
            self._found()
        key = serialization.load_pem_private_key(self._key_file.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{self._key_file} is not the authority's own key; remove it")
        return x509.load_pem_x509_certificate(self.certificate_file.read_bytes()), key

    def _found(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = (
            _unsigned(self._name, self._name, key, AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .add_extension(_SIGNING, critical=True)
            .sign(key, hashes.SHA256())
        )
        write_atomically(self._key_file, _pem(key))
        write_atomically(
            self.certificate_file, certificate.public_bytes(serialization.Encoding.PEM)
        )


_SIGNING = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


def keep_imported(folder: Path, certificate: str, chain: str, key: str) -> Path:
    """An imported certificate as HAProxy reads it.

    Args:
        folder: where such files are.
        certificate: the certificate in PEM.
        chain: its intermediates in PEM; empty where there are none.
        key: its private key in PEM.

    Returns:
        The path of a PEM file with certificate, chain and key.
    """
    content = "\n".join(part.strip() for part in (certificate, chain, key) if part.strip()) + "\n"
    digest = hashlib.sha256(content.encode()).hexdigest()[:24]
    file = folder / "certificates" / f"{digest}.pem"
    if not file.exists():
        write_atomically(file, content.encode())
    return file
