"""`compare A B`: two deployments side by side, as lines of text or as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from console.cli.output import show
from console.cli.session import Session
from console.cli.words import counted, say_length, say_moment, say_share, say_state, table
from console.client.comparing import find_pair
from console.domain.comparison import Comparison, Side, StepPair, StepSide, compare
from console.domain.errors import ExitCode
from console.domain.events import Trigger


async def compare_two(session: Session) -> int:
    """Show what both were, how they ended, and what differs; 0 whether or not anything does."""
    options = session.options
    first, second = await find_pair(await session.service(), options.first, options.second)
    both = compare(first, second, session.now())
    show(session, both, comparison_lines(both))
    return ExitCode.GOOD


def comparison_lines(both: Comparison) -> Iterator[str]:
    """Facts, figures and variables; then every step that either has. A line that begins with `*` differs."""
    ours, theirs = dict(_facts(both.first)), dict(_facts(both.second))
    labels = [label for label in dict.fromkeys([*ours, *theirs]) if ours.get(label) or theirs.get(label)]
    facts = [_row(label, ours.get(label, ""), theirs.get(label, "")) for label in labels]
    variables = [
        _row(f"{one.service} {one.name}", ", ".join(one.first), ", ".join(one.second)) for one in both.variables
    ]
    yield from table(["", "", both.first.id, both.second.id], [*facts, *variables])
    yield ""
    yield from table(["STEP", "FIRST", "SECOND", "CHANGE"], [list(_step_row(pair)) for pair in both.steps])


def _row(label: str, one: str, other: str) -> list[str]:
    return ["" if one == other else "*", label, one or "–", other or "–"]


def _facts(side: Side) -> Iterator[tuple[str, str]]:
    yield "release", side.release
    yield "environment", side.environment
    yield "strategy", side.strategy
    yield "services", ", ".join(side.services)
    yield "result", say_state(side.status.value)
    yield "asked for", f"{say_moment(side.requested_at)} by {side.requested_by}"
    yield "took", say_length(side.duration_s)
    yield "risk", f"{side.risk} ({side.risk_score} of 100)"
    yield "steps", f"{side.steps_ended} of {side.steps}"
    yield "tried again", counted(side.retries, "step") if side.retries else ""
    yield "verdicts", ", ".join(f"{count} {kind.value.replace('_', ' ')}" for kind, count in side.verdicts.items())
    for service in dict.fromkeys(move.service for move in side.traffic):
        yield f"{service} traffic", " → ".join(side.road(service))
    for service, figures in side.figures.items():
        yield f"{service} requests", f"{figures['requests']:,.0f}"
        for name, value in figures.items():
            if name != "requests":
                yield f"{service} {_label(name)}", _figure(name, value)
    yield "rollback", _rollback(side)
    yield "passed over", ", ".join(side.skipped_gates)
    yield "failure", side.failure
    yield "plan", side.plan_digest[:12]


def _label(name: str) -> str:
    return name.removesuffix("_s").replace("_", " ")


def _figure(name: str, value: float) -> str:
    if name.endswith("_rate"):
        return say_share(value)
    return f"{value * 1000:.0f} ms" if name.endswith("_s") else f"{value:,.0f}"


def _rollback(side: Side) -> str:
    back = side.rollback
    if back is None:
        return ""
    by = "by itself" if back.trigger is Trigger.AUTOMATIC else f"by {back.by}"
    when = f"; traffic back after {say_length(back.traffic_restored_s)}" if back.traffic_restored_s is not None else ""
    return f"{by}: {back.reason}{when}"


def _step_row(pair: StepPair) -> Iterator[str]:
    yield f"{'↩ ' if pair.is_rollback else ''}{pair.name}"
    yield from (_step(side) for side in (pair.first, pair.second))
    if pair.change_s is None or not (pair.is_slower or pair.is_faster):
        yield ""
    else:
        yield f"{'+' if pair.is_slower else '-'}{say_length(abs(pair.change_s))}"


def _step(side: StepSide | None) -> str:
    if side is None:
        return "–"
    took = say_length(side.duration_s) if side.duration_s is not None else ""
    judged = f"judged {side.verdict.value.replace('_', ' ')}" if side.verdict is not None else ""
    told = ", ".join(part for part in (took, judged) if part)
    return f"{say_state(side.status.value)}{f' {told}' if told else ''}"
