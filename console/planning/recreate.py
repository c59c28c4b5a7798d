"""The strategy `recreate`: visitors see a holding page while the release changes, for as short as it can be.

Whatever can be done before is done before: the other arm is deployed and tested, a frontend is built. Then the pages go
up, the schema changes, every service changes in one move, and the pages go away together. Without a change of the
schema the old arm idles beside until all is verified; with one it is stopped, because it does not fit any longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from console.config.settings import Settings
from console.config.strategies import RECREATE, find_shape
from console.domain.ids import ServiceName, StepId
from console.domain.maintenance import MaintenanceWish
from console.domain.plan import Step, StepKind, Undo, Wish, longest_path
from console.planning.assembly import retire_in_order
from console.planning.draft import Draft, Flow, chain
from console.planning.live import LivePage
from console.planning.maintenance import put_up, take_away

CHECKS = frozenset({StepKind.HEALTH, StepKind.INTEGRATION, StepKind.BENCHMARK})


@dataclass(frozen=True)
class Joined:
    """Steps in an order that respects their needs, and what is to be known of them."""

    steps: tuple[Step, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """A flow cut at the pages: `prepare` before them, `stop` and `serve` behind, `after` and `verify` without them.

    What is stopped for a change of the schema gives its traffic away first, which nobody sees.
    """

    flow: Flow
    prepare: tuple[Step, ...]
    serve: tuple[Step, ...]
    stop: tuple[Step, ...] = ()
    after: tuple[Step, ...] = ()
    retire: tuple[Step, ...] = ()
    recreated: bool = False

    @property
    def changed(self) -> tuple[Step, ...]:
        """The step after which it runs the new release, if it has any."""
        return (self.serve or self.stop)[-1:]


def recreates(settings: Settings, wish: Wish) -> bool:
    """Whether any service of the deployment is to be recreated, so that its page matters."""
    environment = settings.environments[wish.environment]
    wished = RECREATE if wish.strategy == RECREATE else ""
    if wish.strategy not in ("", RECREATE):
        return False
    return any(
        find_shape(environment, name, wished).strategy == RECREATE
        for name in environment.services
        if not wish.services or name in wish.services
    )


def is_recreated(draft: Draft, flow: Flow) -> bool:
    """A first deployment has nobody to show a page, and a database is migrated as ever."""
    is_database = any(step.kind is StepKind.MIGRATE for step in flow.serve)
    wanted = draft.shape_of(flow.service).strategy == RECREATE
    return wanted and not flow.first and not is_database and bool(flow.serve)


def join_recreate(draft: Draft, flows: Mapping[str, Flow], before: Sequence[Step]) -> Joined:
    """Put the flows together around the pages."""
    migrates = any(step.kind is StepKind.MIGRATE for flow in flows.values() for step in flow.serve)
    pages = dict(_pages(draft, flows))
    parts = {name: _cut(draft, flow, pages.get(name), migrates) for name, flow in flows.items()}
    root = tuple(step.id for step in before)[-1:]
    prepared = _unique(part.prepare[-1].id for part in parts.values() if part.recreated and part.prepare) or root
    wish = MaintenanceWish(on=True)
    ups = [_with_health(draft, put_up(draft, name, page, wish, needs=prepared)) for name, page in pages.items()]
    barrier = tuple(step.id for step in ups) or prepared
    stops = [step for part in parts.values() for step in _begin(part.stop, barrier)]
    closed = (*barrier, *(part.stop[-1].id for part in parts.values() if part.stop))

    early, late = list[Step](), list[Step]()
    for name, part in parts.items():
        behind = part.recreated or any(step.kind is StepKind.MIGRATE for step in part.serve)
        waits = _ends(draft, parts, name, _prepared_before if part.recreated else _prepared)
        served = _ends(draft, parts, name, lambda one: one.changed)
        prepare = _begin(part.prepare, waits or root)
        own = (prepare[-1].id,) if prepare else ()
        serve = _begin(part.serve, (*own, *(closed if behind else ()), *served) or root)
        (early if part.recreated else late).extend(prepare)
        late += serve
    ends = _unique(
        step.id for part in parts.values() if part.recreated or _migrates(part.serve) for step in part.changed
    )
    downs = [
        take_away(draft, name, page, needs=ends, undo=_up_again(name, up))
        for (name, page), up in zip(pages.items(), ups, strict=True)
    ]
    open_again = tuple(step.id for step in downs)
    public = list[Step]()
    for part in parts.values():
        last = tuple(step.id for step in part.changed)
        after = _begin(part.after, open_again or last)
        seen = (after[-1].id,) if after else (open_again if part.recreated and open_again else last)
        public += [*after, *_begin(part.flow.verify, seen)]
    body = [*early, *ups, *stops, *late, *downs, *public]
    done = _unique(s.id for part in parts.values() for s in (part.flow.verify or part.after or part.changed)[-1:])
    body += retire_in_order([part.retire for part in parts.values()], done)
    behind_page = [*ups, *stops, *late, *downs]
    return Joined(tuple(body), tuple(_notes(draft, parts, pages, migrates, behind_page)))


def _pages(draft: Draft, flows: Mapping[str, Flow]) -> Iterator[tuple[str, LivePage]]:
    """The pages that this deployment puts up; one that is up already is left as it is, also at the end."""
    for name, flow in flows.items():
        page = draft.live.pages.get(ServiceName(name))
        if is_recreated(draft, flow) and page is not None and not page.cannot and not page.on:
            yield name, page


def _cut(draft: Draft, flow: Flow, page: LivePage | None, migrates: bool) -> _Part:
    if not is_recreated(draft, flow):
        return _Part(flow, flow.prepare, flow.serve, retire=flow.retire)
    prepare = [replace(step, needs=()) for step in flow.prepare]
    checks = [step for step in prepare if step.kind in CHECKS] if migrates else []
    serve = [replace(step, needs=()) for step in flow.serve if step.kind is not StepKind.BAKE]
    after = [step for step in serve if step.kind in CHECKS] if page is not None else []
    tested = [step for step in checks if step.kind is not StepKind.BENCHMARK]
    stops = bool(migrates and page is not None and draft.environment.maintenance.stop_old and flow.retire)
    moves = [step for step in serve if stops and step.kind is StepKind.SHIFT]
    return _Part(
        flow,
        prepare=chain([step for step in prepare if step not in checks]),
        serve=chain([*tested, *(step for step in serve if step not in (*after, *moves))]),
        stop=chain([*moves, *(replace(step, needs=()) for step in flow.retire)]) if stops else (),
        after=chain(after),
        retire=() if stops else flow.retire,
        recreated=True,
    )


def _with_health(draft: Draft, up: Step) -> Step:
    """Before a rollback takes the page away, the release behind it must be well: where it is asked."""
    live = draft.live_of(str(up.service))
    arm = live.stable_arm
    if up.undo is None or arm is None:
        return up
    url = draft.placement(str(up.service)).arms[arm].url
    return replace(up, undo=replace(up.undo, arguments={**up.undo.arguments, "url": url, "arm": arm}))


def _up_again(name: str, up: Step) -> Undo:
    return Undo(StepKind.MAINTAIN, f"Put up the holding page of {name} again", up.arguments)


def _ends(draft: Draft, parts: Mapping[str, _Part], name: str, pick: Callable[[_Part], Sequence[Step]]) -> list[StepId]:
    """The last steps of what a service needs; one without any passes its own needs on."""
    found: list[StepId] = []
    for need in draft.service(name).needs:
        steps = pick(parts[need]) if need in parts else ()
        found += [steps[-1].id] if steps else _ends(draft, parts, need, pick) if need in draft.settings.services else []
    return found


def _prepared(part: _Part) -> Sequence[Step]:
    return part.prepare or part.serve


def _prepared_before(part: _Part) -> Sequence[Step]:
    """What stands before the pages cannot wait for what stands behind them."""
    return part.prepare if part.recreated else ()


def _migrates(steps: Sequence[Step]) -> bool:
    return any(step.kind is StepKind.MIGRATE for step in steps)


def _begin(steps: Sequence[Step], needs: Iterable[StepId]) -> tuple[Step, ...]:
    """Let what begins a flow need what comes before it: the first step, and others beside it."""
    own, before = {step.id for step in steps}, tuple(needs)
    return tuple(
        step if own & {*step.needs} else replace(step, needs=_unique((*step.needs, *before))) for step in steps
    )


def _unique(ids: Iterable[StepId]) -> tuple[StepId, ...]:
    return tuple(dict.fromkeys(ids))


def _notes(
    draft: Draft, parts: Mapping[str, _Part], pages: Mapping[str, LivePage], migrates: bool, behind: Sequence[Step]
) -> Iterator[str]:
    for name, part in parts.items():
        if not part.recreated:
            continue
        page = draft.live.pages.get(ServiceName(name))
        if page is not None and page.on:
            yield f"{name} shows a holding page already; it stays until `quarterdeck maintenance off` takes it away."
        elif name not in pages:
            why = f": {page.cannot}" if page and page.cannot else "."
            yield f"{name} shows no holding page while it changes{why}"
        if migrates and any(step.kind is StepKind.BENCHMARK for step in part.flow.prepare):
            yield f"{name}: its speed is not compared, since the old release does not run beside a new schema."
        if part.after:
            yield f"{name} is asked for its health once its page is away; behind it nobody sees the service."
    if pages:
        yield say_length(behind)


def say_length(steps: Sequence[Step]) -> str:
    """How long visitors see the page, as far as the past can tell."""
    unknown = [step for step in steps if step.forecast is None]
    known = longest_path([replace(step, forecast=step.forecast or timedelta()) for step in steps]) or timedelta()
    seconds = f"{known.total_seconds():.0f} s"
    if not unknown:
        return f"The holding page will be up for about {seconds}."
    if not known:
        return "How long the holding page will be up nobody can say yet: nothing of it was done before."
    names = ", ".join(dict.fromkeys(step.kind.value for step in unknown))
    return f"The holding page will be up for {seconds} and what was never done here before takes: {names}."
