"""GitHub, against its emulator on a clock that the suite moves."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx

from console.domain.release import Release
from console.playground.emulators.github import GitHub
from console.playground.releases import build_catalogue, commit_of
from console.playground.scene import MIGRATIONS_PATH, REPOSITORY
from providers.contract import Announce, Nothing
from providers.github.adapter import GitHubConnection, open_connection
from providers.github.deployments import ListDeployments, ShowDeployment
from providers.github.environments import SetEnvironment, ShowEnvironment
from providers.github.settings import GitHubSettings
from tests.playground.emulators.world import ManualClock
from tests.providers import official
from tests.providers.subject import Faults, Wish

KIND = "github"
ACTUATORS = ("announce",)
SECRET = "ghp_Zx81kQm44pLw"
COMMIT = commit_of("v1.1")
DEPLOYMENT = 1_200_001
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "release": lambda can: can.releases.fetch_release("v1.1"),
    "tags": lambda can: can.tags.fetch_tags(),
    "files": lambda can: can.releases.fetch_files(COMMIT, MIGRATIONS_PATH),
    "changes": lambda can: can.releases.fetch_changes("v1.0", "v1.1"),
    "checks": lambda can: can.checks.fetch_verdict(COMMIT),
}

ACTIONS = ("set-environment",)
ASKS = {
    "deployments": ListDeployments("production"),
    "deployment": ShowDeployment(DEPLOYMENT),
    "environments": Nothing(),
    "environment": ShowEnvironment("staging"),
}


def strangers(sent: list[httpx.Request]) -> Sequence[str]:
    return official.strangers("github-rest-trimmed.json", sent)


class GitHubSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.emulator = GitHub(build_catalogue(), SECRET, self.clock)
        self.faults = Faults(httpx.ASGITransport(app=self.emulator.app))

    def open(self, **settings: object) -> GitHubConnection:
        checked = GitHubSettings(base_url="http://github", token=SECRET, repository=REPOSITORY, **settings)
        return open_connection("github", checked, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def prepare(self) -> None:
        """Things to read: what GitHub would have from before."""
        self.emulator.deployments.add(COMMIT, "production")

    async def finish(self) -> None:
        await self.clock.advance(60)

    async def wish(self, capability: str) -> Wish:
        return await getattr(self, f"_{capability.removeprefix('do:').replace('-', '_')}")()

    def _count(self, kind: str) -> Callable[[], int]:
        return lambda: self.emulator.kinds.get(kind, 0)

    async def _announce(self) -> Wish:
        request = Announce("production", Release(COMMIT, "v1.1"), "in_progress", "Quarterdeck 7f2", production=True)
        return Wish(request, self._count("deployment_status"), ("1/2", "x/y", "1"))

    async def _set_environment(self) -> Wish:
        request = SetEnvironment("production", wait_timer=5, reviewers=("user:12",))
        return Wish(request, self._count("environment"), ('{"name":"moon"}',))


@asynccontextmanager
async def subject() -> AsyncIterator[GitHubSubject]:
    one = GitHubSubject()
    await one.emulator.start()
    one.prepare()
    yield one
    await one.emulator.stop()
