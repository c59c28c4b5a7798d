"""Vercel, against its emulator on a clock that the suite moves."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from console.domain.release import Release
from console.playground.emulators.vercel import Vercel
from console.playground.emulators.vercel_dns import TEAM_DOMAIN
from console.playground.releases import build_catalogue, commit_of
from console.playground.scene import VERCEL_TEAM
from providers.contract import (
    Cancel,
    Deploy,
    PointName,
    Promote,
    Resume,
    RollBack,
    SetAutoDeploy,
    SetVariables,
    Suspend,
)
from providers.opened import Opened
from providers.vercel.adapter import open_connection
from providers.vercel.settings import VercelSettings
from tests.playground.emulators.world import FakeHosting, ManualClock, settle
from tests.providers import official
from tests.providers.subject import Faults, Wish
from tests.providers.vercel.wishes import ASKS, FRONTEND, STAGES, WISHES

__all__ = ["ASKS", "FRONTEND"]

KIND = "vercel"
ACTUATORS = (
    "deploy",
    "cancel",
    "promote",
    "roll_back",
    "suspend",
    "resume",
    "set_variables",
    "auto_deploy",
    "point_name",
)
ACTIONS = tuple(WISHES)
SECRET = "vcp_8hQmZx27LkPw04"
START = datetime.fromtimestamp(ManualClock().now(), UTC)
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "shelf": lambda can: can.shelf.find_obstacle(FRONTEND, "dpl_unknown"),
    "target": lambda can: can.inventory.fetch_target(FRONTEND),
    "targets": lambda can: can.inventory.fetch_targets(),
    "logs": lambda can: can.logs.fetch_logs(FRONTEND, START - timedelta(minutes=5), START),
    "variables": lambda can: can.variables.fetch_variables(FRONTEND),
    "names": lambda can: can.names.fetch_names(TEAM_DOMAIN, "www", "CNAME"),
}


WRONG_IN_THE_DOCUMENT = (
    # It gives this call no body, though it takes one (README of the documents, faults); ours is the official command's.
    "body · PATCH /v1/projects/{idOrName}/rolling-release/config · $: the document knows no body here",
    # Its pattern for keys is escaped twice, and so allows the characters w, - and backslash alone.
    "body · PATCH /v1/edge-config/{edgeConfigId}/items · $.items[0]",
    # Newer than the document and than the list of operations: vercel.com/docs/rest-api/billing.
    "operation · GET /v1/billing/charges ",
)
"""Beginnings of what the document finds wrong and is wrong about."""


def strangers(sent: list[httpx.Request]) -> Sequence[str]:
    found = official.strangers("vercel-rest-api.json", sent)
    return [words for words in found if not words.startswith(WRONG_IN_THE_DOCUMENT)]


def release(name: str) -> Release:
    return Release(commit_of(name), name)


class VercelSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.hosting = FakeHosting(self.clock)
        self.emulator = Vercel(self.hosting, build_catalogue(), SECRET, self.clock, limit_scale=100)
        self.faults = Faults(httpx.ASGITransport(app=self.emulator.app))

    def open(self) -> Opened:
        settings = VercelSettings(base_url="http://vercel", token=SECRET, team=VERCEL_TEAM, url_scheme="http")
        return open_connection("vercel", settings, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def finish(self) -> None:
        await self.clock.advance(60)

    async def wish(self, capability: str) -> Wish:
        if capability.startswith("do:"):
            return await WISHES[capability.removeprefix("do:")](self)
        return await getattr(self, f"_{capability}")()

    def count(self, kind: str) -> int:
        """How often the platform was made to do something."""
        return self.emulator.kinds.get(kind, 0)

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the platform past the adapter, as somebody else would; straight into its app, which is quicker."""
        said = [{"type": "http.request", "body": json.dumps(body).encode() if body is not None else b""}]
        heard: list[Any] = []

        async def receive() -> Any:
            return said.pop() if said else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            heard.append(message)

        headers = [(b"authorization", f"Bearer {SECRET}".encode())]
        where = {"path": path.partition("?")[0], "query_string": path.partition("?")[2].encode(), "headers": headers}
        await self.emulator.app({"type": "http", "method": method, "root_path": "", **where}, receive, send)
        content = b"".join(message.get("body", b"") for message in heard)
        assert heard[0]["status"] < 300, content
        return json.loads(content) if content else None

    def live(self) -> str:
        """The deployment with the production domains."""
        return self.emulator.projects[0].production

    async def staged(self, name: str = "v1.2") -> str:
        """A build that is ready and does not serve."""
        reference = await self.begin_deploy(name)
        await self.finish()
        return reference.partition("/")[2]

    async def replaced(self) -> str:
        """The deployment that served until another one took its place."""
        first = self.live()
        await self.begin_deploy("v1.2", serve=True)
        await self.finish()
        return first

    async def configure_rolling(self) -> None:
        stages = [{"targetPercentage": share, "requireApproval": True} for share in STAGES[:-1]]
        body = {"enabled": True, "advancementType": "manual-approval", "stages": [*stages, {"targetPercentage": 100}]}
        await self.call("PATCH", f"/v1/projects/{FRONTEND}/rolling-release/config", body)

    async def rolling(self) -> str:
        """The canary of a rolling release in its first stage."""
        await self.configure_rolling()
        canary = await self.staged()
        await self.call("POST", f"/v10/projects/{FRONTEND}/promote/{canary}")
        return canary

    async def checked_deployment(self) -> tuple[str, str]:
        """A build with a check that nobody has reported yet, and the run's id."""
        await self.call("POST", f"/v2/projects/{FRONTEND}/checks", {"name": "links"})
        building = (await self.begin_deploy("v1.2")).partition("/")[2]
        told = await self.call("GET", f"/v2/deployments/{building}/check-runs")
        return building, told["runs"][0]["id"]

    async def proven_domain(self, name: str) -> None:
        """A domain from elsewhere, whose owner has set the record that Vercel asks for."""
        told = await self.call("POST", f"/v10/projects/{FRONTEND}/domains", {"name": name})
        [challenge] = told["verification"]
        self.emulator.domains.public_txt.add((challenge["domain"], challenge["value"]))

    async def _deploy(self) -> Wish:
        request = Deploy(FRONTEND, release("v1.1"), serve=False)
        unknown = (f"{FRONTEND}/dpl_unknown", f"{FRONTEND}/", f"{FRONTEND}/a/b")
        return Wish(request, lambda: self.count("deployment"), unknown, "QUEUED")

    async def begin_deploy(self, name: str, serve: bool = False) -> str:
        """A build that is going on; its reference is that of the adapter."""
        await self.call("PATCH", f"/v9/projects/{FRONTEND}", {"autoAssignCustomDomains": serve})
        source = {"type": "github", "repoId": 1, "ref": name, "sha": commit_of(name)}
        meta = {"quarterdeckServe": "1" if serve else "0"}
        wish = {"name": "frontend", "target": "production", "gitSource": source, "meta": meta}
        made = await self.call("POST", "/v13/deployments?forceNew=1", wish)
        await self.clock.advance(0.3)
        return f"{FRONTEND}/{made['id']}"

    async def _cancel(self) -> Wish:
        reference = await self.begin_deploy("v1.2")
        return Wish(Cancel(FRONTEND, reference), lambda: self.count("cancel"), (f"{FRONTEND}/dpl_unknown",))

    async def _promote(self) -> Wish:
        staged = await self.staged()
        unknown = (f"prj_unknown/promote/{staged}/1795000000000/", f"{FRONTEND}/promote/dpl_unknown/1795000000000/")
        return Wish(Promote(FRONTEND, staged), lambda: self.count("promote"), unknown, "pending")

    async def _roll_back(self) -> Wish:
        first = await self.replaced()
        unknown = (f"prj_unknown/rollback/{first}/1795000000000/", f"{FRONTEND}/rollback/dpl_unknown/1795000000000/")
        return Wish(RollBack(FRONTEND, first), lambda: self.count("rollback"), unknown, "pending")

    async def _point_name(self) -> Wish:
        unknown = ('{"domain":"unknown.example","name":"www","ttl":60,"type":"CNAME","value":"iad.example"}', "{}")
        request = PointName(TEAM_DOMAIN, "www", "CNAME", "iad.example")
        return Wish(request, lambda: self.count("record_changed"), unknown)

    async def _suspend(self) -> Wish:
        return Wish(Suspend(FRONTEND), lambda: self.count("pause"), ('{"target":"prj_unknown"}',))

    async def _resume(self) -> Wish:
        await self.call("POST", f"/v1/projects/{FRONTEND}/pause")
        return Wish(Resume(FRONTEND), lambda: self.count("unpause"), ('{"target":"prj_unknown"}',))

    async def _auto_deploy(self) -> Wish:
        unknown = ('{"on":true,"target":"prj_unknown"}',)
        on = not self.emulator.projects[0].auto_assign
        return Wish(SetAutoDeploy(FRONTEND, on), lambda: self.count("project"), unknown)

    async def _set_variables(self) -> Wish:
        request = SetVariables(FRONTEND, {"FLAG": "a-secret-value"})
        return Wish(request, lambda: self.count("env_vars"), ("prj_unknown/variables",))


@asynccontextmanager
async def subject() -> AsyncIterator[VercelSubject]:
    one = VercelSubject()
    await one.emulator.start()
    await settle()
    yield one
    await one.emulator.stop()
