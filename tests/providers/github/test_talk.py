"""What is told at GitHub: one issue a deployment, statuses of commits; and what its scanners tell us."""

import httpx
import pytest

from console.domain.codec import to_json
from console.domain.errors import Rejected, Unauthorized, Unreachable
from console.domain.verdict import VerdictKind
from console.playground.emulators.github_alerts import LITERAL
from providers.contract import OperationKey
from providers.github.alerts import ListAlerts
from providers.github.statuses import SetStatus, ShowChecks
from providers.github.tracking import ShowTracking, Track
from tests.providers.subjects.github import COMMIT


def track(progress: str, **more: object) -> Track:
    return Track("7f2", "Deploy v1.1 to production", progress, **more)


class TestGivenADeploymentThatIsTracked:
    async def test_when_it_goes_on_then_one_comment_is_edited(self, hand, github):
        first = await hand.act("track", track("1 of 3", about="By kim."))
        await github.clock.advance(600)
        await hand.act("track", track("2 of 3"))
        last = await hand.act("track", track("3 of 3", closed=True))

        issue = next(one for one in github.emulator.talk.issues if one.title == "Deploy v1.1 to production")
        shown = await hand.ask("tracking", ShowTracking("7f2"))
        assert last.reference == first.reference
        assert (len(issue.comments), issue.state, issue.body.splitlines()[0]) == (1, "closed", "By kim.")
        assert (shown.number, shown.state, shown.progress) == (issue.number, "closed", "3 of 3")

    async def test_when_another_is_tracked_then_it_has_an_issue_of_its_own(self, hand):
        first = await hand.act("track", track("1 of 3"))
        other = await hand.act("track", Track("7f3", "Deploy v1.2", "1 of 3"))

        assert first.outputs["issue"] != other.outputs["issue"]

    async def test_when_it_is_taken_up_again_then_the_issue_is_opened_again(self, hand):
        await hand.act("track", track("done", closed=True))
        await hand.act("track", track("rolling back"))

        assert (await hand.ask("tracking", ShowTracking("7f2"))).state == "open"

    async def test_when_the_reply_to_the_issue_is_lost_then_there_is_still_one(self, hand, github):
        actuator = hand.connection.desk.actions["track"].actuator
        key = OperationKey("k", github.now())
        github.faults.lose_next_reply()

        with pytest.raises(Unreachable):
            await actuator.start(track("1 of 3"), key)
        assert await actuator.find(track("1 of 3"), key) is None
        await actuator.start(track("1 of 3"), key)

        assert github.emulator.kinds == {"issue": 1, "comment": 1}

    async def test_when_labels_are_dropped_then_the_issue_is_found_all_the_same(self, hand, github):
        github.emulator.talk.may_label = False

        await hand.act("track", track("1 of 3"))
        await hand.act("track", track("2 of 3"))

        assert github.emulator.kinds == {"issue": 1, "comment": 1, "comment_edit": 1}

    async def test_when_somebody_comments_too_then_theirs_is_left_alone(self, hand, github):
        began = await hand.act("track", track("1 of 3"))
        issue = next(one for one in github.emulator.talk.issues if one.number == began.outputs["issue"])
        theirs = type(issue.comments[0])(1, issue.number, "Looks good", 0.0, 0.0)
        issue.comments.insert(0, theirs)

        await hand.act("track", track("2 of 3"))

        assert theirs.body == "Looks good"

    async def test_when_issues_are_off_then_that_is_said(self, hand, github):
        github.emulator.talk.are_on = False

        with pytest.raises(Rejected, match="Issues has been disabled"):
            await hand.act("track", track("1 of 3"))

    async def test_when_none_is_tracked_then_that_is_said(self, hand):
        with pytest.raises(Rejected, match="no issue for deployment 0aa"):
            await hand.ask("tracking", ShowTracking("0aa"))


class TestGivenACommit:
    async def test_when_its_status_is_told_then_it_counts_among_the_checks(self, hand):
        await hand.act("set-status", SetStatus(COMMIT, "failure", description="x" * 200, url="https://log.example"))

        verdict = await hand.ask("checks", ShowChecks(COMMIT))

        assert (verdict.kind, verdict.evidence["quarterdeck"]) == (VerdictKind.FAIL, "failure")

    async def test_when_the_same_is_told_again_then_nothing_is_sent(self, hand, github):
        for _ in range(2):
            await hand.act("set-status", SetStatus(COMMIT, "success"))

        assert github.emulator.kinds == {"commit_status": 1}

    async def test_when_the_last_word_changes_then_it_is_told(self, hand, github):
        for state in ("success", "failure", "success"):
            await hand.act("set-status", SetStatus(COMMIT, state))

        assert github.emulator.kinds == {"commit_status": 3}

    def test_when_a_person_wants_a_check_run_then_it_is_said_why_not(self, hand):
        refused = hand.connection.desk.actions["set-check"]

        assert "only Apps" in refused.reason
        assert "set-status" in refused.remedy


class TestGivenScanners:
    async def test_when_they_found_something_then_it_is_told_without_the_secret(self, hand, github):
        alerts = github.emulator.alerts
        alerts.dependencies += [("high", "flask"), ("low", "httpx")]
        alerts.code, alerts.secrets = [("critical", "SQL injection")], [("active", "Play key")]

        found = await hand.ask("alerts", ListAlerts(severity="high,critical"))

        assert all(one.known for one in found.values())
        assert [one.summary for one in found["dependabot"].alerts] == ["flask: flask lets strangers in"]
        assert [(one.severity, one.place) for one in found["code-scanning"].alerts] == [("critical", "api/orders.py:7")]
        assert [(one.severity, one.summary) for one in found["secret-scanning"].alerts] == [("active", "Play key")]
        assert LITERAL not in str(to_json(found))
        asked = next(one for one in github.faults.sent if "secret-scanning" in one.url.path)
        assert asked.url.params["hide_secret"] == "true"

    async def test_when_a_server_answers_secrets_all_the_same_then_they_are_not_read(self, scripted):
        def handle(request: httpx.Request) -> httpx.Response:
            alert = {"number": 1, "secret_type": "key", "secret": LITERAL, "validity": "active"}
            return httpx.Response(200, json=[alert] if "secret-scanning" in request.url.path else [])

        found = await scripted(handle).ask("alerts", ListAlerts())

        assert LITERAL not in str(to_json(found))

    @pytest.mark.parametrize("scanner", ["dependabot", "code-scanning", "secret-scanning"])
    async def test_when_one_is_off_then_it_is_unknown_and_not_clean(self, hand, github, scanner):
        github.emulator.alerts.off.add(scanner)

        found = await hand.ask("alerts", ListAlerts())

        assert [name for name, findings in found.items() if not findings.known] == [scanner]
        assert "abled" in found[scanner].reason

    async def test_when_the_token_may_not_see_them_then_that_is_an_error(self, scripted):
        refusal = httpx.Response(
            403,
            json={"message": "Resource not accessible by personal access token"},
            headers={"x-accepted-github-permissions": "vulnerability_alerts=read"},
        )

        with pytest.raises(Unauthorized, match="it takes the permission vulnerability_alerts=read"):
            await scripted(lambda request: refusal).ask("alerts", ListAlerts())
