"""Maintenance as a plan: pages go up before services, or away from them, and nothing else changes.

Which means are used is a fact of what is live (`Live.pages`): the router where the service has one, else what its
platform offers. A service with neither is named in the plan's notes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from console.domain.codec import to_json
from console.domain.ids import ServiceName
from console.domain.maintenance import MAINTENANCE, NO_PAGE_UP, MaintenanceWish
from console.domain.plan import Phase, Plan, Step, StepKind, Undo
from console.domain.windows import parse_window
from console.planning.assembly import choose_services, wait_for_approvals
from console.planning.draft import Draft
from console.planning.live import LivePage
from console.planning.risk import judge_risk

PATIENCE = timedelta(hours=24)
"""How long the end of maintenance is tried: nobody wants a page to stay because a platform was down for an hour."""


def plan_maintenance(draft: Draft, refusals: Sequence[str]) -> Plan:
    """Write the plan; what forbids it is among its refusals."""
    wish = draft.wish.maintenance
    empty = Plan(draft.wish.environment, MAINTENANCE, draft.release, (), refusals=tuple(refusals))
    if wish is None:
        return replace(empty, refusals=(*refusals, "Say whether maintenance begins or ends."))
    found = [*refusals, *_refuse(draft, wish)]
    chosen = choose_services(draft)
    places = {name: page for name in chosen if (page := draft.live.pages.get(ServiceName(name))) and not page.cannot}
    before: tuple[Step, ...] = ()
    if wish.on:
        if not is_window_open(draft, wish):
            before = wait_for_approvals(draft)
        steps = [put_up(draft, name, page, wish, needs=[s.id for s in before]) for name, page in places.items()]
        if not places:
            found.append("No service can show a page. " + " ".join(_cannot(draft, chosen)))
    else:
        shown = {name: page for name, page in places.items() if page.on or page.problem}
        steps = [take_away(draft, name, page) for name, page in shown.items()]
        if not shown:
            found.append(NO_PAGE_UP)
    all_steps = (*before, *steps)
    return replace(
        empty,
        steps=all_steps,
        services=tuple(ServiceName(str(step.service)) for step in steps),
        risk=judge_risk(draft, all_steps, ()),
        refusals=tuple(found),
        notes=tuple(_notes(draft, wish, chosen, places)),
    )


def put_up(draft: Draft, name: str, page: LivePage, wish: MaintenanceWish, *, needs: Sequence[str] = ()) -> Step:
    """The step that has the page put up. Its undo takes it away, unless it was up before."""
    settings = draft.environment.maintenance
    arguments = {
        "target": page.target,
        "on": True,
        "message": wish.message or settings.message,
        "page": "" if page.by_router else settings.page,
        "until": to_json(wish.until),
        "open_paths": list(settings.open_paths) if page.by_router else [],
    }
    off = {"target": page.target, "on": False}
    return draft.step(
        f"{name}.page-on",
        f"Put up the holding page of {name}",
        StepKind.MAINTAIN,
        Phase.ROLLOUT,
        service=name,
        provider=page.provider,
        arguments=arguments,
        needs=needs,
        undo=None if page.on else Undo(StepKind.MAINTAIN, f"Take the holding page of {name} away", off),
        no_undo="A page was up before; it stays until maintenance is ended." if page.on else "",
    )


def take_away(draft: Draft, name: str, page: LivePage, *, needs: Sequence[str] = (), undo: Undo | None = None) -> Step:
    return draft.step(
        f"{name}.page-off",
        f"Take the holding page of {name} away",
        StepKind.MAINTAIN,
        Phase.ROLLOUT,
        service=name,
        provider=page.provider,
        arguments={"target": page.target, "on": False},
        needs=needs,
        undo=undo,
        no_undo="" if undo else "`quarterdeck maintenance on` puts it up again.",
        time_limit=PATIENCE,
    )


def is_window_open(draft: Draft, wish: MaintenanceWish) -> bool:
    """Whether the wish is a window of the configuration, and now; whoever wrote it there has approved of it."""
    settings = draft.environment.maintenance
    if wish.window not in settings.windows or draft.live.at is None:
        return False
    return parse_window(wish.window).open_at(draft.live.at, ZoneInfo(settings.timezone)) is not None


def _refuse(draft: Draft, wish: MaintenanceWish) -> Iterator[str]:
    now = draft.live.at
    if wish.until is not None and now is not None and wish.until <= now:
        yield f"The end of the maintenance, {wish.until:%Y-%m-%d %H:%M:%S} UTC, is past."


def _cannot(draft: Draft, chosen: Sequence[str]) -> Iterator[str]:
    for name in chosen:
        page = draft.live.pages.get(ServiceName(name))
        if page is not None and page.cannot:
            yield f"{name} shows no page and goes on as it is: {page.cannot}"


def _notes(draft: Draft, wish: MaintenanceWish, chosen: Sequence[str], places: Mapping[str, LivePage]) -> Iterator[str]:
    for name, page in places.items():
        means = f"the router {page.provider}" if page.by_router else f"{page.provider}'s own maintenance mode"
        if page.problem:
            yield f"{name}: whether a page is up could not be read: {page.problem}"
        if wish.on:
            yield f"{name}: by {means}{', where a page is up already' if page.on else ''}."
            if wish.message and not page.by_router:
                yield f"{name}: {page.provider} shows its own page, or the one at maintenance.page; not this message."
    if not wish.on:
        return
    yield from _cannot(draft, chosen)
    if wish.until is not None:
        yield f"It ends by itself at {wish.until:%Y-%m-%d %H:%M:%S} UTC, also when this worker is down meanwhile."
    else:
        yield f"It stays until `quarterdeck maintenance off {draft.wish.environment}`."
