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
from providers.github.adapter import open_connection
from providers.github.alerts import ListAlerts
from providers.github.comparing import Compare
from providers.github.deployments import ListDeployments, ShowDeployment
from providers.github.dispatching import Dispatch, SetWorkflow
from providers.github.environments import SetEnvironment, ShowEnvironment
from providers.github.logs import ReadArtifact, ReadJobLog, ReadRunLogs
from providers.github.protection import ShowProtection
from providers.github.publishing import CreateRelease, PublishRelease, UploadArtifact
from providers.github.releases import ListReleases, ShowRelease, WriteNotes
from providers.github.reviews import ListPulls, ShowReviews
from providers.github.run_control import CancelRun, Rerun, ReviewDeployment
from providers.github.runs import ListRuns, ShowRun
from providers.github.settings import GitHubSettings
from providers.github.statuses import SetStatus, ShowChecks
from providers.github.tracking import ShowTracking, Track
from providers.opened import Opened
from tests.playground.emulators.world import ManualClock
from tests.providers import official
from tests.providers.subject import Faults, Wish

KIND = "github"
ACTUATORS = ("announce",)
SECRET = "ghp_Zx81kQm44pLw"
COMMIT = commit_of("v1.1")
DEPLOYMENT = 1_200_001
RUN = 9_100_001
"""The tests of the first commit, which passed long ago."""
ARTIFACT = Path(__file__)
"""Any file: what it holds does not matter."""
READINGS = {
    "account": lambda can: can.account.fetch_account(),
    "release": lambda can: can.releases.fetch_release("v1.1"),
    "tags": lambda can: can.tags.fetch_tags(),
    "files": lambda can: can.releases.fetch_files(COMMIT, MIGRATIONS_PATH),
    "changes": lambda can: can.releases.fetch_changes("v1.0", "v1.1"),
    "checks": lambda can: can.checks.fetch_verdict(COMMIT),
    "alerts": lambda can: can.alerts.fetch_alerts(COMMIT),
}

ACTIONS = (
    "cancel-run",
    "create-release",
    "dispatch",
    "publish-release",
    "rerun",
    "review-deployment",
    "set-environment",
    "set-status",
    "set-workflow",
    "track",
    "upload-artifact",
)
ASKS = {
    "alerts": ListAlerts(severity="high"),
    "checks": ShowChecks(COMMIT),
    "tracking": ShowTracking("7f1"),
    "approvals": ShowRun(RUN),
    "artifact": ReadArtifact(RUN * 10 + 9, "report.txt"),
    "artifacts": ShowRun(RUN),
    "job-log": ReadJobLog(RUN * 10),
    "jobs": ShowRun(RUN),
    "run": ShowRun(RUN),
    "run-logs": ReadRunLogs(RUN),
    "runs": ListRuns(commit=COMMIT),
    "workflows": Nothing(),
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
    """GitHub's store of files is no part of its API and of its document."""
    return official.strangers(
        "github-rest-trimmed.json", (one for one in sent if not one.url.path.startswith("/files/"))
    )


class GitHubSubject:
    secret = SECRET

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.emulator = GitHub(build_catalogue(), SECRET, self.clock)
        self.faults = Faults(httpx.ASGITransport(app=self.emulator.app))

    def open(self, **settings: object) -> Opened:
        checked = GitHubSettings(base_url="http://github", token=SECRET, repository=REPOSITORY, **settings)
        return open_connection("github", checked, clock=self.now, sleep=self.clock.advance, transport=self.faults)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    def prepare(self) -> None:
        """Things to read: what GitHub would have from before."""
        self.emulator.deployments.add(COMMIT, "production")
        mark = "<!-- quarterdeck:deployment 7f1 -->"
        self.emulator.talk.add("Deploy v1.0", mark, ["quarterdeck"])
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

    async def _cancel_run(self) -> Wish:
        run = self.emulator.actions.add(self.emulator.actions.workflows[0], "push", "main", "main")
        return Wish(CancelRun(run.id), self._count("cancel"), ('{"run":1}',), "in_progress")

    async def _dispatch(self) -> Wish:
        wish = Dispatch("deploy.yml", inputs={"release": "v1.1"})
        unknown = ("1", "deploy.yml@main@2020-01-01T00:00:00+00:00", "deploy.yml@main@")
        return Wish(wish, self._count("run"), unknown, "queued")

    async def _rerun(self) -> Wish:
        return Wish(Rerun(RUN), self._count("rerun"), ("1/2", f"{RUN}/7", f"{RUN}"), "queued")

    async def _review_deployment(self) -> Wish:
        run = self.emulator.actions.add(self.emulator.actions.workflows[0], "push", "main", "main")
        run.latest.waits_for = "production"
        unknown = ('{"environment":"production","run":1}',)
        return Wish(ReviewDeployment(run.id, "production", comment="good"), self._count("review"), unknown)

    async def _set_workflow(self) -> Wish:
        unknown = ('{"enabled":true,"workflow":"none.yml"}',)
        return Wish(SetWorkflow("deploy.yml", enabled=False), self._count("workflow"), unknown)

    async def _set_status(self) -> Wish:
        unknown = ('{"commit":"ffffffffff","state":"success"}',)
        return Wish(SetStatus(COMMIT, "success", description="live"), self._count("commit_status"), unknown)

    async def _track(self) -> Wish:
        return Wish(Track("7f2", "Deploy v1.1", "Live everywhere."), self._count("comment"), ("1/1", "9/9", "1"))

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
