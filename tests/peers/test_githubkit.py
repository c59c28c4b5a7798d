"""githubkit, whose models are made from GitHub's own document, and our adapter on one repository.

Each reads what the other wrote. githubkit speaks the version of the API after the one that we speak.
"""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from console.domain.release import Release
from console.domain.verdict import VerdictKind
from console.playground.emulators.github import GitHub
from console.playground.releases import build_catalogue
from console.playground.scene import REPOSITORY
from providers.contract import Announce, OperationKey
from providers.discovery import MOST_LISTED, fetch_belongings
from providers.github.comparing import Compare
from providers.github.deployments import ListDeployments, ShowDeployment
from providers.github.dispatching import Dispatch
from providers.github.environments import SetEnvironment, ShowEnvironment
from providers.github.publishing import CreateRelease, PublishRelease, UploadArtifact
from providers.github.releases import ListReleases, ShowRelease
from providers.github.runs import ListRuns, ShowRun
from providers.github.statuses import SetStatus, ShowChecks
from providers.github.tracking import ShowTracking, Track
from tests.playground.emulators.world import ManualClock
from tests.providers.github.conftest import Hand
from tests.providers.subject import Faults
from tests.providers.subjects.github import COMMIT, RUN, SECRET, GitHubSubject, subject

if TYPE_CHECKING:
    from githubkit import GitHub as GitHubKit
    from githubkit import TokenAuthStrategy

OWNER, _, NAME = REPOSITORY.partition("/")
OF = {"owner": OWNER, "repo": NAME}
LIVE = Release(COMMIT, "v1.1")


def connect(emulator: GitHub, **options: Any) -> "GitHubKit[TokenAuthStrategy]":
    from githubkit import GitHub as GitHubKit

    line = httpx.ASGITransport(app=emulator.app)
    told = {"auto_retry": False, "http_cache": False, **options}
    return GitHubKit(SECRET, base_url="http://github", async_transport=line, **told)


@pytest.fixture
async def github() -> AsyncIterator[GitHubSubject]:
    async with subject() as one:
        yield one


@pytest.fixture
async def hand(github: GitHubSubject) -> AsyncIterator[Hand]:
    connection = github.open()
    yield Hand(connection, github)
    await connection.close()


@pytest.fixture
def peer(github: GitHubSubject) -> Iterator[Any]:
    """githubkit's calls; `.parsed_data` of an answer is a model that refuses what GitHub would not say."""
    kit = connect(github.emulator)
    yield kit.rest
    del kit  # Its calls hold it by a weak reference only.


async def announce(hand: Hand, wish: Announce, key: str = "wish") -> str:
    """The announcement's deployment."""
    assert hand.github is not None
    done = await hand.connection.capabilities.announce.start(wish, OperationKey(key, hand.github.now()))
    return str(done.outputs["announcement"])


class TestGivenATokenAlone:
    async def test_when_its_repositories_are_asked_for_then_githubkit_asks_the_same_and_reads_the_answer(self, github):
        from githubkit import GitHub as GitHubKit

        theirs, ours = (Faults(httpx.ASGITransport(app=github.emulator.app)) for _ in range(2))
        kit = GitHubKit(SECRET, base_url="http://github", async_transport=theirs, auto_retry=False, http_cache=False)
        seen = (await kit.rest.repos.async_list_for_authenticated_user(sort="pushed", per_page=MOST_LISTED)).parsed_data
        found = await fetch_belongings("github", SECRET, "http://github", ours)

        assert [(one.full_name, one.default_branch) for one in seen] == [(one.value, one.branch) for one in found]
        assert sorted(ours.sent[0].url.params.items()) == sorted(theirs.sent[0].url.params.items())
        assert ours.sent[0].url.path == theirs.sent[0].url.path


class TestGivenWhatWeWrote:
    async def test_when_a_deployment_was_announced_then_githubkit_sees_how_it_went(self, hand, peer):
        begun = Announce("staging", LIVE, "in_progress", "Quarterdeck 7f2", production=False)
        number = await announce(hand, begun)
        await announce(hand, Announce("staging", LIVE, "success", "live", announcement=number), "later")

        seen = (await peer.repos.async_get_deployment(**OF, deployment_id=int(number))).parsed_data
        told = (await peer.repos.async_list_deployment_statuses(**OF, deployment_id=int(number))).parsed_data

        assert (seen.sha, seen.environment, seen.production_environment) == (COMMIT, "staging", False)
        assert [(one.state, one.description) for one in told] == [
            ("success", "live"),
            ("in_progress", "Quarterdeck 7f2"),
        ]

    async def test_when_a_release_was_published_with_a_file_then_githubkit_sees_both(self, hand, peer, tmp_path):
        file = tmp_path / "sbom.json"
        file.write_text('{"parts": 7}')
        await hand.act("create-release", CreateRelease("v9.0", notes="Calm seas", draft=True))
        uploaded = await hand.act("upload-artifact", UploadArtifact("v9.0", str(file), label="Parts"))
        await hand.act("publish-release", PublishRelease("v9.0"))

        seen = (await peer.repos.async_get_release_by_tag(**OF, tag="v9.0")).parsed_data

        assert (seen.draft, seen.body, seen.published_at is not None) == (False, "Calm seas", True)
        (asset,) = seen.assets
        assert (asset.name, asset.label, asset.size) == ("sbom.json", "Parts", 12)
        assert asset.digest == uploaded.outputs["digest"]

    async def test_when_a_deployment_was_told_of_twice_then_githubkit_sees_one_issue_with_one_comment(self, hand, peer):
        await hand.act("track", Track("7f2", "Deploy v1.1", "Half way."))
        done = await hand.act("track", Track("7f2", "Deploy v1.1", "Live everywhere.", closed=True))

        number = done.outputs["issue"]
        issue = (await peer.issues.async_get(**OF, issue_number=number)).parsed_data
        (comment,) = (await peer.issues.async_list_comments(**OF, issue_number=number)).parsed_data

        assert (issue.title, issue.state, issue.state_reason) == ("Deploy v1.1", "closed", "completed")
        assert comment.body.startswith("Live everywhere.")

    async def test_when_an_environment_got_rules_then_githubkit_reads_them(self, hand, peer):
        wish = SetEnvironment("production", wait_timer=5, reviewers=("user:12",), branches="protected")
        await hand.act("set-environment", wish)

        seen = (await peer.repos.async_get_environment(**OF, environment_name="production")).parsed_data

        rules = {rule.type: rule for rule in seen.protection_rules}
        assert rules["wait_timer"].wait_timer == 5
        assert [one.type for one in rules["required_reviewers"].reviewers] == ["User"]
        assert seen.deployment_branch_policy.protected_branches is True

    async def test_when_a_workflow_was_begun_then_githubkit_follows_its_run(self, hand, github, peer):
        begun = await hand.act("dispatch", Dispatch("deploy.yml", inputs={"release": "v1.1"}))
        run = int(begun.outputs["run"])

        first = (await peer.actions.async_get_workflow_run(**OF, run_id=run)).parsed_data
        await github.clock.advance(600)
        last = (await peer.actions.async_get_workflow_run(**OF, run_id=run)).parsed_data
        jobs = (await peer.actions.async_list_jobs_for_workflow_run(**OF, run_id=run)).parsed_data

        assert (first.event, first.conclusion) == ("workflow_dispatch", None)
        assert (last.status, last.conclusion) == ("completed", "success")
        assert jobs.total_count == len(jobs.jobs) > 0

    async def test_when_a_status_was_set_then_githubkit_counts_it(self, hand, peer):
        await hand.act("set-status", SetStatus(COMMIT, "pending", "harbour/tide", "low water"))

        seen = (await peer.repos.async_get_combined_status_for_ref(**OF, ref=COMMIT)).parsed_data

        assert seen.state == "pending"
        assert ("harbour/tide", "pending") in [(one.context, one.state) for one in seen.statuses]


class TestGivenWhatGithubkitWrote:
    async def test_when_it_told_how_our_deployment_went_then_we_read_it(self, hand, peer):
        number = int(await announce(hand, Announce("staging", LIVE, "in_progress", "", production=False)))
        words = {"state": "failure", "description": "ran aground", "log_url": "https://ci.example/1"}
        await peer.repos.async_create_deployment_status(**OF, deployment_id=number, **words)

        seen = await hand.ask("deployment", ShowDeployment(number))

        assert seen.state == "failure"
        assert (seen.statuses[0].description, seen.statuses[0].log_url) == ("ran aground", "https://ci.example/1")

    async def test_when_it_opened_a_deployment_then_we_list_it_and_open_our_own_beside_it(self, hand, peer):
        wish = {"ref": COMMIT, "environment": "qa", "auto_merge": False, "required_contexts": [], "payload": "by hand"}
        theirs = (await peer.repos.async_create_deployment(**OF, **wish)).parsed_data
        ours = await announce(hand, Announce("qa", LIVE, "in_progress", "", production=False))

        seen = await hand.ask("deployments", ListDeployments("qa"))

        assert {one.id for one in seen} == {str(theirs.id), ours}

    async def test_when_it_made_a_release_then_we_list_it_and_make_no_second_one(self, hand, peer):
        wish = {"tag_name": "v9.1", "name": "Ebb", "body": "Low water", "prerelease": True}
        theirs = (await peer.repos.async_create_release(**OF, **wish)).parsed_data
        await peer.repos.async_upload_release_asset(**OF, release_id=theirs.id, name="log.txt", data=b"all well")
        again = await hand.act("create-release", CreateRelease("v9.1"))

        seen = await hand.ask("release", ShowRelease("v9.1"))
        listed = await hand.ask("releases", ListReleases())

        assert again.reference == str(theirs.id)
        assert (seen.name, seen.notes, seen.prerelease) == ("Ebb", "Low water", True)
        assert [(one.name, one.size) for one in seen.assets] == [("log.txt", 8)]
        assert [one.tag for one in listed].count("v9.1") == 1

    async def test_when_it_set_a_status_then_our_verdict_follows(self, hand, peer):
        before = await hand.ask("checks", ShowChecks(COMMIT))
        failed = {"state": "failure", "context": "harbour/tide"}
        await peer.repos.async_create_commit_status(**OF, sha=COMMIT, **failed)
        after = await hand.connection.capabilities.checks.fetch_verdict(COMMIT)

        assert (before.kind, after.kind) == (VerdictKind.PASS, VerdictKind.FAIL)
        assert after.evidence["harbour/tide"] == "failure"

    async def test_when_it_wrote_the_issue_on_then_we_still_find_our_comment(self, hand, peer):
        first = await hand.act("track", Track("7f2", "Deploy v1.1", "Half way."))
        number = first.outputs["issue"]
        await peer.issues.async_create_comment(**OF, issue_number=number, body="How long will it take?")
        await peer.issues.async_update(**OF, issue_number=number, labels=["quarterdeck", "seen"])
        again = await hand.act("track", Track("7f2", "Deploy v1.1", "Done."))

        assert again.reference == first.reference
        assert (await hand.ask("tracking", ShowTracking("7f2"))).progress == "Done."

    async def test_when_it_set_rules_then_we_read_them_and_keep_what_we_do_not_name(self, hand, peer):
        await peer.repos.async_create_or_update_environment(**OF, environment_name="qa/eu", wait_timer=7)
        await hand.act("set-environment", SetEnvironment("qa/eu", reviewers=("user:12",)))

        seen = await hand.ask("environment", ShowEnvironment("qa/eu"))

        assert (seen.wait_timer, [one.id for one in seen.reviewers]) == (7, ["user:12"])

    async def test_when_it_began_a_workflow_then_we_follow_the_run(self, hand, peer):
        wish = {"workflow_id": "deploy.yml", "ref": "main", "inputs": {"release": "v1.1"}}
        begun = (await peer.actions.async_create_workflow_dispatch(**OF, **wish)).parsed_data

        seen = await hand.ask("run", ShowRun(begun.workflow_run_id))

        assert (seen.event, seen.status) == ("workflow_dispatch", "queued")


class TestGivenTheSameQuestion:
    async def test_when_both_compare_two_releases_then_they_see_the_same(self, hand, peer):
        ours = await hand.ask("compare", Compare("v1.0", "v1.2"))
        theirs = (await peer.repos.async_compare_commits(**OF, basehead="v1.0...v1.2")).parsed_data

        assert (ours.status, ours.ahead_by, ours.behind_by) == (theirs.status, theirs.ahead_by, theirs.behind_by)
        assert [one.sha for one in ours.commits] == [one.sha for one in theirs.commits]
        assert [one.name for one in ours.files] == [one.filename for one in theirs.files or []]

    async def test_when_both_list_runs_then_they_see_the_same(self, hand, peer):
        ours = await hand.ask("runs", ListRuns(commit=COMMIT))
        theirs = (await peer.actions.async_list_workflow_runs_for_repo(**OF, head_sha=COMMIT)).parsed_data

        assert [one.id for one in ours] == [str(one.id) for one in theirs.workflow_runs]

    async def test_when_both_walk_the_pages_of_tags_then_they_end_alike(self, hand, peer):
        ours = await hand.connection.capabilities.tags.fetch_tags()
        theirs = [one async for one in peer.paginate(peer.repos.async_list_tags, **OF, per_page=2)]

        assert len(theirs) > 2
        assert ours == {one.commit.sha: one.name for one in theirs}

    async def test_when_githubkit_reads_what_else_we_read_then_every_answer_is_a_model_of_githubs(self, peer):
        answers = [
            await peer.repos.async_get(**OF),
            await peer.users.async_get_authenticated(),
            await peer.rate_limit.async_get(),
            await peer.repos.async_get_commit(**OF, ref=COMMIT),
            await peer.repos.async_get_content(**OF, path="README.md", ref="v1.1"),
            await peer.repos.async_get_branch(**OF, branch="main"),
            await peer.repos.async_get_branch_protection(**OF, branch="main"),
            await peer.repos.async_get_branch_rules(**OF, branch="main"),
            await peer.repos.async_get_repo_rulesets(**OF),
            await peer.checks.async_list_for_ref(**OF, ref=COMMIT),
            await peer.pulls.async_list_reviews(**OF, pull_number=40),
            await peer.repos.async_list_pull_requests_associated_with_commit(**OF, commit_sha=COMMIT),
            await peer.actions.async_list_repo_workflows(**OF),
            await peer.actions.async_list_workflow_run_artifacts(**OF, run_id=RUN),
            await peer.dependabot.async_list_alerts_for_repo(**OF),
            await peer.code_scanning.async_list_alerts_for_repo(**OF),
            await peer.secret_scanning.async_list_alerts_for_repo(**OF),
        ]

        assert all(answer.parsed_data is not None for answer in answers)


class TestGivenGithubsManners:
    async def test_when_githubkit_asks_again_then_an_unchanged_answer_costs_nothing(self, github):
        async with connect(github.emulator, http_cache=True) as peer:
            for _ in range(3):
                tags = (await peer.rest.repos.async_list_tags(**OF)).parsed_data
            spent = (await peer.rest.rate_limit.async_get()).parsed_data

        assert len(tags) > 2
        assert spent.resources.core.used == 1

    async def test_when_the_hour_is_spent_then_githubkit_knows_that_limit(self):
        from githubkit.exception import PrimaryRateLimitExceeded

        clock = ManualClock()
        kit = connect(GitHub(build_catalogue(), SECRET, clock, limit_scale=10 / 5000))

        for _ in range(10):
            await kit.rest.repos.async_list_tags(**OF)
            await clock.advance(61)
        with pytest.raises(PrimaryRateLimitExceeded) as refused:
            await kit.rest.repos.async_list_tags(**OF)

        assert float(refused.value.response.headers["x-ratelimit-reset"]) > clock.now()

    async def test_when_much_is_written_at_once_then_githubkit_knows_how_long_to_wait(self):
        from githubkit.exception import SecondaryRateLimitExceeded

        kit = connect(GitHub(build_catalogue(), SECRET, ManualClock(), limit_scale=3 / 80))

        for number in range(3):
            await kit.rest.issues.async_create(**OF, title=f"Wave {number}")
        with pytest.raises(SecondaryRateLimitExceeded) as refused:
            await kit.rest.issues.async_create(**OF, title="One more")

        assert refused.value.retry_after.total_seconds() > 0

    async def test_when_a_job_log_is_asked_for_then_its_address_opens_without_the_token(self, github):
        kit = connect(github.emulator, follow_redirects=False)
        answer = await kit.rest.actions.async_download_job_logs_for_workflow_run(**OF, job_id=RUN * 10)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=github.emulator.app)) as web:
            text = (await web.get(answer.headers["location"])).text

        assert answer.status_code == 302
        assert len(text.splitlines()) > 1
