"""GitHub, against its emulator on a clock that the suite moves."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from console.domain.release import Release
from console.playground.emulators.github import GitHub
from console.playground.emulators.github_review import Protection
from console.playground.releases import build_catalogue, commit_of
from console.playground.scene import MIGRATIONS_PATH, REPOSITORY
from providers.contract import Announce, Nothing, OperationKey
from providers.github.adapter import GitHubConnection, open_connection
from providers.github.comparing import Compare
from providers.github.deployments import ListDeployments, ShowDeployment
from providers.github.environments import SetEnvironment, ShowEnvironment
from providers.github.protection import ShowProtection
from providers.github.publishing import CreateRelease, PublishRelease, UploadArtifact
from providers.github.releases import ListReleases, ShowRelease, WriteNotes
from providers.github.reviews import ListPulls, ShowReviews
from providers.github.settings import GitHubSettings
from tests.playground.emulators.world import ManualClock
from tests.providers import official
from tests.providers.subject import Faults, Wish

KIND = "github"
ACTUATORS = ("announce",)
SECRET = "ghp_Zx81kQm44pLw"
COMMIT = commit_of("v1.1")
DEPLOYMENT = 1_200_001
ARTIFACT = Path(__file__)
"""Any file: what it holds does not matter."""
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "release": lambda can: can.releases.fetch_release("v1.1"),
    "tags": lambda can: can.tags.fetch_tags(),
    "files": lambda can: can.releases.fetch_files(COMMIT, MIGRATIONS_PATH),
    "changes": lambda can: can.releases.fetch_changes("v1.0", "v1.1"),
    "checks": lambda can: can.checks.fetch_verdict(COMMIT),
}

ACTIONS = ("create-release", "publish-release", "set-environment", "upload-artifact")
ASKS = {
    "compare": Compare("v1.0", "v1.2"),
    "protection": ShowProtection(),
    "pulls": ListPulls(COMMIT),
    "release": ShowRelease("v1.1"),
    "release-notes": WriteNotes("v1.2", previous="v1.1"),
    "releases": ListReleases(),
    "reviews": ShowReviews(40),
    "rulesets": Nothing(),
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
        review = self.emulator.review
        review.by_rules, review.by_branch = Protection(("lint",), 1), Protection(("test",), 2)
        review.review(review.add_pull(COMMIT, "Let customers leave a note"), "kim", "APPROVED")

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

    async def _create_release(self) -> Wish:
        request = CreateRelease("v9.0", notes="Calm seas", draft=True)
        return Wish(request, self._count("release"), ("7", "1.2"))

    async def _publish_release(self) -> Wish:
        await self._draft("v9.0")
        return Wish(PublishRelease("v9.0"), self._count("release_published"), ('{"tag":"v0"}',))

    async def _upload_artifact(self) -> Wish:
        await self._draft("v9.0")
        request = UploadArtifact("v9.0", str(ARTIFACT), "sbom.json", content_type="application/json")
        return Wish(request, self._count("release_asset"), ("7", "1.2"), "uploaded")

    async def _draft(self, tag: str) -> None:
        connection = self.open()
        creation = connection.desk.actions["create-release"].actuator
        await creation.start(CreateRelease(tag, draft=True), OperationKey("before", self.now()))
        await connection.close()


@asynccontextmanager
async def subject() -> AsyncIterator[GitHubSubject]:
    one = GitHubSubject()
    await one.emulator.start()
    one.prepare()
    yield one
    await one.emulator.stop()
