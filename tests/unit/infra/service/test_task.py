"""The task definition beside what `test_stack.py` asks of it."""

from __future__ import annotations

import pytest

from tests.unit.infra.recorder import record

ALLOWED = [{"namespace": "net.ipv4.ip_unprivileged_port_start", "value": "0"}]


@pytest.mark.parametrize(("port", "controls"), [(80, ALLOWED), (1023, ALLOWED), (1024, None)])
def test_a_port_below_1024_is_opened_to_any_user(
    port: int, controls: list[dict[str, str]] | None
) -> None:
    container = record({"image": "a:1", "container_port": str(port)}).container
    assert container.get("systemControls") == controls
