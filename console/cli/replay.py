"""`replay`: recorded rollouts judged by today's configuration, and every verdict that would differ."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from typing import Any

from console.cli.finding import find_deployment
from console.cli.output import show_json, show_lines
from console.cli.session import Session
from console.cli.times import parse_moment
from console.cli.words import counted, say_moment, say_state, table
from console.client.service import HistoryQuery, Service
from console.config.loader import load
from console.config.location import locate
from console.config.settings import Settings
from console.domain.codec import to_json
from console.domain.errors import ExitCode, UsageError
from console.domain.ids import DeploymentId, EnvironmentName
from console.domain.observations import DeploymentSummary
from console.planning.draft import judge_arguments
from console.watch.judgement import judge_settings
from console.watch.replay import Replayed, differences
from console.watch.replay import replay as judge_again

PAGE = 200
TOLERANCES = ("alpha", "floor", "min_requests", "max_error_rate")


async def replay(session: Session) -> int:
    """Judge again; 0 where every verdict would be the same, 1 where one would differ or none can be computed again."""
    settings = load(locate(session.home, session.config))
    service = await session.service()
    found: list[Replayed] = []
    rollouts = 0
    strangers: list[str] = []
    async for deployment, environment in _chosen(session, service, settings):
        rules = _rules(session, settings, environment)
        if rules is None:
            strangers.append(deployment)
            continue
        rollouts += 1
        found += judge_again(await service.events_of(deployment), judge_settings(rules))
    if session.form == "text":
        show_lines(session, replay_lines(rollouts, found))
    else:
        show_json(session, _to_json(session, settings, rollouts, found, strangers))
    if strangers:
        words = f"{counted(len(strangers), 'deployment')} of environments that are configured no longer"
        session.say(f"Left out: {words} ({', '.join(strangers[:5])}).")
    return ExitCode.FAILED if any(differences(found)) else ExitCode.GOOD


async def _chosen(
    session: Session, service: Service, settings: Settings
) -> AsyncIterator[tuple[DeploymentId, EnvironmentName]]:
    """The one named, or all that began since the time named, newest first."""
    options = session.options
    if options.deployment:
        one = await find_deployment(service, options.deployment)
        yield one.id, one.environment
        return
    if options.environment and options.environment not in settings.environments:
        known = ", ".join(settings.environments) or "none"
        raise UsageError(
            f"There is no environment {options.environment!r}.", f"Known: {known}.", "Name one of these, or none."
        )
    since = parse_moment(options.since, session.now()) if options.since else None
    name = EnvironmentName(options.environment) if options.environment else None
    async for line in _history(service, name, since):
        yield line.id, line.environment


async def _history(
    service: Service, environment: EnvironmentName | None, since: datetime | None
) -> AsyncIterator[DeploymentSummary]:
    before: DeploymentId | None = None
    while True:
        page = await service.history(HistoryQuery(environment, limit=PAGE, before=before))
        for line in page:
            if since is not None and line.requested_at < since:
                return
            yield line
        if len(page) < PAGE:
            return
        before = page[-1].id


def _rules(session: Session, settings: Settings, environment: str) -> dict[str, object] | None:
    """What the configuration says of this environment, with what the command line says instead."""
    if environment not in settings.environments:
        return None
    said = {name: getattr(session.options, name) for name in TOLERANCES}
    rules = judge_arguments(settings.environments[environment].judge)
    return {**rules, **{name: value for name, value in said.items() if value is not None}}


def replay_lines(rollouts: int, found: Sequence[Replayed]) -> Iterator[str]:
    """Every difference with what both verdicts say, then the sums."""
    differing = list(differences(found))
    if differing:
        rows = [
            [
                one.deployment,
                one.environment,
                one.release,
                one.step,
                say_moment(one.at),
                say_state(one.then.kind.value),
                say_state(one.now.kind.value if one.now else ""),
            ]
            for one in differing
        ]
        yield from table(["DEPLOYMENT", "ENVIRONMENT", "RELEASE", "STEP", "AT", "THEN", "NOW"], rows)
        yield ""
    for one in differing:
        yield f"{one.deployment} {one.step}: {one.follows}"
        yield f"  then  {one.then.explanation}"
        yield f"  now   {one.now.explanation if one.now else ''}"
        if not one.is_whole:
            yield "        worked out from the figures of the recorded verdict, without its latencies"
    for one in found:
        if one.gap:
            yield f"{one.deployment} {one.step}: not judged again. {one.gap}"
    again = [one for one in found if one.now is not None]
    yield (
        f"{len(differing)} of {counted(len(again), 'verdict')} would differ, "
        f"in {counted(rollouts, 'deployment')}; {len(found) - len(again)} could not be judged again."
    )


def _to_json(
    session: Session, settings: Settings, rollouts: int, found: Sequence[Replayed], strangers: Sequence[str]
) -> dict[str, Any]:
    environments = dict.fromkeys(one.environment for one in found)
    rules = {name: _rules(session, settings, name) or {} for name in environments}
    return {
        "deployments": rollouts,
        "verdicts": len(found),
        "judged_again": sum(one.now is not None for one in found),
        "tolerances": {name: {key: said.get(key) for key in TOLERANCES} for name, said in rules.items()},
        "differences": [{**to_json(one), "follows": one.follows} for one in differences(found)],
        "not_judged_again": [
            {"deployment": one.deployment, "step": one.step, "reason": one.gap} for one in found if one.gap
        ],
        "left_out": list(strangers),
    }
