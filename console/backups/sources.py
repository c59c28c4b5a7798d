"""Databases of which there are backups, with what the configuration says of each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from console.backups.address import Address
from console.backups.retention import Policy
from console.backups.values import Backup, State
from console.config.backups import BackupSettings
from console.config.secrets import SecretMissing, resolve
from console.config.settings import Settings, is_reference
from console.domain.errors import UsageError

FOLDER = "backups"
"""Where backups are within the state directory, unless the configuration says otherwise."""


@dataclass(frozen=True)
class Source:
    """A database of which there are backups.

    Attributes:
        name: `production/api`, or what the operator called it.
        root: Where its backups are.
        reference: Reference to its address; empty where it is not known.
        base: What relative paths of references count from.
    """

    name: str
    root: Path
    settings: BackupSettings = field(default_factory=BackupSettings)
    reference: str = ""
    base: Path = Path()

    def address(self) -> Address:
        """Raises UsageError where the reference leads nowhere."""
        return Address(self.name, _reveal(self.reference, self.base, "the database's address"))

    def identity(self, named: str = "") -> str:
        """The secret key that opens its backups: the one named, else the configuration's; empty for none."""
        if named:
            return _reveal(named, Path(), "--identity")
        return _reveal(self.settings.identity, self.base, "identity") if self.settings.identity else ""

    def is_due(self, backups: Iterable[Backup], now: datetime) -> bool:
        """Whether its newest usable backup is older than its settings allow."""
        usable = [one.at for one in backups if one.name == self.name and one.state in (State.TAKEN, State.VERIFIED)]
        return bool(self.settings.every) and (not usable or now - max(usable) >= self.settings.every)

    @property
    def policy(self) -> Policy:
        own = self.settings
        return Policy(own.keep_last, own.keep_daily, own.keep_weekly, own.keep_monthly)


def root_of(settings: BackupSettings, base: Path, home: Path) -> Path:
    """Where an environment's backups are kept."""
    return base / settings.directory if settings.directory else home / FOLDER


def sources_of(settings: Settings, environment: str, home: Path) -> Sequence[Source]:
    """The databases of an environment: of every service with a `database_url`."""
    configured = settings.environments[environment]
    base = settings.file.parent if settings.file else Path()
    root = root_of(configured.backups, base, home)
    return [
        Source(f"{environment}/{name}", root, configured.backups, placement.database_url, base)
        for name, placement in configured.services.items()
        if placement.database_url
    ]


def _reveal(reference: str, base: Path, what: str) -> str:
    if not is_reference(reference):
        raise UsageError("This is no reference.", what, "Write env:NAME, file:PATH, keyring:… or command:….")
    try:
        return resolve(reference, base).reveal()
    except SecretMissing as problem:
        raise UsageError(problem.what, what, problem.remedy) from None
