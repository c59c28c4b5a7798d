"""Steps of a failover: check the standby, fence the old primary, promote, point names, verify and measure.

Each states what is to be, so that after a crash it is simply asked again. The intent to promote is on record before the
database hears of it: from then on the old primary stays fenced, whatever happens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from console.domain import events as ev
from console.domain.codec import to_json
from console.domain.errors import ConsoleError, Unreachable, UsageError
from console.domain.failover import AT_MOST, CANNOT_GO_BACK, EXACT, UNKNOWN, is_past_return
from console.domain.plan import StepKind
from console.domain.standby import Server
from console.domain.verdict import Verdict, VerdictKind
from console.engine.executors.trial import PROBES
from console.engine.failover import fetch_addresses, find_missing, lag_since_commit, look, measure
from console.engine.variables import Variables
from console.engine.work import Done, Failed, Outcome, Work
from console.watch.probes import HealthCheck, check_health
from providers.contract import PointName, Standbys, Unsupported

LOOK_EVERY_S = 0.5
NAME = "postgres"


@dataclass(frozen=True)
class _Database:
    """One database of the step, and the addresses of the server that is left and of the one that takes over."""

    name: str
    standbys: Standbys
    old: str
    new: str


async def check(work: Work) -> Outcome:
    """A service or a database of the side that takes over. A rehearsal collects what it finds instead of failing."""
    of_database = "database" in work.step.arguments
    problems, words, outputs = await (_check_database(work) if of_database else _check_service(work))
    if problems and not work.argument("rehearse", False):
        return Failed(" ".join(problems), f"step {work.step.id}", "Mend it, or decide for --force.")
    return Done(" ".join([*problems, *words]), {**outputs, "problems": problems})


async def _check_service(work: Work) -> tuple[list[str], list[str], dict[str, Any]]:
    name, target = str(work.step.service), str(work.argument("target"))
    problems: list[str] = []
    words: list[str] = []
    inventory = work.capabilities().inventory
    commit = ""
    if not isinstance(inventory, Unsupported):
        found = await work.steadily(lambda: inventory.fetch_target(target))
        commit = found.live
        if found.suspended or not (found.live or found.live_deployment):
            problems.append(f"{name} runs nothing there.")
    missing = await work.steadily(lambda: find_missing(work.variables, str(work.argument("environment")), name, target))
    if missing:
        (words if work.argument("force", False) else problems).append(f"{name} lacks {', '.join(missing)} there.")
    if "health" in work.step.arguments:
        source = work.capabilities(PROBES).probes
        if not isinstance(source, Unsupported):
            asked = HealthCheck.of(str(work.argument("url")), work.argument("health"))
            verdict = await check_health(source, asked, work.clock, work.progress)
            await work.record(ev.StageJudged(work.step.id, verdict, work.step.service))
            (words if verdict.is_pass else problems).append(verdict.explanation)
    left = str(work.argument("left", "") or "")
    if left and commit and left != commit:
        words.append(f"It runs {commit[:8]}; {left[:8]} ran on the side that is left.")
    return problems, words, {"commit": commit}


async def _check_database(work: Work) -> tuple[list[str], list[str], dict[str, Any]]:
    database = await _database(work)
    name, most = database.name, float(work.argument("max_lag_s"))
    pair = await measure(database.standbys, database.old, database.new, work.clock)
    lag = "an unknown time" if pair.lag_s is None else f"{pair.lag_s:.1f} s"
    outputs = {"lag_s": pair.lag_s, "lag_bytes": pair.lag_bytes, "reached_old": not pair.old.problem}
    problems = []
    if pair.new.problem:
        problems.append(f"The standby of {name} cannot be asked: {pair.new.problem}")
    elif not pair.new.in_recovery:
        problems.append(f"What stands by for {name} is no standby.")
    elif (pair.lag_s is None or pair.lag_s > most) and not work.argument("force", False):
        problems.append(f"The standby of {name} lags by {lag}; max_lag is {most:.0f} s.")
    if pair.old.problem and not work.argument("force", False):
        problems.append(f"The primary of {name} does not answer, so it cannot be fenced: {pair.old.problem}")
    size = "" if pair.lag_bytes is None else f" ({pair.lag_bytes} bytes)"
    return problems, [f"The standby of {name} is at most {lag} behind{size}."], outputs


async def fence(work: Work) -> Outcome:
    """The old primary takes no writes from here on; what it had written until then is the mark to reach."""
    database = await _database(work)
    at = work.clock.now()
    try:
        found = await work.steadily(lambda: database.standbys.fence(database.old))
    except Unreachable as problem:
        if not work.argument("force", False):
            raise
        return Done(f"{database.name} does not answer any more and is not fenced: {problem.what}", {"fenced": {}})
    place = database.standbys.place_of(database.old)
    mark = {"position": found.position, "at": to_json(at)}
    return Done(f"{database.name} at {place} is read-only, its sessions are ended", {"fenced": mark})


async def unfence(work: Work) -> Outcome:
    """Only while no standby took over, nor may be about to."""
    database = await _database(work)
    if is_past_return(work.deployment):
        return Failed(f"{database.name} stays read-only: {CANNOT_GO_BACK}.", f"step {work.step.id}")
    new = await look(database.standbys, database.new)
    if not new.problem and not new.in_recovery:
        return Failed(f"{database.name} stays read-only: somebody promoted its standby.", f"step {work.step.id}")
    await work.steadily(lambda: database.standbys.unfence(database.old))
    return Done(f"{database.name} takes writes again")


async def promote(work: Work) -> Outcome:
    """Wait until everything that was fenced has arrived, then promote. Failures after the intent settle nothing."""
    database = await _database(work)
    mark: Mapping[str, Any] = work.argument("fenced", {})
    before = await work.steadily(lambda: database.standbys.look(database.new))
    if work.state.operation is None:
        if not before.in_recovery:
            return Failed(f"{database.name}: somebody promoted the standby meanwhile.", f"step {work.step.id}")
        if mark:
            before = await _drain(work, database, int(mark["position"]))
            if before.position < int(mark["position"]) and not work.argument("force", False):
                missing = int(mark["position"]) - before.position
                what = f"The standby of {database.name} still lacks {missing} bytes."
                return Failed(what, f"step {work.step.id}", "Let it catch up, or accept the loss with --force.")
        key = f"{work.deployment.id}/{work.step.id}/{work.deployment.seq}"
        await work.record(ev.OperationIntended(work.step.id, key, f"promote {database.name}"))
    try:
        after = await work.steadily(lambda: database.standbys.promote(database.new))
    except ConsoleError as problem:
        now = await look(database.standbys, database.new)
        if now.problem or not now.in_recovery or problem.transient:
            raise Unreachable(NAME, problem.what, problem.where, problem.remedy) from problem
        raise
    seen = after.last_commit_at or before.last_commit_at
    lost = _loss(mark, before, seen, work.clock.now())
    place = database.standbys.place_of(database.new)
    return Done(f"{database.name} at {place} takes writes; {_told(lost)}", lost)


async def _drain(work: Work, database: _Database, position: int) -> Server:
    limit = work.clock.now().timestamp() + float(work.argument("drain_s"))
    while True:
        found = await work.steadily(lambda: database.standbys.look(database.new))
        if found.position >= position or work.clock.now().timestamp() >= limit:
            return found
        await work.progress(f"the standby of {database.name} lacks {position - found.position} bytes")
        await work.sleep(LOOK_EVERY_S)


def _loss(mark: Mapping[str, Any], before: Server, seen: datetime | None, now: datetime) -> dict[str, Any]:
    """What was written and did not arrive: nothing, at most the time since the last commit, or nobody knows."""
    if mark and before.position >= int(mark["position"]):
        return {"rpo_s": 0.0, "rpo": EXACT, "lost_bytes": 0}
    end = datetime.fromisoformat(str(mark["at"])) if mark else before.asked_at or now
    span = lag_since_commit(Server(last_commit_at=seen), end)
    missing = int(mark["position"]) - before.position if mark else None
    return {"rpo_s": span, "rpo": UNKNOWN if span is None else AT_MOST, "lost_bytes": missing}


def _told(lost: Mapping[str, Any]) -> str:
    if lost["rpo"] == EXACT:
        return "nothing was lost"
    if lost["rpo"] == UNKNOWN:
        return "nobody can say what was lost"
    return f"lost is at most what was written in {float(lost['rpo_s']):.1f} s"


async def point_name(work: Work) -> Outcome:
    """Let a DNS name say the new side's address; how long others may still be told the old one is on record."""
    said = {key: str(work.argument(key)) for key in ("domain", "name", "type", "value")}
    request = PointName(**said, ttl=int(work.argument("ttl")))
    full = f"{request.name}.{request.domain}".removeprefix(".")
    ended = await work.perform(work.capabilities().point_name, request, f"let {full} say {request.value}")
    return ended if isinstance(ended, Failed) else Done(f"{full} says {request.value}", ended.outputs)


async def await_resolvers(work: Work) -> Outcome:
    """Call the old side unused only once no resolver can keep its address: counted from when the names changed."""
    old, kept = str(work.argument("old")), timedelta(seconds=float(work.argument("resolvers_s")))
    changes = [
        state.ended_at
        for state in work.deployment.steps.values()
        if state.step.kind is StepKind.POINT_NAME and state.ended_at is not None
    ]
    changed = max(changes, default=work.state.started_at or work.clock.now())
    until = changed + timedelta(seconds=float(work.argument("wait_s")))
    unused_at = changed + kept
    told = f"resolvers may lead visitors to {old} until {unused_at:%H:%M:%S} UTC"
    while (left := (until - work.clock.now()).total_seconds()) > 0:
        await work.progress(told)
        await work.sleep(left)
    outputs = {"unused_at": to_json(unused_at)}
    if work.clock.now() < unused_at:
        return Done(f"{told}: leave it running until then", outputs)
    return Done(f"no resolver leads visitors to {old} any more", outputs)


async def verify(work: Work) -> Outcome:
    """Databases take writes and visitors are answered as they should: then, and not before, the clock stops."""
    if work.argument("rehearse", False):
        return await _expect(work)
    if work.variables is None:
        return Failed("This worker asks no databases.", f"step {work.step.id}")
    for name in work.argument("databases"):
        database = await _database(work, str(name))
        await work.steadily(partial(database.standbys.try_writing, database.new))
    source = work.capabilities(PROBES).probes
    for probe in work.argument("probes"):
        if isinstance(source, Unsupported) or not probe["url"]:
            continue
        verdict = await check_health(source, HealthCheck.of(probe["url"], probe.get("health", {})), work.clock)
        await work.record(ev.StageJudged(work.step.id, verdict, probe["service"]))
        if not verdict.is_pass:
            return Failed(f"{probe['service']}: {verdict.explanation}", f"step {work.step.id}", "", again=True)
    figures = {"rto_s": (work.clock.now() - work.deployment.requested_at).total_seconds(), **_worst(work)}
    return Done(_say(work, figures), figures)


def _worst(work: Work) -> dict[str, Any]:
    """Of several databases the one that lost most; without any, nothing can be lost."""
    found = [
        state.outputs
        for state in work.deployment.steps.values()
        if state.step.kind is StepKind.PROMOTE_STANDBY and "rpo" in state.outputs
    ]
    if not found:
        return {"rpo_s": 0.0, "rpo": EXACT, "lost_bytes": 0}
    ranks = (EXACT, AT_MOST, UNKNOWN)
    worst = max(found, key=lambda each: (ranks.index(each["rpo"]), each["rpo_s"] or 0.0))
    return {key: worst[key] for key in ("rpo_s", "rpo", "lost_bytes")}


def _say(work: Work, figures: Mapping[str, Any]) -> str:
    words = [f"{work.argument('to')} serves {figures['rto_s']:.1f} s after it was asked for", _told(figures)]
    for name, promise in (("rto_s", work.step.arguments.get("rto_s")), ("rpo_s", work.step.arguments.get("rpo_s"))):
        if promise is not None:
            kept = figures[name] is not None and figures[name] <= promise
            words.append(f"the promise of {promise:.0f} s ({name[:3]}) was {'kept' if kept else 'not kept'}")
    resolvers = work.step.arguments.get("resolvers_s")
    if resolvers:
        words.append(f"resolvers may lead some visitors to the old side for {resolvers} s more")
    return "; ".join(words)


async def _expect(work: Work) -> Outcome:
    """A rehearsal: what the checks found, how long they took, and what the rest took whenever it was done."""
    states = [state for state in work.deployment.steps.values() if state.step.kind is StepKind.CHECK_STANDBY]
    problems = [str(words) for state in states for words in state.outputs.get("problems", ())]
    problems += [str(words) for words in work.argument("doubts", [])]
    began = min((state.started_at for state in states if state.started_at), default=work.clock.now())
    ended = max((state.ended_at for state in states if state.ended_at), default=began)
    lags = [state.outputs["lag_s"] for state in states if "lag_s" in state.outputs]
    lag = None if None in lags else max(lags, default=0.0)
    unmeasured: list[str] = list(work.argument("unmeasured", []))
    resolvers = work.step.arguments.get("resolvers_s")
    late = float(str(resolvers)) if resolvers else 0.0
    rto = (ended - began).total_seconds() + float(work.argument("expected_s"))
    promise = work.step.arguments.get("rto_s")
    if promise is not None and rto + late > float(str(promise)):
        problems.append(f"A failover would take longer than the promise of {float(str(promise)):.0f} s (rto).")
    findings = list(dict.fromkeys(problems))
    figures = {
        "expected_rto_s": rto,
        "expected_rpo_s": lag,
        "rests_on_assumption": unmeasured,
        "findings": findings,
    }
    words = f"A failover now would take about {rto:.0f} s"
    words += f" (never measured: {', '.join(unmeasured)})" if unmeasured else ""
    words += f", and {late:.0f} s more until resolvers know" if late else ""
    lost = "unknown" if lag is None else f"at most {lag:.1f} s of writes"
    words += f". Lost without a fence: {lost}."
    kind = VerdictKind.FAIL if findings else VerdictKind.PASS
    # A step that failed leaves no outputs; what was found is worth keeping all the same.
    await work.record(ev.StageJudged(work.step.id, Verdict(kind, words, figures)))
    if findings:
        return Failed(" ".join([*findings, words]), f"step {work.step.id}", "Mend it, then rehearse again.")
    return Done(words, figures)


async def _database(work: Work, name: str = "") -> _Database:
    variables: Variables | None = work.variables
    if variables is None or variables.standbys is None:
        raise UsageError("This worker asks no databases.", f"step {work.step.id}")
    name = name or str(work.argument("database"))
    pair = variables.databases(str(work.argument("environment"))).get(name)
    if pair is None:
        raise UsageError(f"The configuration no longer has the database {name}.", f"step {work.step.id}")
    old, new = await fetch_addresses(variables, pair, back=bool(work.argument("back", False)))
    return _Database(name, variables.standbys, old, new)
