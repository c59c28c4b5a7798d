"""Render, against its emulator on a clock that the suite moves."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from console.domain.release import Release
from console.playground.emulators.render import Render
from console.playground.releases import build_catalogue, commit_of
from console.playground.scene import RENDER_OWNER
from providers.contract import (
    Cancel,
    Deploy,
    Maintain,
    OperationKey,
    Restart,
    Resume,
    RollBack,
    Scale,
    SetAutoDeploy,
    SetVariables,
    Suspend,
)
from providers.opened import Opened
from providers.render import restarts, scaling
from providers.render.adapter import open_connection
from providers.render.settings import RenderSettings
from tests.playground.emulators.world import FakeHosting, ManualClock, settle
from tests.providers import official
from tests.providers.render import desk_wishes as render_desk
from tests.providers.subject import Faults, Wish

KIND = "render"
OF_SERVICES = ("restart", "scale", "auto_deploy")
ACTUATORS = ("deploy", "cancel", "roll_back", "suspend", "resume", "set_variables", "maintain", *OF_SERVICES)
BLUE, GREEN = render_desk.BLUE, render_desk.GREEN
SECRET = "rnd_Zx81kQm44pLw"
START = datetime.fromtimestamp(ManualClock().now(), UTC)
ACTIONS = tuple(render_desk.WISHES)
ASKS = render_desk.ASKS
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "target": lambda can: can.inventory.fetch_target(BLUE),
    "targets": lambda can: can.inventory.fetch_targets(),
    "shelf": lambda can: can.shelf.find_obstacle(BLUE, "dep-unknown"),
    "logs": lambda can: can.logs.fetch_logs(BLUE, START - timedelta(minutes=5), START),
    "page": lambda can: can.pages.fetch_page(BLUE),
    "crashes": lambda can: can.crashes.fetch_crashes(BLUE, START),
    "variables": lambda can: can.variables.fetch_variables(BLUE),
}


def strangers(sent: list[httpx.Request]) -> Sequence[str]:
    found = official.strangers("render-public-api.json", sent)
    return [words for words in found if not any(newer in words for newer in NEWER)]


NEWER = ("/build-sources", "$.buildId")
"""Build once, deploy to many: in Render's own SDK 1.5.0 of October 2026, not yet in its document of August 2026."""


def release(name: str) -> Release:
    return Release(commit_of(name), name)


class RenderSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.hosting = FakeHosting(self.clock)
        self.emulator = Render(self.hosting, build_catalogue(), SECRET, self.clock, limit_scale=100)
        self.faults = Faults(httpx.ASGITransport(app=self.emulator.app))

    def open(self) -> Opened:
        settings = RenderSettings(base_url="http://render/v1", token=SECRET, owner=RENDER_OWNER)
        return open_connection("render", settings, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def finish(self) -> None:
        await self.clock.advance(60)

    async def wish(self, capability: str) -> Wish:
        if capability.startswith("do:"):
            return await render_desk.wish(self, capability.removeprefix("do:"))
        return await getattr(self, f"_{capability}")()

    def count(self, kind: str) -> int:
        return self.emulator.kinds.get(kind, 0)

    async def _deploy(self) -> Wish:
        unknown = (f"{BLUE}/dep-unknown", "srv-unknown/dep-unknown", f"{BLUE}/queued:abc", f"{BLUE}/")
        return Wish(Deploy(BLUE, release("v1.1")), lambda: self.count("deploy"), unknown, "build_in_progress")

    async def _begin_deploy(self, name: str) -> str:
        connection = self.open()
        began = await connection.capabilities.deploy.start(
            Deploy(BLUE, release(name)), OperationKey("before", self.now())
        )
        await connection.close()
        await self.clock.advance(0.2)
        return began.reference

    async def _cancel(self) -> Wish:
        reference = await self._begin_deploy("v1.2")
        return Wish(Cancel(BLUE, reference), lambda: self.count("cancel"), (f"{BLUE}/dep-unknown",))

    async def _roll_back(self) -> Wish:
        first = self.emulator.services[BLUE].deploys[0].id
        await self._begin_deploy("v1.2")
        await self.finish()
        unknown = (f"{BLUE}/dep-unknown",)
        return Wish(RollBack(BLUE, first), lambda: self.count("rollback"), unknown, "update_in_progress")

    async def _suspend(self) -> Wish:
        unknown = (render_desk.traced(Suspend("srv-unknown")),)
        return Wish(Suspend(BLUE), lambda: self.count("suspend"), unknown)

    async def _resume(self) -> Wish:
        unknown = ("srv-unknown/resume/2026-11-22T05:00:00Z", "srv-unknown/running")
        return Wish(Resume(GREEN), lambda: self.count("resume"), unknown, "update_in_progress")

    async def _restart(self) -> Wish:
        unknown = (render_desk.traced(restarts.Restart("srv-unknown")),)
        return Wish(Restart(BLUE), lambda: self.count("restart"), unknown)

    async def _scale(self) -> Wish:
        unknown = (render_desk.reference_of(scaling.Scale("srv-unknown", 2)),)
        return Wish(Scale(BLUE, 2), lambda: self.count("scale"), unknown)

    async def _auto_deploy(self) -> Wish:
        unknown = (render_desk.reference_of(SetAutoDeploy("srv-unknown", False)),)
        return Wish(SetAutoDeploy(BLUE, False), lambda: self.count("update"), unknown)

    async def _maintain(self) -> Wish:
        unknown = (render_desk.reference_of(Maintain("srv-unknown", True)),)
        return Wish(Maintain(BLUE, True), lambda: self.count("update"), unknown)

    async def _set_variables(self) -> Wish:
        request = SetVariables(BLUE, {"FLAG": "a-secret-value"})
        return Wish(request, lambda: self.count("env_vars"), ("srv-unknown/variables",))


@asynccontextmanager
async def subject() -> AsyncIterator[RenderSubject]:
    one = RenderSubject()
    await one.emulator.start()
    await settle()
    yield one
    await one.emulator.stop()
