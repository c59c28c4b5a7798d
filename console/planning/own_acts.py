"""Steps whose work the operator wrote: commands and requests, also as undos, and what is done when things go wrong.

A step for `failed` or `always` is armed before anything that it watches may begin: a step that does nothing but whose
undo is the act. A rollback is made of the undos of what was begun, so the act is done exactly when the deployment is
taken back from then on, after traffic has returned, and survives crashes as every other undo.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from console.config.pipeline_shape import OwnAct, PipelineStep
from console.domain.plan import Phase, Step, StepKind, Undo
from console.planning.draft import Draft, Flow

NO_UNDO = "It is an act of your own without an undo."
WORDS: Mapping[str, str] = {"failed": "only if the deployment is taken back", "always": "whatever happens"}


def plan_act(draft: Draft, wanted: PipelineStep, flow: Flow | None, phase: Phase) -> Step:
    """The step that does it on the way forward.

    Args:
        flow: What the built-in strategy does with its service, for the address of the new release.
    """
    return draft.step(
        wanted.id,
        _title(wanted),
        wanted.step_kind,
        phase,
        service=wanted.service or None,
        arguments=_arguments(draft, wanted.act, wanted, flow),
        no_undo="" if wanted.undo.mode == "own" else NO_UNDO,
        time_limit=wanted.act.timeout,
    )


def plan_undo(draft: Draft, wanted: PipelineStep, flow: Flow | None) -> Undo:
    """The act that takes a step back."""
    act = wanted.undo
    kind = StepKind.COMMAND if act.run else StepKind.REQUEST
    arguments = {**_arguments(draft, act, wanted, flow), "may_fail": False}
    return Undo(kind, f"Take back {wanted.name or wanted.id}", arguments)


def plan_armed(draft: Draft, wanted: PipelineStep, flow: Flow | None, step_id: str, phase: Phase) -> Step:
    """The step that arms an act for a rollback. It holds nothing up: a failure of it is noted there."""
    arguments = _arguments(draft, wanted.act, wanted, flow)
    undo = Undo(wanted.step_kind, _title(wanted), {**arguments, "may_fail": True})
    return draft.step(
        step_id,
        f"Have ready: {_title(wanted)}",
        wanted.step_kind,
        phase,
        service=wanted.service or None,
        arguments={"armed": WORDS[wanted.outcome]},
        undo=undo,
        time_limit=wanted.act.timeout,
    )


def _title(wanted: PipelineStep) -> str:
    if wanted.name:
        return wanted.name
    if wanted.act.run:
        return f"Run {Path(wanted.act.run[0]).name} ({wanted.id})"
    return f"Ask {wanted.act.method} {wanted.act.url} ({wanted.id})"


def _arguments(draft: Draft, act: OwnAct, wanted: PipelineStep, flow: Flow | None) -> dict[str, Any]:
    repeatable = wanted.repeatable
    if repeatable is None:
        repeatable = bool(act.url) and act.method in {"GET", "HEAD"}
    common = {
        "limit_s": act.timeout.total_seconds(),
        "may_fail": wanted.may_fail,
        "tries": (wanted.retries or 0) + 1,
        "repeatable": repeatable,
        **_address(flow),
    }
    if act.run:
        base = draft.settings.file.parent if draft.settings.file else Path()
        return {
            "run": [_filled(draft, word) for word in act.run],
            "directory": str((base / Path(act.directory).expanduser()).absolute()),
            "variables": dict(act.variables),
            **common,
        }
    return {
        "method": act.method,
        "address": _filled(draft, act.url),
        "headers": dict(act.headers),
        "body": _filled(draft, act.body),
        "expect_status": list(act.expect_status or ()),
        "expect_text": _filled(draft, act.expect_text),
        **common,
    }


def _address(flow: Flow | None) -> dict[str, object]:
    """Where the new release of the service answers, as its built-in checks know it."""
    for step in (*flow.prepare, *flow.serve) if flow else ():
        found = {key: step.arguments[key] for key in ("url", "url_from") if step.arguments.get(key)}
        if found and step.kind in {StepKind.HEALTH, StepKind.INTEGRATION, StepKind.BENCHMARK}:
            return found
    return {}


def _filled(draft: Draft, text: str) -> str:
    """Write what is known of the release and the environment in the place of its name in braces."""
    release = draft.release
    for word, value in (
        ("commit", release.commit),
        ("release", release.name),
        ("environment", draft.wish.environment),
    ):
        text = text.replace(f"{{{word}}}", value)
    return text
