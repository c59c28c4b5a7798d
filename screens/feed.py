"""Keeps a store up to date from a service: the event stream, the logs of one environment, and whether the worker lives.

Runs in the screens' event loop, in tasks of its own; nothing that must happen on time depends on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime

from console.client.service import LogQuery, Pulse, Service
from console.domain.errors import ConsoleError
from console.domain.events import DeploymentRequested, Event
from console.domain.ids import DeploymentId, EnvironmentName
from screens.store import ENDS, Link, Store

GLANCE_S = 1.0
GLANCES_A_QUESTION = 10
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 5.0

Sleep = Callable[[float], Awaitable[None]]
Notify = Callable[[], None]


def short(problem: ConsoleError) -> str:
    """The first line of what went wrong, for a status line."""
    return problem.what.splitlines()[0] if problem.what else type(problem).__name__


class Feed:
    """Feeds `store` from `service`; calls `changed` after every change of state, `logged` after new log lines.

    `sleep` is asyncio's in use, and a test's own in tests.
    """

    def __init__(
        self,
        service: Service,
        store: Store,
        *,
        changed: Notify,
        logged: Notify,
        clock: Callable[[], datetime],
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._service = service
        self._store = store
        self._changed = changed
        self._logged = logged
        self._clock = clock
        self._sleep = sleep
        self._log_task: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        self._spawn(self._follow_events())
        self._spawn(self._watch_worker())

    async def stop(self) -> None:
        """Cancel every task and wait until it is gone."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def follow_logs(self, environment: EnvironmentName) -> None:
        """Show the logs of this environment from now on."""
        if self._log_task is not None:
            self._log_task.cancel()
        self._store.begin_logs()
        self._log_task = self._spawn(self._follow_logs(environment))

    def refresh_environments(self) -> None:
        self._spawn(self._quietly(self._load_environments))

    def _spawn(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _follow_events(self) -> None:
        wait = FIRST_WAIT_S
        after: int | None = None
        while True:
            try:
                if after is None or self._store.link is not Link.LIVE:
                    first = await self._load_all()
                    after = first if after is None else after
                wait = FIRST_WAIT_S
                async for item in self._service.events(after):
                    await self._take(item)
                    after = max(after, self._store.last_seq)
                problem = "The event stream ended."
            except ConsoleError as error:
                problem = short(error)
            self._lose(problem)
            await self._sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _load_all(self) -> int:
        """Load what is needed for a first picture; returns the number after which events are to be followed."""
        store, service = self._store, self._service
        store.set_identity(await service.whoami())
        await self._load_environments()
        live_from, newest = [], 0
        for name in list(store.environments):
            try:
                deployment = await service.deployment(name)
            except ConsoleError as error:
                if error.transient:
                    raise
                continue  # an environment without any deployment yet
            store.set_deployment(deployment)
            newest = max(newest, deployment.seq)
            if not deployment.is_terminal:
                live_from.append(deployment.seq)
        for name in list(store.environments):
            store.set_health(name, await service.health(name), self._clock())
        store.set_link(Link.LIVE)
        self._changed()
        return min(live_from, default=newest)

    async def _load_environments(self) -> None:
        self._store.set_environments(await self._service.environments())
        self._changed()

    async def _take(self, item: Event | Pulse) -> None:
        store = self._store
        store.set_link(Link.LIVE)
        if isinstance(item, Pulse) and item.calendar:
            self.refresh_environments()
        elif isinstance(item, Pulse):
            store.apply_pulse(item)
        else:
            if not store.apply_event(item):
                await self._load_deployment(item.deployment)
            if isinstance(item.payload, (DeploymentRequested, *ENDS)):
                self.refresh_environments()
        self._changed()

    async def _load_deployment(self, deployment: DeploymentId) -> None:
        self._store.set_deployment(await self._service.deployment(deployment))

    async def _watch_worker(self) -> None:
        """Notice a worker that is gone, because an event stream that is silent looks like one that is dead.

        A service that knows whether its stream is open says so in `is_connected`; the worker itself is asked now
        and then, and every time while it does not answer.
        """
        glances = 0
        while True:
            await self._sleep(GLANCE_S)
            glances += 1
            is_open = bool(getattr(self._service, "is_connected", True))
            is_lost = self._store.link is Link.LOST
            if is_open and not is_lost and glances < GLANCES_A_QUESTION:
                continue
            glances = 0
            try:
                await self._service.worker_status()
            except ConsoleError as error:
                self._lose(short(error))
                continue
            if not is_open:
                self._lose("The event stream is interrupted.")
            elif is_lost:
                await self._quietly(self._load_all)

    async def _follow_logs(self, environment: EnvironmentName) -> None:
        query = LogQuery(environment=environment)
        wait = FIRST_WAIT_S
        while True:
            try:
                self._store.apply_logs(await self._service.logs(query))
                self._logged()
                async for batch in self._service.follow_logs(query):
                    wait = FIRST_WAIT_S
                    self._store.apply_logs(batch)
                    self._logged()
            except ConsoleError as error:
                if not error.transient:
                    return
            await self._sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def _quietly(self, load: Callable[[], Awaitable[object]]) -> None:
        try:
            await load()
        except ConsoleError as error:
            if error.transient:
                self._lose(short(error))

    def _lose(self, problem: str) -> None:
        self._store.set_link(Link.LOST, problem)
        self._changed()
