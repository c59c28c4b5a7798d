"""What begins and ends by itself: windows of maintenance, ends that somebody gave, and the schedule.

Nothing here is remembered between two looks. What is due follows from the configuration, the record and the time, and
the request id names what it is for, so that a worker that was down, or several of them, do it once. An environment that
another deployment holds is waited for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from console.config.settings import Settings
from console.domain.clock import Clock
from console.domain.errors import ConsoleError, PlanRejected, Refused
from console.domain.exchange import Submitted
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.maintenance import MAINTENANCE, MaintenanceWish, OpenPage
from console.domain.plan import Wish
from console.domain.windows import parse_window
from console.storage.ledger import DeploymentLedger
from console.watch.pages import PageRecord, page_places

log = logging.getLogger(__name__)

LOOK_SECONDS = 10.0
"""The longest time between two looks; an end that is near is awaited to the second."""

SHORTEST = 0.2

LookAtSchedule = Callable[[], Awaitable[Iterable[datetime]]]
"""Begins what is due; the answer is the moments that are still to come."""
Deploy = Callable[[Wish, str], Awaitable[Submitted]]


@dataclass(frozen=True)
class Due:
    """A deployment that is to be asked for now, and the id under which it is asked for once."""

    wish: Wish
    request_id: str


class Upkeep:
    """Asks for what is due, in the name of Quarterdeck itself."""

    def __init__(
        self, settings: Settings, ledger: DeploymentLedger, clock: Clock, deploy: Deploy, schedule: LookAtSchedule
    ) -> None:
        self._settings = settings
        self._ledger = ledger
        self._clock = clock
        self._deploy = deploy
        self._schedule = schedule
        self._pages = PageRecord(ledger)
        self._refused: dict[str, str] = {}
        self._woken = asyncio.Event()

    async def run(self) -> None:
        while True:
            pause = LOOK_SECONDS
            self._woken.clear()  # before looking: what ends from here on is looked at at once
            try:
                pause = await self.look()
            except ConsoleError as problem:
                log.warning("What is due could not be looked up: %s", problem.what)
            except Exception:
                log.exception("what is due could not be looked up")
            await self._rest(pause)

    def wake(self) -> None:
        """Look soon: a deployment has ended, perhaps one that gave a page its end."""
        self._woken.set()

    async def _rest(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        waking = asyncio.ensure_future(self._woken.wait())
        try:
            await asyncio.wait({sleeping, waking}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            waking.cancel()

    async def look(self) -> float:
        """Ask for what is due; the answer is the number of seconds until the next look."""
        now = self._clock.now()
        ends = [now + timedelta(seconds=LOOK_SECONDS), *await self._schedule()]
        for name in map(EnvironmentName, self._settings.environments):
            services = frozenset(place.service for place in page_places(self._settings, name))
            pages = await self._pages.fetch(name, services) if services else ()
            for due in (*find_ends(name, pages, now), *find_windows(self._settings, name, now)):
                await self._ask_for(due)
            ends += [page.until for page in pages if page.until is not None and page.until > now]
        return max((min(ends) - now).total_seconds(), SHORTEST)

    async def _ask_for(self, due: Due) -> None:
        if await self._ledger.find_request(due.request_id) is not None:
            return
        try:
            submitted = await self._deploy(due.wish, due.request_id)
        except PlanRejected as problem:
            self._say_once(due, " ".join(problem.reasons))
        except Refused as problem:
            self._say_once(due, problem.what)
        else:
            log.info("%s: %s begins as %s", due.wish.environment, due.wish.reason, submitted.deployment)

    def _say_once(self, due: Due, what: str) -> None:
        if self._refused.get(due.request_id) != what:
            self._refused[due.request_id] = what
            log.warning("%s of %s has to wait: %s", due.wish.reason, due.wish.environment, what)


def find_ends(environment: EnvironmentName, pages: tuple[OpenPage, ...], now: datetime) -> Iterator[Due]:
    """The maintenance whose time is over, one for each deployment that began it."""
    over = [page for page in pages if page.until is not None and page.until <= now]
    for deployment, these in groupby(over, key=lambda page: page.deployment):
        services = tuple(page.service for page in these)
        wish = Wish(
            environment,
            strategy=MAINTENANCE,
            services=services,
            reason=f"the maintenance of {deployment} ends as planned",
            maintenance=MaintenanceWish(on=False, ends=deployment),
        )
        yield Due(wish, f"maintenance-ends:{deployment}")


def find_windows(settings: Settings, environment: EnvironmentName, now: datetime) -> Iterator[Due]:
    """The windows of the configuration that are open."""
    configured = settings.environments[environment].maintenance
    for text in configured.windows:
        opened = parse_window(text).open_at(now, ZoneInfo(configured.timezone))
        if opened is None:
            continue
        begin, end = opened
        wish = Wish(
            environment,
            strategy=MAINTENANCE,
            services=tuple(map(ServiceName, configured.services)),
            reason=f"the window {text} is open",
            maintenance=MaintenanceWish(on=True, until=end, window=text),
        )
        yield Due(wish, f"maintenance-window:{environment}:{text}:{begin:%Y-%m-%dT%H:%MZ}")
