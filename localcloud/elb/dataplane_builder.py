"""Puts together what is to be served, from the emulator's state and what was decided here."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from localcloud.elb import emulator, lookup
from localcloud.elb.addresses import Address, Addresses
from localcloud.elb.certificates import Authority, keep_imported
from localcloud.elb.localhost_listeners import Doors, local_names, wanted_doors
from localcloud.elb.model import Plane, TargetGroup
from localcloud.elb.targets import Targets

log = logging.getLogger("localcloud.elb")

DEFAULT_IDLE_TIMEOUT = 60


class Surveyor:
    """Reads the emulator's load balancers, and gives each its address and certificates.

    Args:
        account: the account's number.
        folder: where certificates are kept.
        instance: the local cloud's name.
        targets: the registered targets.
    """

    def __init__(self, account: str, folder: Path, instance: str, targets: Targets) -> None:
        self._account = account
        self._folder = folder
        self._targets = targets
        self._authority = Authority(folder, instance)
        self.addresses = Addresses(folder / "addresses.json", instance)
        self.doors = Doors()
        self._names: dict[str, str] = {}

    def place(self, balancer: Any) -> Address:
        """Give a load balancer of the emulator its address."""
        place = self.addresses.give(balancer.arn, balancer.name)
        balancer.dns_name = place.dns_name
        return place

    def plane(self) -> Plane:
        """Everything that is to be served now."""
        balancers, groups, named = [], [], []
        for state in emulator.backends(self._account):
            used = emulator.groups_in_use(state)
            for found in list(state.load_balancers.values()):
                place = self.addresses.of(found.arn) or self.place(found)
                for listener in list(found.listeners.values()):
                    place = self.addresses.reserve(found.arn, int(listener.port))
                files = self._certificate_files(state.region_name, found, place.host)
                balancers.append(emulator.load_balancer(found, place.host, place.ports, files))
                named.append((place.dns_name, balancers[-1]))
            idle = {balancer.arn: balancer.idle_timeout for balancer in balancers}
            for found in list(state.target_groups.values()):
                users = used.get(found.arn, set())
                timeout = max((idle[arn] for arn in users), default=DEFAULT_IDLE_TIMEOUT)
                groups.append(emulator.target_group(found, bool(users), timeout))
        self.addresses.keep_only({balancer.arn for balancer in balancers})
        serving = tuple(group for group in groups if group.used)
        servers = {group.backend: self._targets.servers(group.arn) for group in serving}
        self._names = local_names(self._account)
        doors = self.doors.open(wanted_doors(self._names, named))
        return Plane(tuple(balancers), serving, servers, doors)

    def names_changed(self) -> bool:
        """Whether other doors are to be open than at the last `plane`."""
        return local_names(self._account) != self._names or self.doors.freed()

    def groups(self) -> dict[str, TargetGroup]:
        """All target groups by their ARNs, used or not."""
        return {
            found.arn: emulator.target_group(found, found.arn in used, DEFAULT_IDLE_TIMEOUT)
            for state in emulator.backends(self._account)
            for used in [emulator.groups_in_use(state)]
            for found in list(state.target_groups.values())
        }

    def _certificate_files(self, region: str, balancer: Any, host: str) -> dict[str, str]:
        """Certificate ARN → PEM file, of a load balancer's listeners.

        Requested certificates are good for the load balancer's own address too, so that its URL
        opens with no name service.
        """
        files = {}
        for listener in list(balancer.listeners.values()):
            for arn in listener.certificates:
                found = lookup.certificate(self._account, region, arn)
                if found is None:
                    log.error("%s is not served: certificate %s is gone", listener.arn, arn)
                elif found.names:
                    files[arn] = str(self._authority.issue([*found.names, host, "localhost"]))
                else:
                    parts = found.certificate, found.chain, found.key
                    files[arn] = str(keep_imported(self._folder, *parts))
        return files
