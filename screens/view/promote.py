"""What going forward from a stage would mean, as rows."""

from __future__ import annotations

from console.domain.deployment import Deployment, StepState, StepStatus
from console.domain.plan import StepKind
from screens.view.rows import BLANK, Row, Span, left, row, wrapped
from screens.view.verdicts import verdict_rows


def stages_after(deployment: Deployment, state: StepState) -> list[StepState]:
    """The moves of traffic of the same service that are still to come."""
    return [
        other
        for other in deployment.steps.values()
        if other.step.kind is StepKind.SHIFT
        and other.step.service == state.step.service
        and other.step.undoes is None
        and other.status is StepStatus.PENDING
    ]


def promote_rows(deployment: Deployment, state: StepState, width: int, *, full: bool) -> list[Row]:
    """How the stage stands, the last verdict on it, and what each key does."""
    rows = wrapped(f"“{state.step.name}” ends now.", width, "strong")
    if state.detail:
        rows += wrapped(state.detail, width, "dim")
    verdicts = [record for record in deployment.verdicts if record.step == state.step.id]
    if verdicts:
        rows += verdict_rows(verdicts[-1], width)
    else:
        rows += wrapped("Nothing has been judged here yet: you go forward on what you know yourself.", width, "warn")
    after = stages_after(deployment, state)
    release = deployment.plan.release.name
    everybody = (
        f"everybody gets {release} at once, past the stages between. At 100 % it is watched as always, and taken "
        "back if it fails."
    )
    rows.append(BLANK)
    if full:
        return rows + _key("y", everybody, width)
    following = after[0].step.name if after else "what comes after the stages"
    rows += _key("y", f"the next stage begins: {following}", width)
    return rows + _key("f", everybody, width) if len(after) > 1 else rows


def _key(key: str, does: str, width: int) -> list[Row]:
    first, *rest = wrapped(does, width, indent=3)
    return [row(Span(left(key, 3), "key"), *first.spans[1:]), *rest]
