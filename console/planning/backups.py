"""Backups as steps: before a database is migrated, or by themselves: taken, proven, put back. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from console.domain.backups import BACKUPS, RESTORE, TAKE, VERIFY, BackupFound, BackupWish
from console.domain.ids import ServiceName
from console.domain.plan import Phase, Plan, Step, StepKind, Undo
from console.planning.assembly import wait_for_approvals
from console.planning.draft import Draft
from console.planning.risk import judge_risk


def plan_backup(draft: Draft, name: str, *, last: bool = False) -> Iterator[Step]:
    """The step, where the environment wants one and somebody knows the database's address.

    Args:
        last: It comes before migrations that wait until no older release serves.
    """
    if not draft.environment.backups.before_migrations or not draft.placement(name).database_url:
        return
    word = "back-up-again" if last else "back-up"
    yield _take(draft, name, word, Phase.DECOMMISSION if last else Phase.MIGRATE, _arguments(draft, name))


def plan_backups(draft: Draft, act: str, refusals: Sequence[str]) -> Plan:
    """Write the plan of a backup by hand; what forbids it is among its refusals."""
    wish = draft.wish.backup or BackupWish()
    chosen = [
        name
        for name, placement in draft.environment.services.items()
        if placement.database_url and (not draft.wish.services or name in draft.wish.services)
    ]
    found = [*refusals, *_refuse(draft, act, wish, chosen)]
    before = wait_for_approvals(draft) if act == RESTORE else ()
    steps: list[Step] = []
    for name in chosen if not found else ():
        if act == TAKE:
            arguments = {**_arguments(draft, name), "note": wish.note}
            steps.append(_take(draft, name, "back-up", Phase.PREPARE, arguments))
            continue
        backup = draft.live.backups.found[ServiceName(name)]
        make = _prove if act == VERIFY else _restore
        steps.append(replace(make(draft, name, backup, wish), needs=tuple(step.id for step in before)))
    every = (*before, *steps)
    return Plan(
        environment=draft.wish.environment,
        strategy=f"{BACKUPS}{act}",
        release=draft.release,
        steps=every,
        services=tuple(map(ServiceName, chosen)),
        risk=judge_risk(draft, every, ()),
        refusals=tuple(found),
        notes=tuple(_notes(draft, act, chosen)) if not found else (),
    )


def _refuse(draft: Draft, act: str, wish: BackupWish, chosen: Sequence[str]) -> Iterator[str]:
    if not chosen:
        yield f"No service of {draft.wish.environment} that was named has a database_url, so there is nothing to do."
    elif act == RESTORE and draft.wish.backup is None:
        yield f"Say which backup: `quarterdeck backup restore {draft.wish.environment}/{chosen[0]}`."
    elif act == RESTORE and len(chosen) > 1:
        yield f"{draft.wish.environment} has several databases: name one of {', '.join(chosen)}."
    elif act != TAKE:
        for name in chosen:
            known = draft.live.backups.found.get(ServiceName(name))
            problem = "its backups could not be looked at." if known is None else known.problem
            if problem:
                yield f"{name}: {problem}"


def _notes(draft: Draft, act: str, chosen: Sequence[str]) -> Iterator[str]:
    if act != RESTORE:
        return
    for name in chosen:
        backup = draft.live.backups.found[ServiceName(name)]
        if backup.at is not None:
            held = f"{name} will hold what it held at {backup.at:%Y-%m-%d %H:%M:%S} UTC ({backup.rows} rows)"
            yield f"{held}; what was written since is saved as a backup of its own first."
    yield "Readers and writers of the database wait meanwhile; who writes while it is saved loses that."


def _arguments(draft: Draft, name: str) -> dict[str, object]:
    own = draft.environment.backups
    base = draft.settings.file.parent if draft.settings.file else None
    return {
        "name": f"{draft.wish.environment}/{name}",
        "address": draft.placement(name).database_url,
        "identity": own.identity,
        "directory": str(base / own.directory if base else own.directory) if own.directory else "",
        "leave_out": list(own.leave_out),
        "jobs": own.jobs,
        "recipients": list(own.recipients),
    }


def _take(draft: Draft, name: str, word: str, phase: Phase, arguments: dict[str, object]) -> Step:
    return draft.step_of(
        name,
        word,
        f"Back up {name}, and prove that it can be restored",
        StepKind.BACK_UP,
        phase,
        arguments=arguments,
        no_undo="It changes nothing.",
        time_limit=draft.environment.limits.transfer,
    )


def _prove(draft: Draft, name: str, backup: BackupFound, wish: BackupWish) -> Step:
    arguments = {**_arguments(draft, name), "backup": backup.id}
    return draft.step_of(
        name,
        "prove-backup",
        f"Restore backup {backup.id} of {name} into a scratch database, and compare",
        StepKind.PROVE_BACKUP,
        Phase.VERIFY,
        arguments={**arguments, **({"identity": wish.identity} if wish.identity else {})},
        no_undo="It changes nothing.",
        time_limit=draft.environment.limits.transfer,
    )


def _restore(draft: Draft, name: str, backup: BackupFound, wish: BackupWish) -> Step:
    arguments = {
        **_arguments(draft, name),
        **({"identity": wish.identity} if wish.identity else {}),
        "over_newer": wish.over_newer,
        "unproven": wish.unproven,
        "left_alone": list(wish.left_alone),
        "with_owners": not wish.without_owners,
    }
    step = draft.step_of(
        name,
        "restore",
        f"Save what {name} holds, then restore backup {backup.id}",
        StepKind.RESTORE_DATA,
        Phase.ROLLOUT,
        arguments={**arguments, "backup": backup.id},
        time_limit=draft.environment.limits.transfer,
    )
    undo = Undo(StepKind.BRING_BACK_DATA, f"Bring back what {name} held before", {**arguments, "forward": str(step.id)})
    return replace(step, undo=undo)
