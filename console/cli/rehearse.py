"""`rehearse`: run today's plan against stand-ins for the platforms, and tell what would happen and how long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from console.cli.following import DEPLOY_CODES
from console.cli.output import show_json, show_lines
from console.cli.session import Session
from console.cli.words import counted, say_length, say_state, table
from console.client.service import HistoryQuery, Service
from console.config.loader import load
from console.config.location import locate
from console.config.secrets import resolve_all
from console.domain.clock import SystemClock
from console.domain.codec import to_json
from console.domain.deployment import is_rollback_step, steps_in_order
from console.domain.errors import ConsoleError, ExitCode, UsageError
from console.domain.events import Event
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Wish
from console.rehearsal.run import Rehearsed
from console.rehearsal.run import rehearse as run
from console.rehearsal.troubles import Fault, Troubles
from console.server.connections import open_connections
from console.server.variables import Resolver

PAST = 20
"""Past deployments from which lengths are known."""


async def rehearse(session: Session) -> int:
    """Rehearse, with this user's own connections; ends with the code that the deployment would end with."""
    options = session.options
    settings = load(locate(session.home, session.config))
    environment = EnvironmentName(options.environment)
    if environment not in settings.environments:
        known = ", ".join(settings.environments) or "none"
        raise UsageError(f"There is no environment {environment!r}.", f"Known: {known}.", "Name one of these.")
    troubles = Troubles(tuple(Fault.parse(text) for text in options.fault), options.bad, options.seed)
    past = await _past(session, await session.service(), environment)
    connections = open_connections(settings, resolve_all(settings), SystemClock())
    wish = Wish(
        environment,
        options.release,
        options.strategy,
        tuple(ServiceName(name) for name in options.service),
        reason="a rehearsal",
    )
    try:
        found = await run(
            settings,
            wish,
            connections,
            began=session.now(),
            past=past,
            troubles=troubles,
            rate=options.rps,
            resolve=Resolver(settings),
        )
    finally:
        for connection in connections.values():
            await connection.close()
    if session.form == "text":
        show_lines(session, rehearsal_lines(found))
    else:
        show_json(session, rehearsal_json(found))
    return ExitCode.WAITING if found.stuck else DEPLOY_CODES.get(found.deployment.status, ExitCode.FAILED)


async def _past(session: Session, service: Service, environment: EnvironmentName) -> list[Sequence[Event]]:
    """What is on record of the environment; a record that cannot be read leaves lengths unknown, and that is said."""
    try:
        lines = await service.history(HistoryQuery(environment, limit=PAST))
        return [await service.events_of(line.id) for line in lines]
    except ConsoleError as problem:
        session.say(f"Past deployments could not be read, so lengths are assumed: {problem.what}")
        return []


def rehearsal_lines(found: Rehearsed) -> Iterator[str]:
    """How it would end and how long it takes, step by step, with what every platform would be asked."""
    d = found.deployment
    yield f"{d.plan.release} to {d.environment} by {d.plan.strategy}, rehearsed; nothing real was changed"
    state = f"{say_state('waiting')}: {found.stuck}" if found.stuck else say_state(d.status.value)
    yield f"would end {state} after {say_length(found.ended - found.began)}"
    if d.failure:
        yield f"          {d.failure}"
    yield ""
    rows = [
        [
            say_state(s.status.value),
            f"↩ {s.step.name}" if is_rollback_step(s) else s.step.name,
            say_length(s.started_at - found.began if s.started_at else None),
            say_length(s.duration(found.ended)),
            s.detail,
        ]
        for s in steps_in_order(d)
    ]
    yield from table(["STATE", "STEP", "AFTER", "TAKES", "DETAIL"], rows)
    if d.verdicts:
        yield ""
        judged = [[say_state(v.verdict.kind.value), v.step, v.verdict.explanation] for v in d.verdicts]
        yield from table(["VERDICT", "STEP", "BECAUSE"], judged)
    if d.rollback:
        yield ""
        yield f"rollback  {d.rollback.reason}"
        yield f"          traffic back after {say_length(d.rollback.traffic_restored_after)}"
        yield f"          everything after {say_length(d.rollback.duration)}"
    yield ""
    calls = [[c.provider, str(c.total), str(c.most_in_a_minute), str(c.struck)] for c in found.calls]
    yield from table(["PROVIDER", "CALLS", "MOST A MINUTE", "STRUCK"], calls)
    for line in found.cannot:
        yield f"stays     {line}"
    if found.assumed:
        yield f"assumed   the length of {counted(len(found.assumed), 'step')} that no record tells of:"
        yield from (f"          - {name}" for name in found.assumed)
    for note in found.notes:
        yield f"note      {note}"


def rehearsal_json(found: Rehearsed) -> dict[str, Any]:
    """The object that scripts rely on: outcome, steps, verdicts, calls, what would not come back."""
    d = found.deployment
    return {
        "environment": d.environment,
        "release": d.plan.release.name,
        "commit": d.plan.release.commit,
        "strategy": d.plan.strategy,
        "outcome": "waiting" if found.stuck else d.status.value,
        "waits_for": found.stuck,
        "failure": d.failure,
        "duration": (found.ended - found.began).total_seconds(),
        "steps": [
            {
                "id": s.step.id,
                "name": s.step.name,
                "status": s.status.value,
                "rollback": is_rollback_step(s),
                "begins": (s.started_at - found.began).total_seconds() if s.started_at else None,
                "duration": to_json(s.duration(found.ended)),
                "attempts": s.attempts,
                "detail": s.detail,
            }
            for s in steps_in_order(d)
        ],
        "verdicts": [
            {"step": v.step, "service": v.service, "at": to_json(v.at), **to_json(v.verdict)} for v in d.verdicts
        ],
        "rollback": {
            "reason": d.rollback.reason,
            "traffic_restored_after": to_json(d.rollback.traffic_restored_after),
            "duration": to_json(d.rollback.duration),
        }
        if d.rollback
        else None,
        "calls": to_json(found.calls),
        "cannot_be_taken_back": list(found.cannot),
        "assumed": list(found.assumed),
        "notes": list(found.notes),
    }
