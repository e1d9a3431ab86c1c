"""The context that every component gets: settings, names, account and tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pulumi

from infra.account import Account
from infra.addons import Addons
from infra.names import Names
from infra.settings.host import cluster_name, host_names
from infra.settings.kind import check_kind
from infra.settings.model import Settings
from infra.shared import Shared, shared_by


@dataclass(frozen=True)
class Context:
    """The stack that is being defined.

    Attributes:
        settings: its settings.
        names: its physical names.
        account: where it is made.
        tags: of every resource.
        addons: what the user's own resources mean for the application.
        shared: what the stack uses of an environment; None where it has its own.
    """

    settings: Settings
    names: Names
    account: Account
    tags: dict[str, str] = field(default_factory=dict)
    addons: Addons = field(default_factory=Addons)
    shared: Shared | None = None

    @classmethod
    def current(cls, settings: Settings) -> Context:
        """The stack that Pulumi is running.

        Raises:
            SettingsError: an environment is called like a preview of another one.
        """
        account = Account.current()
        names = Names(pulumi.get_project(), pulumi.get_stack(), account.region)
        check_kind(names.stack, settings)
        host = host_names(names, settings)
        shared = shared_by(host) if host else None
        names = replace(
            names,
            other_cluster=cluster_name(settings, shared.cluster_name if shared else None),
            lead=settings.lead,
            processes=tuple(settings.processes),
        )
        tags = {
            **settings.tags,
            "project": names.project,
            "stack": names.stack,
            "environment": names.environment.stack,
        }
        return cls(settings, names, account, tags, shared=shared)

    @property
    def preview_log_arn(self) -> str:
        """A pattern of the log groups of the environment's previews."""
        return self.account.arn("logs", f"log-group:{self.names.preview_log_group_prefix}*")

    @property
    def services(self) -> dict[str, str]:
        """Process → the name of its service, the web process first."""
        return self.names.services(self.settings.processes)

    def checking(self, path: str, codes: str) -> Context:
        """The same stack with another health path and other codes that are healthy."""
        checked = {"health_check_path": path, "health_check_codes": codes}
        settings = self.settings.model_copy(update=checked)
        return replace(self, settings=settings)

    def tagged(self, tags: Mapping[str, str]) -> Context:
        """The same stack with further tags."""
        return replace(self, tags={**self.tags, **tags})
