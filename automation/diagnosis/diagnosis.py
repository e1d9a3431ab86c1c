"""Why a deployment failed: one cause of a named set, its evidence, and the setting to change."""

from __future__ import annotations

from dataclasses import dataclass, field

from automation.diagnosis.causes import CAUSES
from automation.diagnosis.evidence import Facts
from infra.settings.model import Settings

EVIDENCE_LINES = 10
"""How many of the last log lines are evidence."""

OTHER_TEXTS = 5
"""How many of the services' texts are told where no cause fits."""


@dataclass(frozen=True)
class Diagnosis:
    """One cause.

    Attributes:
        cause: a sentence.
        evidence: texts of the services, exit codes and log lines that show it.
        setting: the setting or file to change, and how; None if nobody can tell.
        resource: what failed.
        name: the cause's name in `causes.CAUSES`.
    """

    cause: str
    evidence: list[str] = field(default_factory=list)
    setting: str | None = None
    resource: str | None = None
    name: str = "unknown"

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {
            "cause": self.cause,
            "name": self.name,
            "evidence": self.evidence,
            "setting": self.setting,
            "resource": self.resource,
        }


def diagnose(facts: Facts, settings: Settings, resource: str | None = None) -> Diagnosis:
    """The first cause of the table that fits the facts; they are ordered from sure to likely."""
    lines = facts.logs[-EVIDENCE_LINES:]
    for cause in CAUSES:
        match = cause.find(facts, settings)
        if match is None:
            continue
        values = match.values | {
            "port": str(settings.container_port),
            "path": settings.health_check_path,
            "memory": str(settings.memory),
            "interval": str(settings.health_check_interval),
            "grace": str(facts.grace_seconds or "?"),
            "architecture": settings.architecture,
        }
        return Diagnosis(
            cause=cause.sentence.format_map(values),
            evidence=list(dict.fromkeys([*match.evidence, *lines])),
            setting=cause.setting.format_map(values),
            resource=resource,
            name=cause.name,
        )
    texts = facts.texts()
    cause_text = facts.failure or facts.status or (texts[0] if texts else "Nothing has failed.")
    others = [text for text in texts if text != cause_text][:OTHER_TEXTS]
    return Diagnosis(cause_text, list(dict.fromkeys([*others, *lines])), None, resource)
