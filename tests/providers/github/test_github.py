"""The GitHub adapter: beyond the laws, against the emulator and against what GitHub itself once answered."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from console.domain.errors import ExitCode, RateLimited, Rejected, UnexpectedReply, UnknownRelease
from console.domain.release import Release
from console.domain.verdict import VerdictKind
from console.playground.releases import build_catalogue, commit_of
from console.playground.scene import MIGRATIONS_PATH
from providers.contract import Announce, OperationKey, OperationStatus
from providers.github.adapter import open_connection
from providers.github.readings import judge
from providers.github.settings import GitHubSettings
from providers.github.statuses import SetStatus
from providers.github.wire import Check, CheckState, next_page, parse_content, parse_status_list, read_message
from tests.providers.subjects.github import GitHubSubject
from tests.support.openapi import SHARED

RECORDING = SHARED / "recordings" / "github-api.jsonl"
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
V11 = commit_of("v1.1")


@pytest.fixture
async def can(github: GitHubSubject):
    connection = github.open()
    yield connection.capabilities
    await connection.close()


Handler = Callable[[httpx.Request], httpx.Response]


class Scripted:
    """A connection to whatever a function answers; `asked` holds the requests."""

    def __init__(self, handler: Handler, base_url: str = "https://api.github.com") -> None:
        self.asked: list[httpx.Request] = []
        self.slept: list[float] = []

        def handle(request: httpx.Request) -> httpx.Response:
            self.asked.append(request)
            return handler(request)

        settings = GitHubSettings(base_url=base_url, token="ghp_Zx81kQm44pLw", repository="o/r")
        self.can = open_connection(
            "github", settings, clock=lambda: NOW, sleep=self._sleep, transport=httpx.MockTransport(handle)
        ).capabilities

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class TestGivenReleases:
    @pytest.mark.parametrize("reference", ["v1.1", V11, V11[:9]])
    async def test_when_one_is_named_then_it_is_resolved(self, can, reference):
        release = await can.releases.fetch_release(reference)

        assert (release.commit, release.name, release.message) == (V11, reference, "Let customers leave a note")
        assert release.committed_at is not None

    async def test_when_nobody_knows_it_then_that_is_said(self, can):
        with pytest.raises(UnknownRelease, match=r"no release 'v9' in quarterdeck-demo/shop") as problem:
            await can.releases.fetch_release("v9")

        assert problem.value.exit_code == ExitCode.USAGE

    async def test_when_tags_are_asked_then_each_names_its_commit(self, can):
        assert (await can.tags.fetch_tags())[commit_of("v1.0")] == "v1.0"

    async def test_when_files_are_read_then_their_texts_come_by_name(self, can):
        files = await can.releases.fetch_files(V11, MIGRATIONS_PATH)

        assert files == dict(build_catalogue().find("v1.1").migrations)

    async def test_when_files_are_read_again_then_only_the_directory_is_asked(self, github, can):
        await can.releases.fetch_files(V11, MIGRATIONS_PATH)
        before = len(github.faults.sent)
        await can.releases.fetch_files(V11, MIGRATIONS_PATH)

        assert len(github.faults.sent) - before == 1

    async def test_when_the_directory_is_absent_then_it_is_empty(self, can):
        assert await can.releases.fetch_files(V11, "nowhere") == {}

    async def test_when_the_commit_is_absent_then_that_is_not_an_empty_directory(self, can):
        with pytest.raises(Rejected, match="no release"):
            await can.releases.fetch_files("f" * 40, MIGRATIONS_PATH)

    async def test_when_two_are_compared_then_the_commits_between_come_oldest_first(self, can):
        changes = await can.releases.fetch_changes("v1.0", "v1.2")

        assert [change.commit for change in changes] == [V11, commit_of("v1.2")]

    async def test_when_a_file_is_large_then_its_blob_is_fetched(self):
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/contents/sql"):
                return httpx.Response(200, json=[{"name": "a.sql", "path": "sql/a.sql", "sha": "b1", "type": "file"}])
            if request.url.path.endswith("/contents/sql/a.sql"):
                return httpx.Response(200, json={"size": 2_000_000, "content": "", "encoding": "none"})
            assert request.url.path == "/repos/o/r/git/blobs/b1"
            content = base64.b64encode(b"select 1;").decode()
            return httpx.Response(200, json={"content": content, "encoding": "base64"})

        assert await Scripted(handle).can.releases.fetch_files("c1", "sql") == {"a.sql": "select 1;"}


class TestGivenAnAnswerThatWasKept:
    async def test_when_nothing_changed_then_it_is_used_again(self, github, can):
        first = await can.checks.fetch_verdict(V11)
        spent = github.emulator._door.primary().remaining
        second = await can.checks.fetch_verdict(V11)

        assert second == first
        assert github.emulator._door.primary().remaining == spent
        assert all("if-none-match" in request.headers for request in github.faults.sent[-2:])

    async def test_when_it_changed_then_the_new_one_counts(self, github, can):
        await can.checks.fetch_verdict(V11)
        async with httpx.AsyncClient(transport=github.faults, base_url="http://github") as other:
            headers = {"authorization": f"Bearer {github.secret}", "user-agent": "ci"}
            wish = {"state": "failure", "context": "ci/build"}
            path = f"/repos/quarterdeck-demo/shop/statuses/{V11}"
            (await other.post(path, json=wish, headers=headers)).raise_for_status()

        verdict = await can.checks.fetch_verdict(V11)

        assert verdict.kind is VerdictKind.FAIL
        assert "ci/build (failure)" in verdict.explanation


def check(name: str, word: str) -> Check:
    state = {"success": CheckState.PASSED, "failure": CheckState.FAILED}.get(word, CheckState.PENDING)
    return Check(name, state, word)


class TestGivenChecksOfACommit:
    def test_when_there_are_none_then_they_have_not_run(self):
        assert judge([]).kind is VerdictKind.NOT_RUN

    def test_when_all_passed_then_it_passes(self):
        verdict = judge([check("lint", "success"), check("test", "success")])

        assert (verdict.kind, verdict.evidence) == (VerdictKind.PASS, {"lint": "success", "test": "success"})

    def test_when_one_still_runs_then_nothing_is_decided(self):
        verdict = judge([check("lint", "success"), check("test", "queued")])

        assert (verdict.kind, verdict.explanation) == (VerdictKind.INCONCLUSIVE, "Still waiting for test (queued).")

    def test_when_one_failed_and_another_runs_then_it_fails(self):
        verdict = judge([check("lint", "queued"), check("test", "failure")])

        assert (verdict.kind, verdict.explanation) == (VerdictKind.FAIL, "1 check of 2 failed: test (failure).")

    def test_when_a_status_and_a_check_run_share_a_name_then_the_worse_is_shown(self):
        verdict = judge([check("ci", "failure"), check("ci", "success")])

        assert (verdict.kind, verdict.evidence) == (VerdictKind.FAIL, {"ci": "failure"})

    def test_when_a_required_one_has_not_begun_then_it_is_waited_for(self):
        assert "e2e (not begun)" in judge([check("lint", "success")], ["e2e"]).explanation
        assert judge([], ["e2e"]).kind is VerdictKind.INCONCLUSIVE

    @pytest.mark.parametrize(
        ("run", "expected"),
        [
            ({"status": "completed", "conclusion": "neutral"}, VerdictKind.PASS),
            ({"status": "completed", "conclusion": "skipped"}, VerdictKind.PASS),
            ({"status": "completed", "conclusion": "timed_out"}, VerdictKind.FAIL),
            ({"status": "completed", "conclusion": "frobnicated"}, VerdictKind.INCONCLUSIVE),
            ({"status": "waiting", "conclusion": None}, VerdictKind.INCONCLUSIVE),
        ],
    )
    async def test_when_only_check_runs_exist_then_they_decide(self, run, expected):
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/status"):
                return httpx.Response(200, json={"state": "pending", "statuses": []})
            return httpx.Response(200, json={"check_runs": [{"name": "test", **run}]})

        assert (await Scripted(handle).can.checks.fetch_verdict("c1")).kind is expected

    async def test_when_there_are_several_pages_then_all_count(self):
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/status"):
                return httpx.Response(200, json={"statuses": []})
            page = request.url.params.get("page", "1")
            word = "failure" if page == "2" else "success"
            link = '<https://api.github.com/repositories/1/commits/c1/check-runs?page=2>; rel="next"'
            run = {"name": f"test {page}", "status": "completed", "conclusion": word}
            return httpx.Response(200, json={"check_runs": [run]}, headers={"link": link} if page == "1" else {})

        assert (await Scripted(handle).can.checks.fetch_verdict("c1")).kind is VerdictKind.FAIL

    async def test_when_the_next_page_is_elsewhere_then_the_token_stays_here(self):
        def handle(request: httpx.Request) -> httpx.Response:
            assert request.url.host == "api.github.com"
            link = '<https://elsewhere.example/commits?page=2>; rel="next"'
            return httpx.Response(200, json={"statuses": [], "check_runs": []}, headers={"link": link})

        with pytest.raises(UnexpectedReply, match="another address"):
            await Scripted(handle).can.checks.fetch_verdict("c1")


class TestGivenAnAnnouncement:
    RELEASE = Release(V11, "v1.1")

    def key(self, github: GitHubSubject, text: str) -> OperationKey:
        return OperationKey(text, github.now())

    async def test_when_it_is_opened_and_closed_then_github_tells_both(self, github, can):
        began = await can.announce.start(
            Announce("production", self.RELEASE, "in_progress", production=True), self.key(github, "k1")
        )
        announcement = began.outputs["announcement"]
        await github.clock.advance(60)
        await can.announce.start(
            Announce("production", self.RELEASE, "success", "done", announcement), self.key(github, "k2")
        )

        deployment = github.emulator.deployments.all[0]
        assert str(deployment.id) == announcement
        assert (deployment.sha, deployment.environment, deployment.is_production) == (V11, "production", True)
        assert [status.state for status in reversed(deployment.statuses)] == ["in_progress", "success"]

    async def test_when_its_id_was_never_read_then_it_is_closed_by_its_key_and_nothing_is_opened_for_that(
        self, github, can
    ):
        await can.announce.start(Announce("production", self.RELEASE, "in_progress"), self.key(github, "k1"))
        known = len(github.emulator.deployments.all)
        await github.clock.advance(60)

        for opener in ("k1", "never"):
            closing = Announce("production", self.RELEASE, "failure", opened_by=opener)
            ended = await can.announce.start(closing, self.key(github, f"close {opener}"))
            assert (await can.announce.observe(ended.reference)).status is OperationStatus.SUCCEEDED

        assert len(github.emulator.deployments.all) == known
        newest = github.emulator.deployments.all[0]
        assert [status.state for status in reversed(newest.statuses)] == ["in_progress", "failure"]

    async def test_when_a_closing_reply_is_lost_then_it_is_told_once(self, github, can):
        began = await can.announce.start(Announce("production", self.RELEASE, "in_progress"), self.key(github, "k1"))
        await github.clock.advance(60)
        closing = Announce("production", self.RELEASE, "failure", "x" * 200, str(began.outputs["announcement"]))
        key = self.key(github, "k2")
        github.faults.lose_next_reply()

        with pytest.raises(Exception, match="cannot be reached"):
            await can.announce.start(closing, key)
        found = await can.announce.find(closing, key)
        again = await can.announce.start(closing, key)

        assert found == again
        assert len(github.emulator.deployments.all[0].statuses) == 2

    async def test_when_the_same_is_told_later_again_then_it_is_another_status(self, github, can):
        began = await can.announce.start(Announce("production", self.RELEASE, "in_progress"), self.key(github, "k1"))
        again = Announce("production", self.RELEASE, "in_progress", "", str(began.outputs["announcement"]))
        await github.clock.advance(60)

        assert await can.announce.find(again, self.key(github, "k2")) is None

    async def test_when_only_the_deployment_was_made_then_the_status_follows(self, github, can):
        request, key = Announce("production", self.RELEASE, "in_progress"), self.key(github, "k1")
        await can.announce.start(request, key)
        before = list(github.emulator.deployments.all)
        github.emulator.deployments.all[0].statuses.clear()

        assert await can.announce.find(request, key) is None
        await can.announce.start(request, key)
        assert github.emulator.deployments.all == before
        assert len(github.emulator.deployments.all[0].statuses) == 1

    async def test_when_the_payload_comes_back_as_text_then_it_is_found(self):
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path.endswith("/statuses"):
                status = {"id": 5, "state": "in_progress", "description": "", "created_at": "2026-11-22T05:00:00Z"}
                return httpx.Response(200, json=[status])
            return httpx.Response(200, json=[{"id": 4, "payload": json.dumps({"operation_key": "k1"})}])

        request, key = Announce("production", self.RELEASE, "in_progress"), OperationKey("k1", NOW)
        found = await Scripted(handle).can.announce.find(request, key)

        assert found is not None
        assert found.reference == "4/5"

    async def test_when_github_merges_instead_then_that_is_no_deployment(self):
        def handle(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                return httpx.Response(200, json=[])
            return httpx.Response(202, json={"message": "Auto-merged main into v1.1 on deployment."})

        with pytest.raises(UnexpectedReply, match="Auto-merged"):
            await Scripted(handle).can.announce.start(
                Announce("production", self.RELEASE, "in_progress"), OperationKey("k1", NOW)
            )


class TestGivenALimit:
    @pytest.mark.parametrize("status", [403, 429])
    async def test_when_the_primary_one_is_used_up_then_it_says_until_when(self, status):
        reset = str(int(NOW.timestamp()) + 1200)
        headers = {"x-ratelimit-limit": "5000", "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
        scripted = Scripted(lambda request: httpx.Response(status, json={"message": "exceeded"}, headers=headers))

        with pytest.raises(RateLimited) as raised:
            await scripted.can.releases.fetch_release("v1")
        assert raised.value.retry_after == timedelta(minutes=20)

    async def test_when_the_secondary_one_is_met_then_its_wait_is_kept(self):
        scripted = Scripted(
            lambda request: httpx.Response(403, json={"message": "secondary rate limit"}, headers={"retry-after": "60"})
        )

        with pytest.raises(RateLimited) as raised:
            await scripted.can.account.fetch_account()
        assert raised.value.retry_after == timedelta(minutes=1)


class TestGivenManyChanges:
    async def test_when_a_minute_has_no_more_of_them_then_nothing_is_sent_before_github_refuses(self, hand, github):
        for number in range(80):
            await hand.act("set-status", SetStatus(V11, "success", f"step {number}"))
        with pytest.raises(RateLimited, match="for writes requests is used up"):
            await hand.act("set-status", SetStatus(V11, "success", "one more"))
        written = [request for request in github.faults.sent if request.method == "POST"]

        assert github.emulator.kinds == {"commit_status": 80}
        assert len(written) == 80
        await github.clock.advance(61)
        await hand.act("set-status", SetStatus(V11, "success", "after"))
        assert github.emulator.kinds == {"commit_status": 81}


class TestGivenAToken:
    @pytest.mark.parametrize(
        ("header", "scopes", "missing"),
        [
            ("repo, workflow", ("repo", "workflow"), ()),
            ("gist", ("gist",), ("repo_deployment",)),
            ("", (), ("repo_deployment",)),
            (None, (), ()),
        ],
    )
    async def test_when_it_is_asked_about_then_missing_scopes_are_named(self, header, scopes, missing):
        headers = {} if header is None else {"x-oauth-scopes": header}
        scripted = Scripted(lambda request: httpx.Response(200, json={"login": "kim"}, headers=headers))

        report = await scripted.can.account.fetch_account()

        assert (report.identity, report.scopes, report.missing_scopes) == ("kim", scopes, missing)

    async def test_when_the_server_is_an_enterprise_then_its_base_is_kept(self):
        scripted = Scripted(
            lambda request: httpx.Response(200, json={"login": "kim"}), base_url="https://ghe.example/api/v3/"
        )

        await scripted.can.account.fetch_account()

        assert str(scripted.asked[0].url) == "https://ghe.example/api/v3/user"

    async def test_when_the_server_is_an_enterprise_then_its_pages_are_followed(self):
        def handle(request: httpx.Request) -> httpx.Response:
            page = request.url.params.get("page", "1")
            link = '<https://ghe.example/api/v3/repositories/1/commits/c1/status?page=2>; rel="next"'
            told = {"statuses": [{"context": f"ci {page}", "state": "success"}], "check_runs": []}
            is_first = page == "1" and request.url.path.endswith("/status")
            return httpx.Response(200, json=told, headers={"link": link} if is_first else {})

        verdict = await Scripted(handle, base_url="https://ghe.example/api/v3").can.checks.fetch_verdict("c1")

        assert set(verdict.evidence) == {"ci 1", "ci 2"}

    async def test_when_the_repository_was_renamed_then_it_is_followed(self):
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.path.startswith("/repos/"):
                return httpx.Response(301, headers={"location": "https://api.github.com/repositories/1/commits/v1"})
            assert request.headers["authorization"]
            return httpx.Response(200, json={"sha": "c1", "commit": {"message": "m"}})

        assert (await Scripted(handle).can.releases.fetch_release("v1")).commit == "c1"


@pytest.mark.skipif(not RECORDING.exists(), reason="the shared folder with recorded traffic is absent")
class TestGivenWhatGitHubOnceAnswered:
    def exchanges(self) -> list[dict]:
        return [json.loads(line) for line in RECORDING.read_text().splitlines()]

    def headers(self, exchange: dict) -> dict[str, str]:
        raw = exchange["rawHeaders"]
        return {name.lower(): value for name, value in zip(raw[::2], raw[1::2], strict=True)}

    def test_when_a_list_has_pages_then_the_next_one_is_found(self):
        pages = [one for one in self.exchanges() if "per_page=3" in one["path"]]
        found = [next_page(self.headers(one).get("link", "")) for one in pages]

        assert [page.rpartition("page=")[2] for page in found] == ["3", "4", "5", ""]

    def test_when_statuses_are_listed_then_they_are_read(self):
        listed = next(one for one in self.exchanges() if one["path"].endswith("/statuses") and one["method"] == "get")

        assert [status.state for status in parse_status_list(listed["response"])]

    def test_when_a_file_is_answered_then_its_text_is_read(self):
        told = next(one for one in self.exchanges() if one["method"] == "get" and "/contents/README" in one["path"])

        body = told["response"]
        assert parse_content(body if isinstance(body, dict) else {"content": base64.b64encode(b"# x").decode()})

    def test_when_it_refuses_then_its_words_name_the_field(self):
        refusal = next(one for one in self.exchanges() if one["status"] == 422)

        assert "already_exists" in read_message(refusal["response"], "")
