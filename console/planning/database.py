"""A database: its migrations before all that needs them, those by which an older release would fail after all of it.

Pure. A migration that takes something away (it *contracts* the schema) waits until no older release serves; where that
cannot be waited for, the plan is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from console.config.kinds import DATABASE_KINDS
from console.config.strategies import CUSTOM, RECREATE
from console.domain.ids import ServiceName
from console.domain.plan import Phase, Step, StepKind, Undo
from console.migrations.contracting import name_contracts
from console.planning.backups import plan_backup
from console.planning.draft import Draft, Flow
from providers.contract import MigrationFile

LAST, FIRST = "last", "first"


@dataclass(frozen=True)
class _Parted:
    """Files by when they are run; `contracts` tells whether those that are run first may take something away."""

    first: tuple[MigrationFile, ...]
    last: tuple[MigrationFile, ...] = ()
    contracts: bool = True
    refusals: tuple[str, ...] = ()


def plan_database(draft: Draft, name: str) -> Flow:
    """Apply the migrations that the database does not list yet, before anything that needs it."""
    live, placement = draft.live_of(name), draft.placement(name)
    pending = tuple(sorted((f for f in draft.files if f.version not in live.applied), key=lambda f: f.version))
    unknown = [version for version in live.applied if version not in {file.version for file in draft.files}]
    if draft.wish.returns and unknown:
        kept = f"{name}: {', '.join(unknown)} stays applied, which {draft.release.name} does not know."
        return Flow(name, notes=(kept,))
    if not pending:
        what = "every migration is applied already" if placement.migrations else "it has no migrations"
        return Flow(name, notes=(f"{name}: {what}; nothing is done.",))
    parted = _part(draft, name, pending)
    latest = max(live.applied, default="")
    late = [file.version for file in pending if file.version < latest]
    notes = [f"{name}: {', '.join(late)} is older than {latest}, which is applied already."] if late else []
    if parted.last:
        versions = ", ".join(file.version for file in parted.last)
        notes.append(f"{name}: {versions} waits until no older release serves, which would fail by it.")
    return Flow(
        name,
        serve=_saved(draft, _migrate(draft, name, parted.first, contracts=parted.contracts)) if parted.first else (),
        retire=_saved(draft, _migrate(draft, name, parted.last, contracts=True, last=True)) if parted.last else (),
        notes=tuple(notes),
        refusals=parted.refusals,
    )


def _saved(draft: Draft, migrate: Step) -> tuple[Step, ...]:
    """The step, after the backup that it waits for."""
    backups = tuple(plan_backup(draft, str(migrate.service), last=migrate.phase is Phase.DECOMMISSION))
    return (*backups, replace(migrate, needs=tuple(step.id for step in backups)))


def _migrate(draft: Draft, name: str, files: tuple[MigrationFile, ...], *, contracts: bool, last: bool = False) -> Step:
    arguments = {"target": draft.placement(name).id, "files": [_file_arguments(file) for file in files]}
    without = [f"{file.version}_{file.name}" for file in files if not file.down.strip()]
    undo, no_undo = None, ""
    if draft.environment.migrations_on_rollback == "keep":
        no_undo = "Migrations stay after a rollback (migrations_on_rollback is keep)."
    elif without:
        no_undo = f"No down script: {', '.join(without)}."
    else:
        undo = Undo(StepKind.MIGRATE_DOWN, f"Take back {_count(files)} of {name}", arguments)
    return draft.step(
        f"{name}.contract" if last else f"{name}.migrate",
        f"Apply {_count(files)} to {name}{', which no older release bears' if last else ''}",
        StepKind.MIGRATE,
        Phase.DECOMMISSION if last else Phase.MIGRATE,
        service=name,
        provider=draft.service(name).provider,
        arguments={**arguments, "contracts": contracts, "hold_s": _hold(draft, name)},
        undo=undo,
        no_undo=no_undo,
    )


def _part(draft: Draft, name: str, pending: tuple[MigrationFile, ...]) -> _Parted:
    """Tell what waits until older releases serve no more, and what forbids the plan."""
    taken = {file.version: words for file in pending if (words := name_contracts(file))}
    older = tuple(_older(draft, name)) if taken else ()
    if not older or draft.environment.contracts == FIRST:
        return _Parted(pending)
    start = next(place for place, file in enumerate(pending) if file.version in taken)
    obstacle = _obstacle(draft, older, [file for file in pending[start:] if file.version not in taken])
    if obstacle:
        words = "; ".join(f"{version} ({', '.join(why)})" for version, why in taken.items())
        serving = ", ".join(f"{service} {commit[:8]}".rstrip() for service, commit in older)
        return _Parted(
            pending, contracts=False, refusals=(f"{name}: {words}: {serving} still serves and would fail. {obstacle}",)
        )
    return _Parted(pending[:start], pending[start:], contracts=False)


def _obstacle(draft: Draft, older: Sequence[tuple[str, str]], behind: Sequence[MigrationFile]) -> str:
    """Why it cannot wait until the older releases serve no more; empty when it can."""
    environment, strategy = draft.environment, draft.wish.strategy or draft.environment.strategy
    if environment.contracts != LAST:
        return "Release it once they serve no more (contracts is refuse)."
    if strategy.startswith(CUSTOM):
        return "Release it by itself once they serve no more: a pipeline has no place of its own for it."
    staying = [name for name, _ in older if draft.wish.services and name not in draft.wish.services]
    if staying:
        return f"Deploy {', '.join(staying)} as well."
    kept = [name for name, _ in older if environment.keep == "forever" and draft.placement(name).arms]
    if kept:
        return f"The old arm of {', '.join(kept)} is never stopped (keep is forever)."
    if behind:
        versions = ", ".join(file.version for file in behind)
        return f"It cannot wait for that, since {versions} comes after it: release that first."
    return ""


def _hold(draft: Draft, database: str) -> float | None:
    """How long readers may be kept waiting, in seconds; None where there are none."""
    return draft.environment.limits.hold.total_seconds() if any(_readers(draft, database)) else None


def _older(draft: Draft, database: str) -> Iterator[tuple[str, str]]:
    """Those that serve with something else than this release, with the commit where it is known."""
    for name in _readers(draft, database):
        commit = draft.live_of(name).live_commit
        if commit != draft.release.commit:
            yield name, commit


def _readers(draft: Draft, database: str) -> Iterator[str]:
    """Services that need the database and run. Where nobody is said to need it, everybody is taken to.

    Who is behind a holding page while it changes serves nobody.
    """
    others = [
        name
        for name, placement in draft.environment.services.items()
        if not placement.migrations and draft.settings.kind_of(name) not in DATABASE_KINDS
    ]
    needing = [name for name in others if _needs(draft, name, database, frozenset())]
    for name in needing or others:
        live = draft.live_of(name)
        if (live.live_commit or live.deployment or live.stable_arm) and not _is_hidden(draft, name):
            yield name


def _needs(draft: Draft, name: str, database: str, seen: frozenset[str]) -> bool:
    needs = draft.settings.services[name].needs if name in draft.settings.services else ()
    return any(
        need == database or (need not in seen and _needs(draft, need, database, seen | {name})) for need in needs
    )


def _is_hidden(draft: Draft, name: str) -> bool:
    page = draft.live.pages.get(ServiceName(name))
    chosen = not draft.wish.services or name in draft.wish.services
    return chosen and page is not None and not page.cannot and draft.shape_of(name).strategy == RECREATE


def _file_arguments(file: MigrationFile) -> dict[str, object]:
    verify = {"verify": file.verify} if file.verify else {}
    return {"version": file.version, "name": file.name, "sql": file.sql, "down": file.down, **verify}


def _count(files: tuple[MigrationFile, ...]) -> str:
    return "1 migration" if len(files) == 1 else f"{len(files)} migrations"
