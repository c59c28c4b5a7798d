"""What the engine asks of a platform, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from console.domain.release import Release


@dataclass(frozen=True)
class Deploy:
    """Build and start `release` on the platform's service `target`.

    With `serve` false the result must not get production traffic (a staged deployment), where the platform can.
    """

    target: str
    release: Release
    serve: bool = True


@dataclass(frozen=True)
class Cancel:
    """Stop an operation that `deploy` began. Cancelling what has ended succeeds and changes nothing."""

    target: str
    reference: str


@dataclass(frozen=True)
class Promote:
    """Give production traffic to a deployment that exists already, without building it again."""

    target: str
    deployment: str


@dataclass(frozen=True)
class RollBack:
    """Return `target` to an earlier deployment. Auto-deploy is held off by the adapter where a push would undo it."""

    target: str
    deployment: str


@dataclass(frozen=True)
class Suspend:
    target: str


@dataclass(frozen=True)
class Resume:
    target: str


@dataclass(frozen=True)
class Restart:
    """Replace every instance of `target` by a fresh one of what is live."""

    target: str


@dataclass(frozen=True)
class Scale:
    """Run a fixed number of instances."""

    target: str
    instances: int


@dataclass(frozen=True)
class SetAutoDeploy:
    """Say whether the platform makes a push live by itself."""

    target: str
    on: bool


@dataclass(frozen=True)
class PointName:
    """Let a DNS name say one value, and nothing else of this type. `ttl` is seconds that resolvers may keep it.

    `name` is the subdomain; empty for the domain itself.
    """

    domain: str
    name: str
    type: str
    value: str
    ttl: int = 60


@dataclass(frozen=True)
class MigrationFile:
    """One schema change: `<stamp>_<name>.sql`, with what takes it back and what verifies it where there is some."""

    version: str
    name: str
    sql: str
    down: str = ""
    verify: str = ""


@dataclass(frozen=True)
class Migrate:
    """Apply the files that the database does not list yet, oldest first: each in one transaction, where its
    statements can share one.

    Args:
        contracts: Whether they may take away what an older release uses; else such a file is refused.
        hold_s: Seconds for which readers of a table may wait for a transaction; None sets no limit.
    """

    target: str
    files: tuple[MigrationFile, ...]
    contracts: bool = False
    hold_s: float | None = 2.0


@dataclass(frozen=True)
class MigrateDown:
    """Take back the versions named, newest first, by their down scripts."""

    target: str
    files: tuple[MigrationFile, ...]


@dataclass(frozen=True)
class ShiftTraffic:
    """Set the weights of a route: whole percent by arm, summing to 100."""

    route: str
    weights: Mapping[str, int]


@dataclass(frozen=True)
class Maintain:
    """Show the visitors of `target` a page instead of what runs there, or no longer.

    `target` is a service of a platform, or a router's route. What runs there is not touched, and weights can be moved
    meanwhile. Asked for again while it is on, the page becomes the one described.

    Args:
        message: What the page says; a router's own page only.
        page: Address of a page to show, where the platform shows one by its address; empty for the platform's own.
        until: When it will be over, as the page tells browsers and people; None where nobody knows.
        open_paths: Paths that still reach what runs there, as `/health` or `/api/*`; a router only.
    """

    target: str
    on: bool
    message: str = ""
    page: str = ""
    until: datetime | None = None
    open_paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Announce:
    """Tell the source platform about a deployment: that it began, or how it ended.

    `state` is one of in_progress, success, failure, error, inactive. The first call opens the announcement and its
    reference is passed back in `announcement` by the later ones. Where its answer was never read, they pass the text of
    its operation key in `opened_by` instead: the announcement is looked up by it, and where there is none nothing is
    told.
    """

    environment: str
    release: Release
    state: str
    description: str = ""
    announcement: str = ""
    production: bool = False
    opened_by: str = ""


@dataclass(frozen=True)
class SetVariables:
    """Set environment variables one by one, never replacing the list; None removes one."""

    target: str
    variables: Mapping[str, str | None]
    environment: str = "production"
