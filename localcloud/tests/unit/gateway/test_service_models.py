"""The models of services are parsed once in a process, but for S3's."""

from __future__ import annotations

import botocore.loaders
import botocore.session
import pytest
from botocore.loaders import JSONFileLoader, create_loader

from localcloud.gateway import service_models


@pytest.mark.parametrize(("service", "times"), [("sts", 1), ("s3", 3)])
def test_sessions_share_what_one_of_them_has_read(
    monkeypatch: pytest.MonkeyPatch, service: str, times: int
) -> None:
    parsed: list[str] = []
    load = JSONFileLoader.load_file

    def counting(self: JSONFileLoader, file_path: str) -> object:
        if f"/{service}/" in file_path and file_path.endswith("service-2"):
            parsed.append(file_path)
        return load(self, file_path)

    monkeypatch.setattr(JSONFileLoader, "load_file", counting)
    monkeypatch.setattr(botocore.session, "create_loader", create_loader)
    monkeypatch.setattr(botocore.loaders, "Loader", service_models.SharedLoader)
    service_models._read.cache_clear()
    models = [botocore.session.Session().get_service_model(service) for _ in range(3)]
    assert [model.operation_names for model in models] == [models[0].operation_names] * 3
    assert len(parsed) == times


def test_the_services_are_those_that_botocore_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = botocore.session.Session().get_available_services()
    monkeypatch.setattr(botocore.session, "create_loader", create_loader)
    monkeypatch.setattr(botocore.loaders, "Loader", service_models.SharedLoader)
    assert botocore.session.Session().get_available_services() == listed
