"""Vercel, against its emulator on a clock that the suite moves."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from console.domain.release import Release
from console.playground.emulators.vercel import Vercel
from console.playground.releases import build_catalogue, commit_of
from console.playground.scene import VERCEL_TEAM
from providers.contract import Cancel, Deploy, OperationKey, Promote, RollBack, SetVariables
from providers.vercel.adapter import VercelConnection, open_connection
from providers.vercel.settings import VercelSettings
from tests.playground.emulators.world import FakeHosting, ManualClock, settle
from tests.providers import official
from tests.providers.subject import Faults, Wish

KIND = "vercel"
ACTUATORS = ("deploy", "cancel", "promote", "roll_back", "set_variables")
FRONTEND = "prj_Hk7Shop2Front9Deck4Mw1Xv6Qd3"
SECRET = "vcp_8hQmZx27LkPw04"
START = datetime.fromtimestamp(ManualClock().now(), UTC)
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "target": lambda can: can.inventory.fetch_target(FRONTEND),
    "targets": lambda can: can.inventory.fetch_targets(),
    "logs": lambda can: can.logs.fetch_logs(FRONTEND, START - timedelta(minutes=5), START),
    "variables": lambda can: can.variables.fetch_variables(FRONTEND),
}


def strangers(sent: list[httpx.Request]) -> Sequence[str]:
    return official.strangers("vercel-rest-api.json", sent)


def release(name: str) -> Release:
    return Release(commit_of(name), name)


class VercelSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.hosting = FakeHosting(self.clock)
        self.emulator = Vercel(self.hosting, build_catalogue(), SECRET, self.clock, limit_scale=100)
        self.faults = Faults(httpx.ASGITransport(app=self.emulator.app))

    def open(self) -> VercelConnection:
        settings = VercelSettings(base_url="http://vercel", token=SECRET, team=VERCEL_TEAM, url_scheme="http")
        return open_connection("vercel", settings, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def finish(self) -> None:
        await self.clock.advance(60)

    async def wish(self, capability: str) -> Wish:
        return await getattr(self, f"_{capability}")()

    def _count(self, kind: str) -> int:
        return self.emulator.kinds.get(kind, 0)

    async def _deploy(self) -> Wish:
        request = Deploy(FRONTEND, release("v1.1"), serve=False)
        unknown = (f"{FRONTEND}/dpl_unknown", f"{FRONTEND}/", f"{FRONTEND}/a/b")
        return Wish(request, lambda: self._count("deployment"), unknown, "QUEUED")

    async def begin_deploy(self, name: str, serve: bool = False) -> str:
        connection = self.open()
        key = OperationKey(f"before {name}", self.now())
        began = await connection.capabilities.deploy.start(Deploy(FRONTEND, release(name), serve), key)
        await connection.close()
        await self.clock.advance(0.3)
        return began.reference

    async def _cancel(self) -> Wish:
        reference = await self.begin_deploy("v1.2")
        return Wish(Cancel(FRONTEND, reference), lambda: self._count("cancel"), (f"{FRONTEND}/dpl_unknown",))

    async def _promote(self) -> Wish:
        staged = (await self.begin_deploy("v1.2")).partition("/")[2]
        await self.finish()
        unknown = (f"prj_unknown/promote/{staged}/1795000000000/", f"{FRONTEND}/promote/dpl_unknown/1795000000000/")
        return Wish(Promote(FRONTEND, staged), lambda: self._count("promote"), unknown, "pending")

    async def _roll_back(self) -> Wish:
        first = self.emulator.projects[0].production
        await self.begin_deploy("v1.2", serve=True)
        await self.finish()
        unknown = (f"prj_unknown/rollback/{first}/1795000000000/", f"{FRONTEND}/rollback/dpl_unknown/1795000000000/")
        return Wish(RollBack(FRONTEND, first), lambda: self._count("rollback"), unknown, "pending")

    async def _set_variables(self) -> Wish:
        request = SetVariables(FRONTEND, {"FLAG": "a-secret-value"})
        return Wish(request, lambda: self._count("env_vars"), ("prj_unknown/variables",))


@asynccontextmanager
async def subject() -> AsyncIterator[VercelSubject]:
    one = VercelSubject()
    await one.emulator.start()
    await settle()
    yield one
    await one.emulator.stop()
