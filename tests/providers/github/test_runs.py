"""Workflow runs: begun once, done again, stopped, let in; their logs and artifacts."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from console.domain.errors import Rejected, Unauthorized, UnexpectedReply
from providers.contract import Nothing, OperationKey, OperationStatus
from providers.github.dispatching import Dispatch, SetWorkflow
from providers.github.environments import SetEnvironment
from providers.github.logs import ReadArtifact, ReadJobLog, ReadRunLogs, unpack
from providers.github.run_control import CancelRun, Rerun, ReviewDeployment
from providers.github.runs import ListRuns, ShowRun, judge_run, parse_run
from tests.providers.subjects.github import COMMIT, RUN

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


class TestGivenADispatch:
    async def test_when_github_tells_the_run_then_it_is_the_operation(self, hand, github):
        began = await hand.act("dispatch", Dispatch("deploy.yml", "v1.1", {"release": "v1.1"}))
        await github.finish()

        shown = await hand.ask("run", ShowRun(int(began.reference)))

        assert (shown.event, shown.branch, shown.commit) == ("workflow_dispatch", "v1.1", COMMIT)
        assert (await hand.observe("dispatch", began.reference)).status is OperationStatus.SUCCEEDED

    async def test_when_another_is_wished_for_later_then_it_is_another_run(self, hand, github):
        first = await hand.act("dispatch", Dispatch("deploy.yml"))
        await github.clock.advance(10)
        second = await hand.act("dispatch", Dispatch("deploy.yml"))

        assert first.reference != second.reference

    async def test_when_an_input_is_unknown_then_github_says_which(self, hand):
        with pytest.raises(Rejected, match="moon"):
            await hand.act("dispatch", Dispatch("deploy.yml", inputs={"moon": "full"}))

    async def test_when_the_run_cannot_be_told_then_it_is_searched_for(self, scripted):
        listed: list[dict] = []
        mine = {"id": 7, "head_branch": "main", "created_at": NOW.isoformat(), "status": "queued", "name": "Deploy"}

        def handle(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                earlier = {**mine, "id": 5, "created_at": (NOW - timedelta(minutes=1)).isoformat()}
                other = {**mine, "id": 6, "head_branch": "work"}
                listed[:] = [{**mine, "id": 8}, mine, other, earlier]
                return httpx.Response(204)
            return httpx.Response(200, json={"workflow_runs": listed})

        actuator = scripted(handle).connection.desk.actions["dispatch"].actuator
        operation = await actuator.start(Dispatch("deploy.yml"), OperationKey("k", NOW))

        assert (operation.reference, operation.status) == ("7", OperationStatus.RUNNING)

    async def test_when_it_never_shows_itself_then_it_is_lost_in_the_end(self, scripted):
        def handle(request: httpx.Request) -> httpx.Response:
            return httpx.Response(204) if request.method == "POST" else httpx.Response(200, json={"workflow_runs": []})

        hand = scripted(handle)
        actuator = hand.connection.desk.actions["dispatch"].actuator
        recent = await actuator.start(Dispatch("deploy.yml"), OperationKey("k", datetime.now(UTC)))
        old = await actuator.start(Dispatch("deploy.yml"), OperationKey("k", NOW - timedelta(days=365)))

        seen = [(await actuator.observe(one.reference)).status for one in (recent, old)]
        assert seen == [OperationStatus.RUNNING, OperationStatus.LOST]

    async def test_when_the_server_is_too_old_to_tell_then_it_is_asked_without(self, scripted):
        bodies = []

        def handle(request: httpx.Request) -> httpx.Response:
            if request.method == "GET":
                run = {"id": 7, "head_branch": "main", "created_at": NOW.isoformat(), "status": "queued"}
                return httpx.Response(200, json={"workflow_runs": [run] if len(bodies) > 1 else []})
            bodies.append(request.content)
            if b"return_run_details" in request.content:
                return httpx.Response(422, json={"message": '"return_run_details" is not a permitted key.'})
            return httpx.Response(204)

        actuator = scripted(handle).connection.desk.actions["dispatch"].actuator
        operation = await actuator.start(Dispatch("deploy.yml"), OperationKey("k", NOW))

        assert (operation.reference, len(bodies)) == ("7", 2)


class TestGivenARunThatWaits:
    @pytest.fixture
    async def waiting(self, hand) -> int:
        await hand.act("set-environment", SetEnvironment("production", reviewers=("user:12",)))
        began = await hand.act("dispatch", Dispatch("deploy.yml", inputs={"environment": "production"}))
        return int(began.reference)

    async def test_when_it_is_let_in_then_it_goes_on(self, hand, github, waiting):
        asked = await hand.ask("approvals", ShowRun(waiting))
        await hand.act("review-deployment", ReviewDeployment(waiting, "production", comment="good"))
        await github.finish()

        assert [(one.environment, one.by_us) for one in asked] == [("production", True)]
        assert (await hand.ask("run", ShowRun(waiting))).conclusion == "success"
        assert await hand.ask("approvals", ShowRun(waiting)) == []

    async def test_when_it_is_sent_away_then_it_fails(self, hand, waiting):
        await hand.act("review-deployment", ReviewDeployment(waiting, "production", approve=False))

        assert (await hand.ask("run", ShowRun(waiting))).conclusion == "failure"

    async def test_when_it_waits_for_something_else_then_that_is_said(self, hand, waiting):
        with pytest.raises(Rejected, match="does not wait for staging") as problem:
            await hand.act("review-deployment", ReviewDeployment(waiting, "staging"))

        assert "it waits for production" in problem.value.where


class TestGivenARun:
    async def test_when_it_is_cancelled_then_it_ends_so(self, hand, github):
        began = await hand.act("dispatch", Dispatch("deploy.yml"))
        stopping = await hand.act("cancel-run", CancelRun(int(began.reference)))
        await github.finish()

        assert stopping.status is OperationStatus.RUNNING
        assert (await hand.observe("cancel-run", stopping.reference)).status is OperationStatus.SUCCEEDED
        assert (await hand.observe("dispatch", began.reference)).status is OperationStatus.CANCELLED

    async def test_when_it_has_ended_then_cancelling_changes_nothing(self, hand, github):
        operation = await hand.act("cancel-run", CancelRun(RUN))

        assert (operation.status, github.emulator.changes) == (OperationStatus.SUCCEEDED, 0)

    async def test_when_it_is_done_again_then_the_attempt_is_the_operation(self, hand, github):
        began = await hand.act("rerun", Rerun(RUN))
        await github.finish()

        assert began.reference == f"{RUN}/2"
        assert (await hand.observe("rerun", began.reference)).status is OperationStatus.SUCCEEDED
        assert (await hand.ask("run", ShowRun(RUN))).attempt == 2

    async def test_when_it_still_runs_then_it_cannot_be_done_again(self, hand):
        began = await hand.act("dispatch", Dispatch("deploy.yml"))

        with pytest.raises(Unauthorized, match="already running"):
            await hand.act("rerun", Rerun(int(began.reference)))

    @pytest.mark.parametrize(
        ("status", "conclusion", "expected"),
        [
            ("completed", "success", OperationStatus.SUCCEEDED),
            ("completed", "startup_failure", OperationStatus.FAILED),
            ("completed", "cancelled", OperationStatus.CANCELLED),
            ("completed", "frobnicated", OperationStatus.RUNNING),
            ("completed", None, OperationStatus.RUNNING),
            ("frobnicating", None, OperationStatus.RUNNING),
            (None, None, OperationStatus.RUNNING),
        ],
    )
    def test_when_github_has_a_word_for_it_then_that_is_kept(self, status, conclusion, expected):
        run = parse_run({"id": 1, "name": "CI", "status": status, "conclusion": conclusion})
        operation = judge_run(run, "1")

        assert operation.status is expected
        assert operation.detail == f"CI: {conclusion or status or ''}"

    async def test_when_runs_are_filtered_then_only_those_come(self, hand):
        assert [run.commit for run in await hand.ask("runs", ListRuns(commit=COMMIT))] == [COMMIT]
        assert await hand.ask("runs", ListRuns(event="workflow_dispatch")) == []


class TestGivenAWorkflow:
    async def test_when_it_is_disabled_then_nothing_begins_it_until_it_is_enabled(self, hand):
        await hand.act("set-workflow", SetWorkflow("deploy.yml", enabled=False))
        with pytest.raises(Rejected, match="disabled workflow"):
            await hand.act("dispatch", Dispatch("deploy.yml"))

        await hand.act("set-workflow", SetWorkflow("deploy.yml", enabled=True))

        assert {one.state for one in await hand.ask("workflows", Nothing())} == {"active"}


class TestGivenLogs:
    async def test_when_a_job_has_ended_then_its_last_lines_are_shown(self, hand):
        lines = await hand.ask("job-log", ReadJobLog(RUN * 10, tail=2))

        assert [line.partition("Z ")[2] for line in lines] == ["token is ***", "Cleaning up orphan processes"]

    async def test_when_it_still_runs_then_there_is_none(self, hand):
        began = await hand.act("dispatch", Dispatch("deploy.yml"))

        with pytest.raises(Rejected, match="Not Found"):
            await hand.ask("job-log", ReadJobLog(int(began.reference) * 10))

    async def test_when_those_of_a_run_are_read_then_each_job_comes_once(self, hand):
        told = await hand.ask("run-logs", ReadRunLogs(RUN, tail=1))

        assert {name: len(lines) for name, lines in told.items()} == {"build": 1, "deploy": 1}

    async def test_when_they_are_handed_over_then_the_store_gets_no_token(self, hand, github):
        await hand.ask("run-logs", ReadRunLogs(RUN))

        assert [("authorization" in one.headers, one.url.path.split("/")[1]) for one in github.faults.sent] == [
            (True, "repos"),
            (False, "files"),
        ]


class TestGivenAnArtifact:
    async def test_when_it_is_looked_into_then_its_files_are_named(self, hand):
        (artifact,) = await hand.ask("artifacts", ShowRun(RUN))
        contents = await hand.ask("artifact", ReadArtifact(int(artifact.id)))

        assert (artifact.name, artifact.expired) == ("build-report", False)
        assert (set(contents.files), contents.text) == ({"report.txt", "out/sizes.json"}, "")

    async def test_when_a_file_is_named_then_its_text_comes(self, hand):
        assert "passed" in (await hand.ask("artifact", ReadArtifact(RUN * 10 + 9, "report.txt"))).text
        with pytest.raises(Rejected, match="no file 'moon'"):
            await hand.ask("artifact", ReadArtifact(RUN * 10 + 9, "moon"))

    async def test_when_it_has_expired_then_github_says_so(self, hand, github):
        await github.clock.advance(100 * 86_400)

        (artifact,) = await hand.ask("artifacts", ShowRun(RUN))
        assert artifact.expired
        with pytest.raises(Rejected, match="has expired"):
            await hand.ask("artifact", ReadArtifact(RUN * 10 + 9))

    def test_when_it_would_fill_the_memory_then_it_is_not_unpacked(self):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", b"\0" * (65 * 1024 * 1024))

        with pytest.raises(ValueError, match="more than 64 MiB"):
            unpack(packed.getvalue())

    async def test_when_it_is_no_archive_then_that_is_unexpected(self, scripted):
        def handle(request: httpx.Request) -> httpx.Response:
            if request.url.host == "api.github.com":
                return httpx.Response(302, headers={"location": "https://files.example/a"})
            return httpx.Response(200, content=b"no zip", headers={"content-type": "application/zip"})

        with pytest.raises(UnexpectedReply, match="no archive"):
            await scripted(handle).ask("artifact", ReadArtifact(1))
