"""Settings of backups: how often, where, encrypted to whom, proven on what, and kept for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field

from console.config.shape import Duration, SecretReference, Section


class BackupSettings(Section):
    """`[environments.NAME.backups]`: backups of the databases of its services that have a `database_url`."""

    every: Duration = Field(timedelta(), ge=timedelta())
    """How old the newest one may become before the worker takes another; `0s` takes none by itself."""
    before_migrations: bool = False
    """Whether a deployment takes one, proves it beside its database, and only then migrates."""
    verify: bool = True
    """Whether each is restored into a scratch database at once, and compared."""
    prove_on: Literal["auto", "server", "database"] = "auto"
    """Where: `server` starts a PostgreSQL of its own, `database` makes a database beside the one that is backed up;
    `auto` takes the server where it fits."""
    directory: str = ""
    """Where backups are kept, relative to the configuration file; empty for `backups` in the state directory."""
    recipients: tuple[str, ...] = ()
    """Public keys of age (`age1…`, or of SSH) that backups are encrypted to; empty leaves them as they are."""
    identity: SecretReference = ""
    """Reference to the secret key that opens them, to prove and to restore; empty where it is kept elsewhere."""
    leave_out: tuple[str, ...] = ()
    """Schemas that are not taken. Nothing outside of them may refer to what is in them, or it cannot be restored."""
    jobs: int = Field(2, ge=1, le=16)
    """Connections that dump and restore at the same time."""
    keep_last: int = Field(7, ge=1, le=10_000)
    """How many of the newest are kept. The newest verified one is kept whatever else is said."""
    keep_daily: int = Field(7, ge=0, le=10_000)
    """Of how many days the newest is kept."""
    keep_weekly: int = Field(4, ge=0, le=10_000)
    """Of how many weeks the newest is kept."""
    keep_monthly: int = Field(12, ge=0, le=10_000)
    """Of how many months the newest is kept."""
