"""What GitHub demands: environments, protection, reviews; and how two releases differ."""

import httpx
import pytest

from console.domain.errors import Rejected
from providers.contract import Nothing
from providers.github.comparing import Compare
from providers.github.deployments import ListDeployments, ShowDeployment
from providers.github.environments import SetEnvironment, ShowEnvironment
from providers.github.protection import ShowProtection
from providers.github.reviews import ListPulls, Review, ShowReviews, count_opinions
from tests.providers.subjects.github import COMMIT


class TestGivenAnEnvironment:
    async def test_when_one_rule_is_set_then_the_others_stay(self, hand):
        await hand.act("set-environment", SetEnvironment("production", wait_timer=5, reviewers=("user:12", "team:3")))
        await hand.act("set-environment", SetEnvironment("production", branches="protected"))
        await hand.act("set-environment", SetEnvironment("production", prevent_self_review=True))

        shown = await hand.ask("environment", ShowEnvironment("production"))

        assert (shown.wait_timer, shown.branches, shown.prevent_self_review) == (5, "protected", True)
        assert [one.id for one in shown.reviewers] == ["team:3", "user:12"]

    async def test_when_reviewers_are_taken_away_then_none_are_left(self, hand):
        await hand.act("set-environment", SetEnvironment("production", reviewers=("user:12",)))
        await hand.act("set-environment", SetEnvironment("production", reviewers=()))

        assert (await hand.ask("environment", ShowEnvironment("production"))).reviewers == ()

    async def test_when_there_is_none_then_it_is_made(self, hand):
        operation = await hand.act("set-environment", SetEnvironment("review/42", wait_timer=1))

        assert operation.detail == "review/42: wait 1 min"
        assert "review/42" in [one.name for one in await hand.ask("environments", Nothing())]

    async def test_when_a_rule_is_no_rule_then_github_says_so(self, hand):
        with pytest.raises(Rejected, match="Reviewers are not valid"):
            await hand.act("set-environment", SetEnvironment("production", reviewers=("kim",)))


class TestGivenDeployments:
    async def test_when_they_are_listed_then_each_has_its_newest_state(self, hand, github):
        older = github.emulator.deployments.all[0]
        newer = github.emulator.deployments.add(COMMIT, "production")
        github.emulator.deployments._append(newer, "in_progress", {"description": "begun"})
        github.emulator.deployments._append(newer, "success", {"description": "done"})

        listed = await hand.ask("deployments", ListDeployments("production"))
        shown = await hand.ask("deployment", ShowDeployment(newer.id))

        assert [(one.id, one.state) for one in listed] == [(str(newer.id), "success"), (str(older.id), "pending")]
        assert [status.description for status in shown.statuses] == ["done", "begun"]


class TestGivenProtection:
    async def test_when_rules_and_the_branch_demand_then_both_count(self, hand):
        shown = await hand.ask("protection", ShowProtection("main"))

        assert (shown.complete, shown.required_checks, shown.required_approvals) == (True, ("lint", "test"), 2)
        assert {one.source for one in shown.requirements} == {
            "branch protection",
            "ruleset 4401 of quarterdeck-demo/shop",
        }

    async def test_when_the_branch_has_none_of_its_own_then_that_is_known(self, hand, github):
        github.emulator.review.by_branch = None

        shown = await hand.ask("protection", ShowProtection("main"))

        assert (shown.complete, shown.required_checks) == (True, ("lint",))

    async def test_when_the_token_may_not_see_them_then_that_is_not_called_none(self, hand, github):
        github.emulator.review.is_admin = False

        assert (await hand.ask("protection", ShowProtection("main"))).complete is False

    async def test_when_github_forbids_it_then_that_is_not_called_none(self, scripted):
        def handle(request: httpx.Request) -> httpx.Response:
            if "protection" in request.url.path:
                return httpx.Response(403, json={"message": "Resource not accessible by personal access token"})
            return httpx.Response(200, json=[{"type": "frobnicate"}])

        shown = await scripted(handle).ask("protection", ShowProtection("main"))

        assert (shown.complete, [one.kind for one in shown.requirements]) == (False, ["frobnicate"])


class TestGivenReviews:
    def say(self, *words: str) -> list[Review]:
        return [Review(who, state, "c1", None, "") for who, state in (word.split(":") for word in words)]

    def test_when_somebody_changed_their_mind_then_the_latest_counts(self):
        counted = count_opinions(4, self.say("kim:CHANGES_REQUESTED", "kim:APPROVED", "lou:APPROVED"))

        assert (counted.approvals, counted.changes_requested_by) == (2, ())

    def test_when_an_approval_is_commented_on_then_it_stands(self):
        assert count_opinions(4, self.say("kim:APPROVED", "kim:COMMENTED", "kim:PENDING")).approvals == 1

    def test_when_a_review_is_dismissed_then_it_counts_for_nothing(self):
        counted = count_opinions(4, self.say("kim:DISMISSED", "lou:CHANGES_REQUESTED", "max:FROBNICATED"))

        assert (counted.approvals, counted.changes_requested_by) == (0, ("lou",))
        assert counted.opinions["max"] == "FROBNICATED"

    async def test_when_a_commit_is_asked_about_then_its_pull_request_leads_to_them(self, hand):
        (pull,) = await hand.ask("pulls", ListPulls(COMMIT))
        shown = await hand.ask("reviews", ShowReviews(pull.number))

        assert (pull.title, shown.opinions) == ("Let customers leave a note", {"kim": "APPROVED"})


class TestGivenTwoReleases:
    async def test_when_one_is_ahead_then_commits_and_files_between_are_told(self, hand):
        ahead = await hand.ask("compare", Compare("v1.0", "v1.2"))
        behind = await hand.ask("compare", Compare("v1.2", "v1.0"))

        assert (ahead.status, ahead.ahead_by, ahead.commits[0].sha) == ("ahead", 2, COMMIT)
        assert any(file.name.endswith("add_order_note.sql") for file in ahead.files)
        assert (behind.status, behind.behind_by, behind.commits) == ("behind", 2, ())
