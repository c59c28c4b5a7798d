"""What Vercel says without being changed: projects, logs, the account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from console.domain.errors import ProviderError, Rejected, Unauthorized
from providers.contract import AccountReport, PlatformStage, Target
from providers.tail import Entry, Numbering, follow
from providers.vercel.rolling_release import RollingCalls, Stage

if TYPE_CHECKING:
    from console.domain.telemetry import LogLine
    from providers.vercel.client import VercelClient
    from providers.vercel.wire import Project

AT_ONCE = 8
NEWEST = 3
FOLLOW_EVERY_S = 2.0
RECONNECT_AFTER_S = 2.0
HELD_BACK = 10_000


class Inventory:
    """Projects as targets; what is live is the commit of the deployment with the production domains."""

    def __init__(self, client: VercelClient, scheme: str) -> None:
        self._client = client
        self._scheme = scheme
        self._rolling = RollingCalls(client)

    async def fetch_target(self, target: str) -> Target:
        return await self._describe(await self._client.fetch_project(target))

    async def fetch_targets(self) -> Sequence[Target]:
        projects = await self._client.fetch_projects()
        gate = asyncio.Semaphore(AT_ONCE)

        async def describe(project: Project) -> Target:
            async with gate:
                return await self._describe(project)

        return await asyncio.gather(*map(describe, projects))

    async def _describe(self, project: Project) -> Target:
        live = await self._client.fetch_deployment_or_none(project.production) if project.production else None
        rolling = await self._rolling.fetch_config(project.id) if project.rolls else None
        host = next(iter(project.domains), live.url if live else "")
        return Target(
            id=project.id,
            name=project.name,
            kind=project.framework or "project",
            live=live.commit if live else "",
            live_deployment=project.production,
            url=f"{self._scheme}://{host}" if host else "",
            suspended=project.paused,
            auto_deploy=project.assigns_domains,
            stages=tuple(map(_own_stage, rolling or ())),
        )


def _own_stage(stage: Stage) -> PlatformStage:
    """A stage without a length ends when somebody approves the next one."""
    waits = stage.needs_approval or stage.duration is None
    return PlatformStage(stage.percent, None if waits else timedelta(minutes=stage.duration or 0))


class Logs:
    """Lines of builds by range; following adds what the production deployment says while one listens.

    Vercel keeps no runtime log that can be asked for by range without a drain.
    """

    def __init__(self, client: VercelClient) -> None:
        self._client = client

    async def fetch_logs(self, target: str, since: datetime, until: datetime, limit: int = 500) -> Sequence[LogLine]:
        entries = [entry for entry in await self._build_lines(target, since, until) if since <= entry.at <= until]
        return Numbering(target).lines(entries[:limit])

    async def follow_logs(self, target: str, since: datetime) -> AsyncIterator[LogLine]:
        http = self._client.http
        said: asyncio.Queue[Entry] = asyncio.Queue(HELD_BACK)

        async def fetch(start: datetime) -> Sequence[Entry]:
            waiting = [said.get_nowait() for _ in range(said.qsize())]
            return sorted([*await self._build_lines(target, start, None), *waiting], key=lambda entry: entry.at)

        listener = asyncio.get_running_loop().create_task(self._listen(target, said))
        try:
            async for line in follow(target, http.platform_time(since), fetch, http.sleep, FOLLOW_EVERY_S):
                yield line
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    async def _build_lines(self, target: str, since: datetime, until: datetime | None) -> Sequence[Entry]:
        newest = await self._client.fetch_deployments(target, limit=NEWEST)
        found = [await self._client.fetch_build_events(deployment.id, since, until) for deployment in newest]
        return sorted((entry for entries in found for entry in entries), key=lambda entry: entry.at)

    async def _listen(self, target: str, said: asyncio.Queue[Entry]) -> None:
        """Hold the runtime stream of whatever serves production, and open it again when it ends."""
        while True:
            with suppress(ProviderError):
                project = await self._client.fetch_project(target)
                if project.production:
                    async for entry in self._client.follow_runtime_log(target, project.production):
                        await said.put(entry)
            await self._client.http.sleep(RECONNECT_AFTER_S)


class Account:
    """Who the token is, and whether it sees the team."""

    def __init__(self, client: VercelClient, team: str) -> None:
        self._client = client
        self._team = team

    async def fetch_account(self) -> AccountReport:
        user = await self._client.fetch_user()
        scopes: tuple[str, ...] = ()
        missing: tuple[str, ...] = ()
        if self._team:
            try:
                scopes = (f"{await self._client.fetch_team(self._team)} ({self._team})",)
            except (Unauthorized, Rejected):
                missing = (self._team,)
        http = self._client.http
        return AccountReport(user, scopes, missing, http.rates.describe(), http.skew)
