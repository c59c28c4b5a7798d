"""An open provider, and one field for each thing that it may do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from providers.contract.operations import (
    Actuator,
    Unsupported,
)

if TYPE_CHECKING:
    from providers.contract.desk import Desk
    from providers.contract.files import FileStores
    from providers.contract.measures import AlertSource, CrashSource, LimitSource, QuerySource, ReportSource
    from providers.contract.requests import (
        Announce,
        Cancel,
        Deploy,
        Maintain,
        Migrate,
        MigrateDown,
        PointName,
        Promote,
        Restart,
        Resume,
        RollBack,
        Scale,
        SetAutoDeploy,
        SetVariables,
        ShiftTraffic,
        Suspend,
    )
    from providers.contract.roles import (
        Account,
        CheckSource,
        CounterSource,
        Inventory,
        KeySource,
        LogSource,
        MetricSource,
        MigrationSource,
        NameSource,
        PageSource,
        ProbeSource,
        ReleaseShelf,
        ReleaseSource,
        Router,
        TagSource,
        UnderwaySource,
        VariableSource,
    )

NOT_OFFERED = Unsupported("This kind of provider does not offer it.")


@dataclass(frozen=True)
class Capabilities:
    """What this open connection can do. Plans and access differ, so two connections of a kind may differ too."""

    account: Account | Unsupported = NOT_OFFERED
    inventory: Inventory | Unsupported = NOT_OFFERED
    shelf: ReleaseShelf | Unsupported = NOT_OFFERED
    releases: ReleaseSource | Unsupported = NOT_OFFERED
    tags: TagSource | Unsupported = NOT_OFFERED
    checks: CheckSource | Unsupported = NOT_OFFERED
    migrations: MigrationSource | Unsupported = NOT_OFFERED
    logs: LogSource | Unsupported = NOT_OFFERED
    metrics: MetricSource | Unsupported = NOT_OFFERED
    limits: LimitSource | Unsupported = NOT_OFFERED
    queries: QuerySource | Unsupported = NOT_OFFERED
    reports: ReportSource | Unsupported = NOT_OFFERED
    alerts: AlertSource | Unsupported = NOT_OFFERED
    crashes: CrashSource | Unsupported = NOT_OFFERED
    router: Router | Unsupported = NOT_OFFERED
    counters: CounterSource | Unsupported = NOT_OFFERED
    underway: UnderwaySource | Unsupported = NOT_OFFERED
    names: NameSource | Unsupported = NOT_OFFERED
    probes: ProbeSource | Unsupported = NOT_OFFERED
    variables: VariableSource | Unsupported = NOT_OFFERED
    pages: PageSource | Unsupported = NOT_OFFERED
    api_keys: KeySource | Unsupported = NOT_OFFERED
    files: FileStores | Unsupported = NOT_OFFERED
    deploy: Actuator[Deploy] | Unsupported = NOT_OFFERED
    cancel: Actuator[Cancel] | Unsupported = NOT_OFFERED
    promote: Actuator[Promote] | Unsupported = NOT_OFFERED
    roll_back: Actuator[RollBack] | Unsupported = NOT_OFFERED
    suspend: Actuator[Suspend] | Unsupported = NOT_OFFERED
    resume: Actuator[Resume] | Unsupported = NOT_OFFERED
    restart: Actuator[Restart] | Unsupported = NOT_OFFERED
    scale: Actuator[Scale] | Unsupported = NOT_OFFERED
    auto_deploy: Actuator[SetAutoDeploy] | Unsupported = NOT_OFFERED
    migrate: Actuator[Migrate] | Unsupported = NOT_OFFERED
    migrate_down: Actuator[MigrateDown] | Unsupported = NOT_OFFERED
    shift_traffic: Actuator[ShiftTraffic] | Unsupported = NOT_OFFERED
    point_name: Actuator[PointName] | Unsupported = NOT_OFFERED
    maintain: Actuator[Maintain] | Unsupported = NOT_OFFERED
    announce: Actuator[Announce] | Unsupported = NOT_OFFERED
    set_variables: Actuator[SetVariables] | Unsupported = NOT_OFFERED

    def without_deploys(self, why: Unsupported) -> Capabilities:
        """The same of a platform that runs no services: all that concerns their releases is refused with one reason."""
        return replace(self, deploy=why, cancel=why, promote=why, roll_back=why)


class Connection(Protocol):
    """An open provider: its name in the configuration, its kind, what it can do."""

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> str: ...

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def desk(self) -> Desk: ...

    async def close(self) -> None: ...


def refused_at(connection: Connection) -> datetime | None:
    """When its platform last refused its token something (401, 403), where the connection keeps that in mind."""
    found = getattr(getattr(connection, "http", None), "refused_at", None)
    return found if isinstance(found, datetime) else None
