"""Plan the first production deployment: the data comes over, then a release goes live that uses it there. Pure.

The project is prepared, most of the data comes while everything goes on as before, and new releases are built and tried
beside. Then the source takes no more writes, what was written meanwhile follows and every row is proven, and only then
is anybody served by a new release. The way back is that of every deployment; the source takes writes again at once, and
the tables go last, after the rows that were written into them are saved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from console.config.settings import Settings
from console.domain.ids import EnvironmentName, ServiceName, StepId
from console.domain.plan import Phase, Plan, Step, StepKind
from console.domain.switch_over import SWITCH_OVER, SwitchWish
from console.migrations.adding import name_beyond_adding
from console.planning.assembly import choose_services, close, frame
from console.planning.draft import Draft
from console.planning.flows import flow_of
from console.planning.holding import find_pushes, plan_lift
from console.planning.release import join_flows
from console.planning.risk import judge_risk
from console.planning.switch_project import plan_project, project_notes, refuse_project
from console.planning.switch_steps import plan_bringing

WITHOUT_SOURCE = "Say where the data is: `quarterdeck switch-over ENV --from FILE`."
BEFORE = frozenset({Phase.CHECK, Phase.ANNOUNCE, Phase.PREPARE})
"""Phases whose steps may be done while the source still takes writes."""
OF_SCHEMA = frozenset({StepKind.BACK_UP, StepKind.MIGRATE})


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
    found += refuse_project(draft, wish, database)
    before = frame(draft)
    project = _behind(plan_project(draft, wish, database), before[-1:])
    bringing = plan_bringing(draft, wish, database, [step.id for step in (*before, *project)[-1:]])
    body, told = join_flows(draft, flows, (*before, bringing.before[-1]))
    beyond = _beyond_adding(body)
    early, late = _part(body, beyond, bringing.proven)
    brought = (*project, *bringing.before, *early, *bringing.after(_ends(early)))
    steps = (*before, *_in_order((*brought, *late)))
    steps = (*steps, *close(draft, steps))
    steps = (*steps, *plan_lift(draft, steps))
    notes = (*_notes(draft, wish), *project_notes(project), *_window_notes(wish, beyond))
    return replace(
        empty,
        steps=steps,
        services=tuple(ServiceName(name) for name in dict.fromkeys((database, *chosen))),
        current={name: draft.live_of(name).live_commit for name in chosen if draft.live_of(name).live_commit},
        candidate_arms={name: flow.candidate_arm for name, flow in flows.items() if flow.candidate_arm},
        risk=judge_risk(draft, steps, tuple(flows.values())),
        refusals=tuple(found),
        notes=tuple(dict.fromkeys((*notes, *(n for flow in flows.values() for n in flow.notes), *told))),
        pushes=find_pushes(draft, chosen),
    )


def _behind(steps: Sequence[Step], needs: Sequence[Step]) -> tuple[Step, ...]:
    """The same, the first of them behind what comes before all."""
    return tuple(step if step.needs else replace(step, needs=tuple(need.id for need in needs)) for step in steps)


def _beyond_adding(body: Sequence[Step]) -> tuple[str, ...]:
    """What migrations do that would spoil rows which come later, or would be spoilt by them; empty for nothing."""
    steps = [step for step in body if step.kind is StepKind.MIGRATE and step.phase is Phase.MIGRATE]
    files = [file for step in steps for file in _files_of(step)]
    return name_beyond_adding([str(file["sql"]) for file in files])


def _files_of(step: Step) -> list[dict[str, object]]:
    files = step.arguments.get("files")
    return files if isinstance(files, list) else []


def _part(body: Sequence[Step], beyond: Sequence[str], proven: StepId) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """What is done while the source still takes writes, and what waits until everything is proven.

    Nobody is served before, and what migrations make of rows needs all of them; those that only add come early, and so
    do the builds and trials that need them.
    """
    early, late = list[Step](), list[Step]()
    waiting: set[StepId] = set()
    for step in body:
        is_schema = step.kind in OF_SCHEMA and step.phase is Phase.MIGRATE
        if waiting & {*step.needs}:
            late.append(step)
        elif step.phase in BEFORE or (is_schema and not beyond):
            early.append(step)
            continue
        else:
            late.append(replace(step, needs=(*step.needs, proven)))
        waiting.add(step.id)
    return tuple(early), tuple(late)


def _ends(steps: Sequence[Step]) -> tuple[StepId, ...]:
    needed = {need for step in steps for need in step.needs}
    return tuple(step.id for step in steps if step.id not in needed)


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
    if facts.loose and wish.files and not wish.leave_open:
        yield f"{facts.loose} What still comes there is brought as long as the last look at it finds some."
    yield "A rollback saves every row that was written over there since, on the worker's host, before tables go."


def _window_notes(wish: SwitchWish, beyond: Sequence[str]) -> Iterator[str]:
    if beyond and not wish.leave_open:
        yield (
            f"Migrations do more than add ({', '.join(beyond)}), so they wait for the last row; what is built or tried"
            " after them comes while the source takes no writes."
        )
