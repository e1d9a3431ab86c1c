"""While moto is imported, the models of services are parsed once."""

from __future__ import annotations

import botocore.session
import pytest
from botocore.loaders import JSONFileLoader, create_loader

from localcloud.gateway import service_models


def test_sessions_share_what_one_of_them_has_read(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    load = JSONFileLoader.load_file

    def counting(self: JSONFileLoader, file_path: str) -> object:
        if "/sts/" in file_path and file_path.endswith("service-2"):
            parsed.append(file_path)
        return load(self, file_path)

    monkeypatch.setattr(JSONFileLoader, "load_file", counting)
    monkeypatch.setattr(botocore.session, "create_loader", create_loader)
    with service_models.shared():
        models = [botocore.session.Session().get_service_model("sts") for _ in range(3)]
    assert [model.operation_names for model in models] == [models[0].operation_names] * 3
    assert len(parsed) == 1
    botocore.session.Session().get_service_model("sts")
    assert len(parsed) == 2
