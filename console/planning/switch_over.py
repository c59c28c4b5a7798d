"""Plan the first production deployment: the data comes over, then a release goes live that uses it there. Pure.

Most of it comes while everything goes on as before, and new releases are prepared beside. Then the source takes no
more writes, what was written meanwhile follows and every row is proven, and only then is anybody served by a new
release. The way back is that of every deployment; the source takes writes again at once, and the tables go last, after
the rows that were written into them are saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from console.config.settings import Settings
from console.domain.ids import EnvironmentName, ServiceName, StepId
from console.domain.plan import Phase, Plan, Step, StepKind, Undo
from console.domain.switch_over import SWITCH_OVER, SwitchWish
from console.planning.assembly import choose_services, close, frame
from console.planning.draft import Draft
from console.planning.flows import flow_of
from console.planning.holding import find_pushes, plan_lift
from console.planning.release import join_flows
from console.planning.risk import judge_risk

LOAD, FENCE, REST = StepId("data.load"), StepId("data.fence"), StepId("data.rest")
BUCKET, FILES, LAST_FILES = StepId("files.bucket"), StepId("files.load"), StepId("files.rest")
FILES_A_SECOND = 20
ROWS_A_SECOND = 40_000
"""Rows that are loaded, indexed and proven in a second, as a first guess; later ones come from what it took."""

WITHOUT_SOURCE = "Say where the data is: `quarterdeck switch-over ENV --from FILE`."
BEFORE = frozenset({Phase.CHECK, Phase.ANNOUNCE, Phase.PREPARE})
"""Phases whose steps may be done while the source still takes writes."""


def find_database(settings: Settings, environment: EnvironmentName, wished: str) -> tuple[str, str]:
    """The service that the data goes to, or nothing and why."""
    placed = settings.environments[environment].services
    databases = [name for name, placement in placed.items() if placement.database_url]
    if wished:
        if wished in databases:
            return wished, ""
        return "", f"{wished} is no service of {environment} with a database_url."
    if len(databases) == 1:
        return databases[0], ""
    if databases:
        return "", f"{environment} has several databases: name one of {', '.join(databases)} with --database."
    return "", f"No service of {environment} has a database_url, so nobody knows where the data is to go."


def plan_switch_over(draft: Draft, refusals: Sequence[str]) -> Plan:
    """Write the plan; what forbids it is among its refusals."""
    wish, environment = draft.wish.switch, draft.wish.environment
    empty = Plan(environment, SWITCH_OVER, draft.release, (), refusals=(*refusals, WITHOUT_SOURCE))
    if wish is None:
        return empty
    database, why = find_database(draft.settings, environment, wish.database)
    found = [*refusals, *filter(None, (why, draft.live.switch.problem))]
    if not database:
        return replace(empty, refusals=tuple(found))
    chosen = choose_services(draft)
    flows = {name: flow_of(draft, name) for name in chosen}
    found += [refusal for flow in flows.values() for refusal in flow.refusals]
    before = frame(draft)
    data = _data(draft, wish, database, before)
    files, last = _files(draft, wish, database)
    first = files[-1] if files else data[0]
    body, told = join_flows(draft, flows, (*before, first))
    proven = (last or data[-1]).id
    steps = (*before, *_in_order((data[0], *files, *data[1:], *((last,) if last else ()), *_held(body, proven))))
    steps = (*steps, *close(draft, steps))
    steps = (*steps, *plan_lift(draft, steps))
    return replace(
        empty,
        steps=steps,
        services=tuple(ServiceName(name) for name in dict.fromkeys((database, *chosen))),
        current={name: draft.live_of(name).live_commit for name in chosen if draft.live_of(name).live_commit},
        candidate_arms={name: flow.candidate_arm for name, flow in flows.items() if flow.candidate_arm},
        risk=judge_risk(draft, steps, tuple(flows.values())),
        refusals=tuple(found),
        notes=tuple(dict.fromkeys((*_notes(draft, wish), *(n for flow in flows.values() for n in flow.notes), *told))),
        pushes=find_pushes(draft, chosen),
    )


def _data(draft: Draft, wish: SwitchWish, database: str, before: Sequence[Step]) -> tuple[Step, ...]:
    source: dict[str, object] = {"source": wish.source}
    whole: dict[str, object] = {
        **source,
        "schema": wish.schema,
        "rules": wish.rules,
        "keep_case": wish.keep_case,
        "address": draft.placement(database).database_url,
    }
    more = {"quarantine_ok": wish.quarantine_ok}
    limit = draft.environment.limits.transfer
    name = wish.source.rpartition("/")[2]

    def step(step_id: StepId, words: str, kind: StepKind, arguments: dict[str, object], **others: object) -> Step:
        made = draft.step(step_id, words, kind, Phase.MIGRATE, service=database, arguments=arguments, time_limit=limit)
        return replace(made, provider=None, **others)  # type: ignore[arg-type]  # fields of a step, by name

    load = step(
        LOAD,
        f"Bring {name} into {database}",
        StepKind.TRANSFER_DATA,
        {"task": "load", **whole, **more},
        needs=tuple(s.id for s in before[-1:]),
        undo=Undo(StepKind.TAKE_BACK_DATA, f"Save rows written since, then drop {name}'s tables", whole),
    )
    guess = timedelta(seconds=2 + draft.live.switch.rows / ROWS_A_SECOND)
    load = replace(load, forecast=load.forecast or guess)
    loaded = FILES if wish.files else LOAD
    rest = step(
        REST,
        f"Bring the rest of {name}, and prove every row",
        StepKind.TRANSFER_DATA,
        {"task": "rest", **whole, **more},
        needs=(loaded,),
        no_undo="It goes with what was brought first.",
        forecast=guess,
    )
    if wish.leave_open:
        return load, rest
    fence = step(
        FENCE,
        f"Let {name} take no more writes",
        StepKind.FENCE_SOURCE,
        source,
        needs=(loaded,),
        undo=Undo(StepKind.OPEN_SOURCE, f"Let {name} take writes again", source),
        forecast=timedelta(seconds=1),
    )
    return load, fence, replace(rest, needs=(FENCE,))


def _files(draft: Draft, wish: SwitchWish, database: str) -> tuple[tuple[Step, ...], Step | None]:
    """What brings most of the files, and what brings those that came meanwhile."""
    if not wish.files:
        return (), None
    provider = draft.service(database).provider
    place: dict[str, object] = {"project": draft.placement(database).id, "bucket": wish.bucket}
    name = wish.files.rstrip("/").rpartition("/")[2]
    given = {**place, "files": wish.files, "prefix": wish.prefix, "leave_ok": wish.leave_ok}
    bucket = draft.step(
        BUCKET,
        f"See to the bucket {wish.bucket}",
        StepKind.PREPARE_BUCKET,
        Phase.MIGRATE,
        service=database,
        provider=provider,
        arguments={**place, "public": wish.public},
        needs=(LOAD,),
        no_undo="A bucket that stays does no harm; nothing of the old product looks there.",
    )
    guess = timedelta(seconds=2 + draft.live.switch.files / FILES_A_SECOND)

    def bring(step_id: StepId, words: str, need: StepId, **more: object) -> Step:
        step = draft.step(
            step_id,
            words,
            StepKind.TRANSFER_FILES,
            Phase.MIGRATE,
            service=database,
            provider=provider,
            arguments={**given, **more},
            needs=(need,),
            no_undo="The copies stay in the bucket; nothing of the old product looks there.",
            time_limit=draft.environment.limits.transfer,
        )
        return replace(step, forecast=step.forecast or guess)

    load = bring(FILES, f"Bring {name} into the bucket {wish.bucket}", BUCKET)
    words, more = f"Bring files that came to {name} meanwhile", dict[str, object]()
    if wish.rewrite:
        words += f", and rewrite references in {', '.join(wish.rewrite)}"
        address = draft.placement(database).database_url
        more = {"rewrite": list(wish.rewrite), "old_prefixes": list(wish.old_prefixes), "address": address}
    return (bucket, load), bring(LAST_FILES, words, REST, **more)


def _held(body: Sequence[Step], proven: StepId) -> Iterator[Step]:
    """Nobody is served, and nothing in the database changes, before everything is there and proven."""
    held = {step.id for step in body if step.phase not in BEFORE}
    for step in body:
        waits = step.id in held and not held & {*step.needs}
        yield replace(step, needs=(*step.needs, proven)) if waits else step


def _in_order(steps: Sequence[Step]) -> Iterator[Step]:
    """As they are written, but each after what it needs."""
    left, known = list(steps), {step.id for step in steps}
    while left:
        done = known - {step.id for step in left}
        ready = next(step for step in left if not (known & {*step.needs}) - done)
        left.remove(ready)
        yield ready


def _notes(draft: Draft, wish: SwitchWish) -> Iterator[str]:
    facts = draft.live.switch
    if facts.tables:
        yield f"{len(facts.tables)} tables with {facts.rows:,} rows, {facts.bytes / 1e6:,.1f} MB, come over."
    if wish.files:
        yield f"{facts.files:,} files with {facts.file_bytes / 1e6:,.1f} MB come into the bucket {wish.bucket}."
        if not wish.rewrite:
            yield "References to files that rows hold stay as they are; --rewrite TABLE.COLUMN changes them."
    if wish.leave_open:
        yield "The source goes on taking writes: what is written after the last increment stays behind."
    else:
        yield "From the last increment on the source takes no writes, until somebody opens it or all of this goes back."
    if facts.open and not wish.leave_open:
        yield f"Nothing can keep writes from {', '.join(facts.open)}: a module of SQLite has them."
    if facts.left:
        yield f"Left for a person, since nothing else can bring them: {', '.join(facts.left)}."
    if wish.quarantine_ok:
        yield "Rows that have no place over there are put into quarterdeck.quarantine, and stop nothing."
    yield "A rollback saves every row that was written over there since, on the worker's host, before tables go."
