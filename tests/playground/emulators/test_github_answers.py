"""Everything that the emulated GitHub answers to the adapter is what the official document allows."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from console.playground.scene import REPOSITORY
from providers.contract import OperationKey, Unsupported
from providers.github.adapter import open_connection
from providers.github.check_runs import SetCheck
from providers.github.settings import GitHubSettings
from tests.playground.emulators.test_github import EXCUSES
from tests.playground.emulators.world import Excuse
from tests.providers.subjects import github as module
from tests.providers.subjects.github import GitHubSubject
from tests.support.openapi import CODEC_FREE, SHARED, Document, Violation, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")
OWN = (Excuse("status", "", "404", "facts 4: 404 is what unknown and hidden things get"),)


class Judge(httpx.AsyncBaseTransport):
    """Passes on, and holds every answer against the document."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner
        self._document = Document.load(shared_spec("github-rest-trimmed.json"))
        self.found: list[tuple[Violation, str]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._inner.handle_async_request(request)
        content, media = await answer.aread(), answer.headers.get("content-type")
        body: Any = None if not content else answer.json() if "json" in (media or "") else CODEC_FREE
        if not request.url.path.startswith("/files/"):
            target = request.url.raw_path.decode()
            violations = self._document.check_response(request.method, target, answer.status_code, body, media)
            self.found += [(one, answer.text[:300]) for one in violations]
        return answer

    def unexcused(self) -> list[str]:
        return [
            f"{one}\n    {text}"
            for one, text in self.found
            if not any(excuse.covers(one) for excuse in (*EXCUSES, *OWN))
        ]


@pytest.fixture
async def github() -> AsyncIterator[GitHubSubject]:
    async with module.subject() as one:
        yield one


@pytest.fixture
def judge(github: GitHubSubject) -> Judge:
    github.faults._inner = Judge(github.faults._inner)
    return github.faults._inner


class TestGivenAnApp:
    async def test_when_it_writes_a_check_run_then_the_document_allows_each_answer(
        self, github: GitHubSubject, judge: Judge
    ) -> None:
        keys = pytest.importorskip("tests.providers.github.keys", reason="the package cryptography is absent")
        key = keys.make_key()
        github.emulator.installation.public_key = keys.public_pem(key)
        settings = GitHubSettings(
            base_url="http://github", app="Iv23liPlay", private_key=keys.private_pem(key), repository=REPOSITORY
        )
        connection = open_connection("github", settings, clock=github.now, transport=github.faults)
        await connection.capabilities.account.fetch_account()
        actuator = connection.desk.actions["set-check"].actuator
        for conclusion in ("failure", "success"):
            wish = SetCheck(module.COMMIT, "deploy", conclusion=conclusion, summary="Live.")
            await actuator.start(wish, OperationKey(conclusion, github.now()))
        await connection.close()

        assert judge.unexcused() == []


class TestGivenTheDeskOfTheAdapter:
    async def test_when_everything_is_read_then_the_document_allows_each_answer(
        self, github: GitHubSubject, judge: Judge
    ) -> None:
        connection = github.open()
        for name, reading in connection.desk.readings.items():
            if not isinstance(reading, Unsupported):
                await reading.fetch(module.ASKS[name])
        await connection.close()

        assert judge.unexcused() == []

    @pytest.mark.parametrize("name", module.ACTIONS)
    async def test_when_something_is_changed_then_the_document_allows_each_answer(
        self, github: GitHubSubject, judge: Judge, name: str
    ) -> None:
        wish = await github.wish(f"do:{name}")
        connection = github.open()
        actuator = connection.desk.actions[name].actuator
        began = await actuator.start(wish.request, OperationKey("wish-1", github.now()))
        await github.finish()
        await actuator.observe(began.reference)
        for reading, sample in module.ASKS.items():
            await connection.desk.readings[reading].fetch(sample)
        await connection.close()

        assert judge.unexcused() == []
