"""What Render says without being changed, and its variables."""

from datetime import timedelta

import pytest

from console.domain.errors import Rejected
from providers.contract import OperationKey, SetVariables
from providers.opened import Opened
from providers.render.adapter import open_connection
from providers.render.settings import RenderSettings
from tests.providers.subjects.render import BLUE, GREEN, SECRET, RenderSubject, release

WORKER = "srv-d4work0k7v1c9m2e5fg0"
SEARCH = "srv-d4find0k7v1c9m2e5fg0"
"""Made of an image, so it has no commit."""


def key(render: RenderSubject, text: str = "k1") -> OperationKey:
    return OperationKey(text, render.now())


class TestGivenAServiceThatSpeaks:
    async def test_when_more_was_said_than_a_page_holds_then_all_of_it_comes_oldest_first(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        since = render.now()
        for number in range(250):
            render.hosting.says("backend-blue", f"line {number}")
            await render.clock.advance(0.01)

        lines = await connection.capabilities.logs.fetch_logs(BLUE, since, render.now(), limit=1000)

        assert [line.text for line in lines if line.text.startswith("line")] == [f"line {n}" for n in range(250)]
        assert [line.number for line in lines] == sorted({line.number for line in lines})

    async def test_when_one_follows_then_each_line_comes_once_also_after_trouble(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        heard: list[str] = []
        render.hosting.says("backend-blue", "one")
        following = connection.capabilities.logs.follow_logs(BLUE, render.now() - timedelta(seconds=1))
        async for line in following:
            heard.append(line.text)
            if line.text == "one":
                render.hosting.says("backend-blue", "two")
            elif line.text == "two":
                render.faults.answer(503, {"message": "busy"}, times=7)
                render.hosting.says("backend-blue", "three")
            elif line.text == "three":
                break
        await following.aclose()

        assert [text for text in heard if text in ("one", "two", "three")] == ["one", "two", "three"]

    async def test_when_figures_are_asked_for_then_missing_ones_are_left_out(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        await connection.capabilities.metrics.fetch_metrics(BLUE)
        await render.clock.advance(61)

        figures = {one.name: one.value for one in await connection.capabilities.metrics.fetch_metrics(BLUE)}

        assert figures.items() >= {"cpu": 0.25, "memory": 64_000_000.0, "instances": 1.0}.items()
        assert "latency_p95" not in figures or figures["latency_p95"] > 0


class TestGivenVariables:
    async def test_when_some_change_then_the_others_are_left_alone(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        can = connection.capabilities
        await can.set_variables.start(SetVariables(BLUE, {"KEEP": "1", "DROP": "2"}), key(render))

        await can.set_variables.start(SetVariables(BLUE, {"DROP": None, "ADD": "3"}), key(render, "k2"))

        assert await can.variables.fetch_variables(BLUE) == {"KEEP": "1", "ADD": "3"}
        assert not any(r.method == "PUT" and r.url.path.endswith("/env-vars") for r in render.faults.sent)

    async def test_when_a_value_is_echoed_in_a_refusal_then_it_is_not_shown(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        render.faults.answer(400, {"message": "bad value correct-horse-battery"})

        with pytest.raises(Rejected) as raised:
            await connection.capabilities.set_variables.start(
                SetVariables(BLUE, {"WORD": "correct-horse-battery"}), key(render)
            )

        assert "correct-horse" not in str(raised.value)


class TestGivenAnAccount:
    async def test_when_the_workspace_is_not_the_tokens_then_that_is_named_as_missing(
        self, render: RenderSubject
    ) -> None:
        settings = RenderSettings(base_url="http://render/v1", token=SECRET, owner="tea-other")
        connection = open_connection("render", settings, clock=render.now, transport=render.faults)

        report = await connection.capabilities.account.fetch_account()
        await connection.close()

        assert (report.identity, report.missing_scopes) == ("Quinn Deckhand <ops@harbour.example>", ("tea-other",))
        assert "of 40000 left" in report.limits["reading"]

    async def test_when_services_are_listed_then_each_tells_what_is_live(self, connection: Opened) -> None:
        targets = {target.id: target for target in await connection.capabilities.inventory.fetch_targets()}

        assert {BLUE, GREEN, WORKER} <= set(targets)
        assert (targets[BLUE].url, targets[GREEN].suspended) == ("http://127.0.0.1/backend-blue", True)
        assert {name for name, target in targets.items() if target.live != release("v1.0").commit} == {SEARCH}
