from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509

from localcloud.elb import certificates
from localcloud.elb.certificates import Authority, keep_imported


def test_a_certificate_is_signed_by_the_authority_for_names_and_addresses(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "test")
    file = authority.issue(["*.example.com", "example.com", "127.1.2.3"])
    certificate = x509.load_pem_x509_certificate(file.read_bytes())
    issuer = x509.load_pem_x509_certificate(authority.certificate_file.read_bytes())
    certificate.verify_directly_issued_by(issuer)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["*.example.com", "example.com"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.1.2.3"]
    assert file.stat().st_mode & 0o077 == 0


def test_certificate_and_authority_are_kept(tmp_path: Path) -> None:
    first = Authority(tmp_path, "test").issue(["example.com"])
    content = first.read_bytes()
    assert Authority(tmp_path, "test").issue(["example.com"]).read_bytes() == content


def test_a_certificate_is_renewed_before_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path, "test")
    with monkeypatch.context() as short:
        short.setattr(certificates, "CERTIFICATE_DAYS", certificates.RENEWED_DAYS - 1)
        ending = authority.issue(["example.com"]).read_bytes()
    renewed = authority.issue(["example.com"])
    assert renewed.read_bytes() != ending
    assert authority.issue(["example.com"]).read_bytes() == renewed.read_bytes()


def test_imported_certificates_are_kept_whole(tmp_path: Path) -> None:
    file = keep_imported(tmp_path, "CERT\n", "", "KEY")
    assert file.read_text() == "CERT\nKEY\n"
    assert keep_imported(tmp_path, "CERT", "CHAIN", "KEY").read_text() == "CERT\nCHAIN\nKEY\n"
