"""Supabase's Management API, against its emulator. Its database is away: what needs one is tested on a real one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx

from console.playground.emulators.supabase import Supabase
from console.playground.scene import DATABASES
from providers.opened import Opened
from providers.supabase.adapter import open_connection
from providers.supabase.hosts import METRICS, STORAGE
from providers.supabase.settings import SupabaseSettings
from tests.playground.emulators.world import ManualClock
from tests.providers import official
from tests.providers.subject import Faults, Wish
from tests.providers.supabase.wishes import ASKS as ASKS
from tests.providers.supabase.wishes import DOWNLOAD, WISHES, Rows, furnish

KIND = "supabase"
ACTUATORS: tuple[str, ...] = ()
ACTIONS = tuple(WISHES)
SECRET = "sbp_Zx81kQm44pLw"
REF = DATABASES[0].ref
START = datetime.fromtimestamp(ManualClock().now(), UTC)
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "target": lambda can: can.inventory.fetch_target(REF),
    "targets": lambda can: can.inventory.fetch_targets(),
    "api_keys": lambda can: can.api_keys.fetch_keys(REF),
    "logs": lambda can: can.logs.fetch_logs(REF, START - timedelta(days=3), START),
}


def strangers(sent: list[httpx.Request]) -> Sequence[str]:
    """Storage has a document of its own; the page of figures is in none."""
    storage = f"/{REF}{STORAGE}"
    files = [request for request in sent if request.url.path.startswith(f"{storage}/")]
    rest = [request for request in sent if request not in files and not request.url.path.endswith(METRICS)]
    return [
        *official.strangers("supabase-management-v1.json", rest),
        *official.strangers("supabase-storage-v0.json", files, storage),
    ]


class Clock:
    """Time that nothing waits for, which the emulator does not either: it tells its states by the time."""

    def __init__(self) -> None:
        self._now = START.timestamp()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds


class SupabaseSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = Clock()
        nowhere = "postgresql://nobody:nothing@127.0.0.1:1/postgres"
        self.emulator = Supabase(nowhere, self.clock.now() - 86_400, SECRET, "sb_secret_key", self.clock)
        self.project = self.emulator.projects[REF]
        self.project.database = Rows(self.clock.now() - 86_400)
        self.faults = Faults(httpx.ASGITransport(app=self.emulator.app))

    def open(self, line: httpx.AsyncBaseTransport | None = None) -> Opened:
        settings = SupabaseSettings(base_url="http://supabase/v1", token=SECRET)
        return open_connection(
            "supabase", settings, clock=self.now, sleep=self.clock.sleep, transport=line or self.faults
        )

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def finish(self) -> None:
        await self.clock.sleep(60)

    async def wish(self, capability: str) -> Wish:
        prepared = WISHES[capability.removeprefix("do:")]
        prepared.prepare(self.emulator, self.project)
        await self.clock.sleep(10)
        kinds = self.emulator.tally.kinds
        effects = self._count_downloads if prepared.kind == DOWNLOAD else lambda: kinds[prepared.kind]
        return Wish(prepared.request, effects, prepared.unknown, prepared.word)

    def _count_downloads(self) -> int:
        return sum("/object/authenticated/" in request.url.path for request in self.faults.sent)


@asynccontextmanager
async def subject() -> AsyncIterator[SupabaseSubject]:
    one = SupabaseSubject()
    furnish(one.emulator)
    await one.emulator.start()
    yield one
    await one.emulator.stop()
