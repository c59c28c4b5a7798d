"""What `doctor` is told about the platforms."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from console.config.settings import Settings
from console.domain.errors import RateLimited, Unauthorized, Unreachable, UsageError
from console.domain.exchange import Condition, Finding
from console.server.examination import Examiner
from providers.contract import AccountReport
from providers.statuspages import StatusPages
from tests.server.lamps import LampConnection, Lamps

OUTAGE = {
    "status": {"indicator": "major", "description": "Partial System Outage"},
    "incidents": [{"name": "API errors", "status": "investigating"}],
}
GOOD, WARN, BAD = Condition.GOOD, Condition.WARN, Condition.BAD


class Platform:
    """One provider of kind github, whose account says what a test wants."""

    def __init__(self, base_url: str = "", **settings: str) -> None:
        self.lamps = Lamps(account=AccountReport("ann", ("repo",), clock_skew=timedelta(0)))
        block = {
            "kind": "github",
            "repository": "acme/shop",
            **settings,
            **({"base_url": base_url} if base_url else {}),
        }
        self.settings = Settings.model_validate({"providers": {"code": block}})
        self.page: object = {"status": {"indicator": "none", "description": "All Systems Operational"}}
        self.pages_asked = 0
        self.page_host = ""

    async def examine(self, *names: str) -> dict[str, Finding]:
        def answer(request: httpx.Request) -> httpx.Response:
            self.pages_asked += 1
            self.page_host = request.url.host
            return httpx.Response(200, json=self.page)

        pages = StatusPages(transport=httpx.MockTransport(answer))
        connections = {"code": LampConnection(self.lamps, "code", "github")}
        found = await Examiner(self.settings, connections, pages).examine(names)
        await pages.close()
        return {finding.topic: finding for finding in found}


@pytest.fixture
def platform() -> Platform:
    return Platform()


class TestGivenAPlatformThatAnswers:
    async def test_when_all_is_well_then_every_line_is_good(self, platform):
        platform.lamps.account = AccountReport(
            "ann", ("repo", "workflow"), (), {"read": "4990 of 5000 left, anew in 60 s"}, timedelta(seconds=-0.4)
        )

        found = await platform.examine()

        assert {finding.condition for finding in found.values()} == {GOOD}
        assert found["token"].what == "works, as ann"
        assert found["scopes"].what == "repo, workflow"
        assert found["limit read"].what == "4990 of 5000 left, anew in 60 s"
        assert found["clock"].what == "agrees with the platform's"
        assert found["status page"].what == "www.githubstatus.com: All Systems Operational"
        assert found["capabilities"].figures["offered"] == ["account"]

    async def test_when_a_scope_is_missing_then_it_is_named_with_what_is_lost(self, platform):
        platform.lamps.account = AccountReport("ann", ("gist",), ("repo_deployment",))

        scopes = (await platform.examine())["scopes"]

        assert (scopes.condition, scopes.what) == (BAD, "the token lacks repo_deployment")
        assert "announcing deployments (repo_deployment)" in scopes.remedy
        assert scopes.figures == {"scopes": ["gist"], "missing": ["repo_deployment"]}

    @pytest.mark.parametrize(
        ("skew", "condition", "words"),
        [
            (timedelta(seconds=8), WARN, "ours is 8.0 s behind the platform's"),
            (timedelta(seconds=-90), BAD, "ours is 90.0 s ahead of the platform's"),
        ],
    )
    async def test_when_the_clocks_differ_then_it_is_told_which_is_behind(self, platform, skew, condition, words):
        platform.lamps.account = AccountReport("ann", clock_skew=skew)

        clock = (await platform.examine())["clock"]

        assert (clock.condition, clock.what) == (condition, words)

    async def test_when_a_limit_is_used_up_then_it_is_pointed_out(self, platform):
        limits = {"search": "0 of 30 left, anew in 20 s", "content": "-2 of 80 left", "core": "10 of 5000 left"}
        platform.lamps.account = AccountReport("ann", limits=limits)

        found = await platform.examine()

        assert [found[f"limit {name}"].condition for name in limits] == [WARN, WARN, GOOD]

    async def test_when_the_configuration_needs_what_it_cannot_then_that_is_bad(self, platform):
        platform.settings = Settings.model_validate(
            {**platform.settings.model_dump(mode="json"), "source": {"provider": "code"}}
        )

        found = await platform.examine()

        assert found["releases"].condition is BAD
        assert found["releases"].what.startswith("not offered, and the configuration needs it")
        assert "migrate" not in found


class TestGivenAPlatformThatDoesNot:
    async def test_when_the_token_does_not_work_then_its_words_are_told(self, platform):
        platform.lamps.account = Unauthorized("code", "GitHub does not let this token do GET /user: Bad credentials")

        found = await platform.examine()

        assert found["token"].condition is BAD
        assert "Bad credentials" in found["token"].what
        assert "capabilities" in found

    async def test_when_it_is_down_and_says_so_then_it_is_not_our_fault(self, platform):
        platform.lamps.account = Unreachable("code", "GitHub failed to answer GET /user.", "HTTP 503")
        platform.page = OUTAGE

        found = await platform.examine()

        assert found["reachable"].condition is BAD
        assert (
            "tells of an incident: www.githubstatus.com: Partial System Outage (API errors" in found["reachable"].remedy
        )
        assert found["status page"].condition is WARN

    async def test_when_it_is_down_and_its_page_is_fine_then_that_is_said(self, platform):
        platform.lamps.account = Unreachable("code", "GitHub cannot be reached.")

        assert "Its status page tells of none." in (await platform.examine())["reachable"].remedy

    async def test_when_it_wants_fewer_requests_then_that_is_no_outage(self, platform):
        platform.lamps.account = RateLimited("code", "fewer, please", retry_after=timedelta(seconds=5))

        assert (await platform.examine())["limits"].condition is WARN


class TestGivenAnAddressOfOnesOwn:
    async def test_then_no_status_page_is_asked(self):
        platform = Platform("http://127.0.0.1:4010")

        found = await platform.examine()

        assert "status page" not in found
        assert platform.pages_asked == 0


class TestGivenNames:
    async def test_when_one_is_unknown_then_the_configured_ones_are_named(self, platform):
        with pytest.raises(UsageError, match="no provider 'cod'"):
            await platform.examine("cod")


class TestGivenAStatusPageInTheConfiguration:
    async def test_when_it_is_another_one_then_that_one_is_asked_also_about_an_address_of_ones_own(self):
        platform = Platform("http://127.0.0.1:4010", status_page="http://status.example.com/")

        found = await platform.examine()

        assert found["status page"].what == "status.example.com: All Systems Operational"
        assert platform.page_host == "status.example.com"

    async def test_when_it_is_empty_then_nobody_is_asked(self):
        platform = Platform(status_page="")

        assert "status page" not in await platform.examine()
        assert platform.pages_asked == 0

    @pytest.mark.parametrize("written", ["status.example.com", "ftp://x", "https://", "https://a b"])
    def test_when_it_is_no_address_then_the_configuration_is_refused(self, written):
        with pytest.raises(ValueError, match="status_page"):
            Platform(status_page=written)
