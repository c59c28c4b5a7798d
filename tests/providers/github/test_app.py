"""A GitHub App: one token for an hour, asked for with an assertion, and check runs that only Apps may write."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import ValidationError

from console.domain.errors import Unauthorized
from console.playground.scene import REPOSITORY
from providers.contract import OperationStatus
from providers.github.adapter import open_connection
from providers.github.check_runs import SetCheck
from providers.github.settings import GitHubSettings
from providers.github.statuses import ShowChecks
from tests.providers import official
from tests.providers.github.conftest import Hand
from tests.providers.subjects.github import COMMIT

keys = pytest.importorskip("tests.providers.github.keys", reason="the package cryptography is absent")
KEY = keys.make_key()
PEM, PUBLIC = keys.private_pem(KEY), keys.public_pem(KEY)


@pytest.fixture
def app(github):
    github.emulator.installation.public_key = PUBLIC

    def open_it(private_key: str = PEM, **settings: str) -> Hand:
        checked = GitHubSettings(
            base_url="http://github", app="Iv23liPlay", private_key=private_key, repository=REPOSITORY, **settings
        )
        return Hand(
            open_connection("github", checked, clock=github.now, sleep=github.clock.advance, transport=github.faults),
            github,
        )

    yield open_it
    assert official.strangers("github-rest-trimmed.json", github.faults.sent) == []


class TestGivenAnApp:
    async def test_when_many_ask_together_then_one_token_serves_all(self, github, app):
        hand = app()

        await asyncio.gather(*(hand.ask("checks", ShowChecks(COMMIT)) for _ in range(5)))

        assert github.emulator.installation.issued == 1

    async def test_when_its_token_is_about_to_end_then_another_is_asked_for(self, github, app):
        hand = app(installation="5501")
        await hand.ask("checks", ShowChecks(COMMIT))
        await github.clock.advance(3500)

        await hand.ask("checks", ShowChecks(COMMIT))

        assert github.emulator.installation.issued == 2

    async def test_when_its_token_was_revoked_then_the_next_call_gets_another(self, github, app):
        hand = app()
        await hand.ask("checks", ShowChecks(COMMIT))
        github.emulator._door.installed.clear()

        with pytest.raises(Unauthorized):
            await hand.ask("checks", ShowChecks(COMMIT))
        await hand.ask("checks", ShowChecks(COMMIT))

    async def test_when_doctor_asks_then_the_app_and_what_it_lacks_are_named(self, github, app):
        github.emulator.installation.permissions = {"deployments": "read", "contents": "write", "statuses": "read"}

        report = await app().connection.capabilities.account.fetch_account()

        assert report.identity == "quarterdeck-play[bot]"
        assert report.scopes == ("contents:write", "deployments:read", "statuses:read")
        assert report.missing_scopes == ("deployments:write", "checks:read")
        assert "core" in report.limits

    async def test_when_the_clocks_differ_then_the_assertion_still_holds(self, github, app):
        behind = github.now
        github.now = lambda: behind() + timedelta(seconds=50)

        assert (await app().ask("checks", ShowChecks(COMMIT))).evidence

    @pytest.mark.parametrize("key", ["no key", PEM[:-60]], ids=["none", "cut short"])
    async def test_when_its_key_is_damaged_then_that_is_said_without_showing_it(self, app, key):
        with pytest.raises(Unauthorized, match="private key cannot be read") as problem:
            await app(private_key=key).ask("checks", ShowChecks(COMMIT))

        assert key not in str(problem.value)
        assert "[providers.github] private_key" in problem.value.where

    async def test_when_it_is_another_apps_key_then_github_says_so(self, app):
        with pytest.raises(Unauthorized, match="could not be decoded"):
            await app(private_key=keys.private_pem(keys.make_key())).ask("checks", ShowChecks(COMMIT))

    async def test_when_the_key_comes_from_an_environment_then_its_line_ends_are_restored(self, app):
        assert (await app(private_key=PEM.replace("\n", "\\n")).ask("checks", ShowChecks(COMMIT))).evidence

    async def test_when_it_is_shown_then_its_key_is_not(self, app):
        assert PEM.splitlines()[1] not in repr(app().connection)


class TestGivenACheckRun:
    async def test_when_it_goes_on_then_one_run_is_edited(self, github, app):
        hand = app()
        await hand.act("set-check", SetCheck(COMMIT, "deploy", "in_progress", title="1 of 3"))
        done = await hand.act("set-check", SetCheck(COMMIT, "deploy", conclusion="success", title="3 of 3"))

        verdict = await hand.ask("checks", ShowChecks(COMMIT))

        assert done.status is OperationStatus.SUCCEEDED
        assert verdict.evidence["deploy"] == "success"
        assert github.emulator.kinds == {"check_run": 1, "check_run_edit": 1}

    async def test_when_its_commit_is_unknown_then_it_is_lost(self, app):
        hand = app()
        told = '{"commit":"ffffffff","name":"deploy","conclusion":"success"}'

        assert (await hand.observe("set-check", told)).status is OperationStatus.LOST

    async def test_when_a_person_writes_one_then_github_refuses(self, github):
        connection = github.open()

        with pytest.raises(Unauthorized, match="authenticate via a GitHub App"):
            await connection.http.send("POST", f"/repos/{REPOSITORY}/check-runs", json={"name": "x"})
        await connection.close()


class TestGivenSettings:
    @pytest.mark.parametrize(
        "ways", [{}, {"token": "t", "app": "a", "private_key": "k"}, {"app": "a"}, {"private_key": "k"}]
    )
    def test_when_there_is_not_one_way_in_then_they_are_refused(self, ways):
        with pytest.raises(ValidationError, match=r"either a token|both app and private_key"):
            GitHubSettings(repository="o/r", **ways)
