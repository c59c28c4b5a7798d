"""The last way back of a database: the backup from before its migrations, where nothing else takes them back. Pure.

Never by itself: somebody has to say so (`Rollback.restores_data`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from console.domain.deployment import Deployment, StepState, StepStatus
from console.domain.plan import StepKind, Undo
from console.planning.undos import undo_id


def with_restores(deployment: Deployment, begun: Sequence[StepState]) -> tuple[StepState, ...]:
    """The same states, with the backup as the undo of migrations that have no other, or whose other failed."""
    return tuple(
        replace(state, step=replace(state.step, undo=undo)) if undo is not None else state
        for state in begun
        for undo in (_find_undo(deployment, state),)
    )


def say_restores(deployment: Deployment, begun: Sequence[StepState]) -> Iterator[str]:
    """What could be, or is to be, put back, one sentence a database."""
    for state in begun:
        if _find_undo(deployment, state) is None:
            continue
        saved = _find_saved(deployment, state)
        at = f"of {saved.ended_at:%Y-%m-%d %H:%M:%S} UTC" if saved and saved.ended_at else "from before"
        backup = saved.outputs["backup"] if saved else ""
        what = f"{state.step.name[:1].lower()}{state.step.name[1:]}"
        yield (
            f"{state.step.service}: backup {backup} {at}, from before it was to {what};"
            " what was written since is lost to it, and saved as a backup of its own"
        )


def _find_undo(deployment: Deployment, state: StepState) -> Undo | None:
    step = state.step
    if step.kind is not StepKind.MIGRATE or _stays(state):
        return None
    tried = deployment.steps.get(undo_id(step.id))
    if step.undo is not None and (tried is None or tried.status not in (StepStatus.FAILED, StepStatus.LOST)):
        return None
    saved = _find_saved(deployment, state)
    if saved is None:
        return None
    given = {name: value for name, value in saved.step.arguments.items() if name != "note"}
    # What the migrations made is newer than the backup, and is what has to go.
    arguments = {**given, "backup": saved.outputs["backup"], "over_newer": True}
    return Undo(
        StepKind.RESTORE_DATA,
        f"Save what {step.service} holds, then restore backup {saved.outputs['backup']}",
        arguments,
    )


def _stays(state: StepState) -> bool:
    """Whether all of it could be taken back and is kept on purpose (`migrations_on_rollback`)."""
    files = state.step.arguments.get("files")
    downs = [file.get("down") for file in files if isinstance(file, Mapping)] if isinstance(files, list) else []
    return state.step.undo is None and bool(downs) and all(downs)


def _find_saved(deployment: Deployment, state: StepState) -> StepState | None:
    """The step that took the backup right before; None where there is none that is whole."""
    needed = (deployment.steps[need] for need in state.step.needs if need in deployment.steps)
    return next(
        (
            one
            for one in needed
            if one.step.kind is StepKind.BACK_UP and one.status is StepStatus.SUCCEEDED and one.outputs.get("backup")
        ),
        None,
    )
