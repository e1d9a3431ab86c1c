"""docs/settings.md says what Pulumi.yaml says."""

from __future__ import annotations

from infra.settings.document import PAGE, ROOT, page
from infra.settings.model import Settings

PROJECT = (ROOT / "Pulumi.yaml").read_text()


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == page(PROJECT), "run: python -m infra.settings.document"


def test_every_setting_is_on_the_page() -> None:
    text = page(PROJECT)
    assert all(text.count(f"\n| `{name}` |") == 1 for name in Settings.model_fields)
