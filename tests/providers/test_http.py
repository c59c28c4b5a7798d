"""The one HTTP client: limits obeyed, repetition where it is harmless, errors in words without secrets."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from console.domain.errors import RateLimited, Rejected, Unauthorized, UnexpectedReply, Unreachable
from providers.allowances import Allowance
from providers.http import ProviderHttp
from providers.kept import KeptAnswers
from providers.redaction import MASK, excerpt, redact
from providers.wire import ShapeError, need_text

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
TOKEN = "rnd_q8Lx02mPzz71kdQ"


def as_told(body: Any) -> Any:
    return body


class World:
    """A platform of prepared answers, and a clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = NOON
        self.slept: list[float] = []
        self.asked: list[httpx.Request] = []
        self.answers: list[httpx.Response | Exception] = []
        self.respond: Callable[[httpx.Request], Any] = self.handle

    def clock(self) -> datetime:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += timedelta(seconds=seconds)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    def given(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)

    def open(self, **options: Any) -> ProviderHttp:
        return ProviderHttp(
            "render-main",
            "https://api.example/v1",
            platform="Render",
            headers={"authorization": f"Bearer {TOKEN}"},
            clock=self.clock,
            sleep=self.sleep,
            jitter=lambda: 0.5,
            transport=httpx.MockTransport(self.respond),
            **options,
        )


@pytest.fixture
def world() -> World:
    return World()


def good(headers: dict[str, str] | None = None, body: Any = None) -> httpx.Response:
    return httpx.Response(200, headers=headers, json={"ok": True} if body is None else body)


class TestGivenARepeatableRequest:
    @pytest.mark.parametrize("trouble", [httpx.ReadTimeout("slow"), httpx.ConnectError("no"), httpx.Response(503)])
    async def test_when_the_platform_stumbles_then_it_is_asked_again(self, world: World, trouble: Any) -> None:
        world.given(trouble, trouble, good())

        assert await world.open().fetch("/services", as_told) == {"ok": True}

        assert (len(world.asked), world.slept) == (3, [0.25, 0.5])

    async def test_when_an_answer_is_garbled_or_empty_then_it_is_asked_again(self, world: World) -> None:
        page, cut = httpx.Response(200, html="<html>"), httpx.Response(200, text='{"id": "de')
        world.given(page, cut, httpx.Response(200), httpx.Response(200, json={"id": "dep-1"}))

        assert await world.open().fetch("/services", as_told) == {"id": "dep-1"}

    async def test_when_trouble_lasts_then_it_is_raised_after_six_tries(self, world: World) -> None:
        world.given(httpx.Response(502))

        with pytest.raises(Unreachable, match="Render failed to answer GET /v1/services"):
            await world.open().fetch("/services", as_told)

        assert len(world.asked) == 6

    async def test_when_the_platform_names_a_short_wait_then_it_is_kept(self, world: World) -> None:
        world.given(httpx.Response(429, headers={"retry-after": "4"}), good())

        await world.open().fetch("/services", as_told)

        assert world.slept == [4.0]

    async def test_when_the_wait_is_longer_than_the_budget_then_it_is_raised_at_once(self, world: World) -> None:
        world.given(httpx.Response(429, headers={"retry-after": "60"}))

        with pytest.raises(RateLimited) as raised:
            await world.open().fetch("/services", as_told)

        assert (raised.value.retry_after, len(world.asked)) == (timedelta(seconds=60), 1)


class TestGivenAPlatformThatIsSilent:
    """Each attempt is given as much silence as it asks for, on the world's clock."""

    async def ask(self, world: World, method: str, **options: Any) -> list[float]:
        borne: list[float] = []

        def stay_silent(request: httpx.Request) -> httpx.Response:
            borne.append(request.extensions["timeout"]["read"])
            world.now += timedelta(seconds=borne[-1])
            raise httpx.ReadTimeout("slow")

        world.respond = stay_silent
        with pytest.raises(Unreachable):
            await world.open().send(method, "/services", **options)
        return borne

    async def test_when_asked_for_something_then_it_is_asked_again_with_more_patience_each_time(self, world) -> None:
        assert await self.ask(world, "GET") == [3.0, 4.5, 6.75, 10.0]

    async def test_when_it_is_to_change_something_once_then_it_is_waited_for_in_full(self, world) -> None:
        assert await self.ask(world, "POST") == [10.0]


class TestGivenARequestThatMustNotBeDoneTwice:
    async def test_when_the_answer_is_lost_then_it_is_not_sent_again(self, world: World) -> None:
        world.given(httpx.ReadTimeout("slow"))

        with pytest.raises(Unreachable):
            await world.open().send("POST", "/deploys", json={})

        assert len(world.asked) == 1

    @pytest.mark.parametrize(
        "harmless", [httpx.ConnectError("refused"), httpx.Response(429, headers={"retry-after": "1"})]
    )
    async def test_when_it_had_no_effect_then_it_is_sent_again(self, world: World, harmless: Any) -> None:
        world.given(harmless, good())

        await world.open().send("POST", "/deploys", json={})

        assert len(world.asked) == 2


class TestGivenARateLimit:
    @pytest.mark.parametrize("reset", ["7", str(int(NOON.timestamp()) + 7)], ids=["seconds left", "an epoch"])
    async def test_when_nothing_is_left_then_the_next_request_waits_for_the_reset(
        self, world: World, reset: str
    ) -> None:
        world.given(good({"ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": reset}), good())
        http = world.open()
        await http.fetch("/services", as_told)

        await http.fetch("/services", as_told)

        assert world.slept == [7.0]

    async def test_when_answers_are_outstanding_then_an_early_one_does_not_free_their_places(
        self, world: World
    ) -> None:
        counted: list[datetime] = []
        all_left, first, rest = asyncio.Event(), asyncio.Event(), asyncio.Event()

        async def handle(_: httpx.Request) -> httpx.Response:
            counted.append(world.now)
            left = max(0, 6 - len(counted))
            if len(counted) == 5:
                all_left.set()
            if len(counted) > 1:
                await (first if len(counted) == 2 else rest).wait()
            return good({"ratelimit-limit": "6", "ratelimit-remaining": str(left), "ratelimit-reset": "7"})

        world.respond = handle
        http = world.open()
        await http.fetch("/services", as_told)
        early, *late = [asyncio.create_task(http.fetch("/services", as_told)) for _ in range(4)]
        await all_left.wait()
        first.set()
        await early
        late += [asyncio.create_task(http.fetch("/services", as_told)) for _ in range(3)]
        await asyncio.sleep(0)
        rest.set()
        await asyncio.gather(*late)

        assert counted.count(NOON) == 6

    async def test_when_it_opens_too_late_then_nothing_is_sent(self, world: World) -> None:
        world.given(good({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "3494"}))
        http = world.open()
        await http.fetch("/services", as_told)

        with pytest.raises(RateLimited) as raised:
            await http.fetch("/services", as_told)

        assert (raised.value.retry_after.total_seconds(), len(world.asked)) == (3494, 1)

    async def test_when_another_class_is_used_up_then_this_one_goes_on(self, world: World) -> None:
        world.given(good({"ratelimit-remaining": "0", "ratelimit-reset": "50"}), good())
        http = world.open()
        await http.fetch("/services", as_told)

        await http.send("PUT", "/services", json={})

        assert world.slept == []

    async def test_when_the_clock_jumps_back_then_the_wait_does_not_grow(self, world: World) -> None:
        world.given(good({"ratelimit-remaining": "0", "ratelimit-reset": "7"}), good())
        http = world.open()
        await http.fetch("/services", as_told)
        world.now -= timedelta(hours=1)

        await http.fetch("/services", as_told)

        assert world.slept == [7.0]

    async def test_when_the_window_has_ended_then_nobody_waits(self, world: World) -> None:
        world.given(good({"ratelimit-remaining": "0", "ratelimit-reset": "7"}), good())
        http = world.open()
        await http.fetch("/services", as_told)
        world.now += timedelta(seconds=8)

        await http.fetch("/services", as_told)

        assert world.slept == []

    async def test_when_a_refusal_only_looks_like_a_lack_of_rights_then_the_adapter_can_tell(
        self, world: World
    ) -> None:
        world.given(httpx.Response(403, headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "90"}))
        http = world.open(is_limited=lambda response: response.headers.get("x-ratelimit-remaining") == "0")

        with pytest.raises(RateLimited):
            await http.fetch("/repos", as_told)

    async def test_when_the_wait_is_a_date_then_it_is_counted_from_now(self, world: World) -> None:
        until = format_datetime(NOON + timedelta(seconds=90), usegmt=True)
        world.given(httpx.Response(429, headers={"retry-after": until}))

        with pytest.raises(RateLimited) as raised:
            await world.open().fetch("/services", as_told)

        assert raised.value.retry_after == timedelta(seconds=90)


class TestGivenABadAnswer:
    @pytest.mark.parametrize(
        ("status", "error"),
        [(401, Unauthorized), (403, Unauthorized), (404, Rejected), (409, Rejected), (302, UnexpectedReply)],
    )
    async def test_when_its_status_says_no_then_the_error_is_of_that_kind(
        self, world: World, status: int, error: type[Exception]
    ) -> None:
        world.given(httpx.Response(status, json={"message": "another deploy is live"}))

        with pytest.raises(error, match="another deploy is live"):
            await world.open().fetch("/services", as_told)

    async def test_when_it_is_shown_then_it_says_what_where_and_what_to_do(self, world: World) -> None:
        world.given(httpx.Response(401, json={"message": "no"}, headers={"Render-Request-Id": "api-1/x-9"}))

        with pytest.raises(Unauthorized) as raised:
            await world.open().fetch("/services", as_told)

        assert str(raised.value).splitlines() == [
            "Render does not let this token do GET /v1/services: no",
            "HTTP 401 · request api-1/x-9",
            "Check the token of [providers.render-main]; `quarterdeck doctor` shows what it may do.",
        ]

    @pytest.mark.parametrize("body", ['{"id": "dep-1", "sta', "<html>Bad gateway</html>", "\x00\x01", "[" * 20_000])
    async def test_when_it_is_no_json_then_it_is_unexpected(self, world: World, body: str) -> None:
        world.given(httpx.Response(200, content=body))

        with pytest.raises(UnexpectedReply):
            await world.open().fetch("/services", as_told)

    async def test_when_it_is_empty_then_reading_it_is_unexpected(self, world: World) -> None:
        world.given(httpx.Response(202))
        http = world.open()

        assert (await http.send("POST", "/deploys", json={})).json is None
        with pytest.raises(UnexpectedReply, match="an empty answer"):
            await http.fetch("/services", as_told)

    async def test_when_a_needed_field_is_missing_then_the_error_names_it_and_shows_the_answer(
        self, world: World
    ) -> None:
        world.given(good(body={"state": "live"}))

        with pytest.raises(UnexpectedReply, match=r"it has no id.*\"state\""):
            await world.open().fetch("/services", lambda body: need_text(body, "id"))

    async def test_when_the_body_never_ends_then_it_is_given_up(self, world: World) -> None:
        world.given(httpx.Response(200, content=b"[" + b"0," * 17_000_000 + b"0]"))

        with pytest.raises(UnexpectedReply, match="larger than"):
            await world.open().fetch("/services", as_told)

    async def test_when_it_is_unknown_then_fetching_or_none_gives_none(self, world: World) -> None:
        world.given(httpx.Response(404, content="nothing here"))

        assert await world.open().fetch_or_none("/services/srv-1", lambda body: body) is None


class TestGivenClocksThatDiffer:
    async def test_when_an_answer_tells_its_date_then_our_times_are_translated(self, world: World) -> None:
        ahead = NOON + timedelta(minutes=5)
        world.given(good({"date": format_datetime(ahead, usegmt=True)}))
        http = world.open()
        await http.fetch("/services", as_told)

        assert http.platform_time(NOON) == ahead

    async def test_when_dates_lag_then_the_one_that_lags_least_is_believed(self, world: World) -> None:
        lags = [timedelta(seconds=seconds) for seconds in (2, 1, 3)]
        world.given(*(good({"date": format_datetime(NOON - lag, usegmt=True)}) for lag in lags))
        http = world.open()

        for _ in lags:
            await http.fetch("/services", as_told)

        assert http.skew == timedelta(seconds=-1)

    async def test_when_a_clock_was_set_then_the_old_difference_is_forgotten(self, world: World) -> None:
        world.given(good({"date": format_datetime(NOON, usegmt=True)}))
        http = world.open()
        await http.fetch("/services", as_told)
        world.now += timedelta(hours=1)

        await http.fetch("/services", as_told)

        assert http.skew == -timedelta(hours=1)

    async def test_when_an_answer_was_slow_then_its_date_is_not_believed(self, world: World) -> None:
        answer = good({"date": format_datetime(NOON, usegmt=True)})

        class Slow(httpx.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                world.now += timedelta(seconds=8)
                return httpx.Response(200, headers=answer.headers, content=answer.content)

        http = ProviderHttp("p", "https://api.example", clock=world.clock, sleep=world.sleep, transport=Slow())
        await http.fetch("/services", as_told)

        assert http.skew == timedelta(0)


class TestGivenAStream:
    async def test_when_lines_come_then_they_are_given_one_by_one(self, world: World) -> None:
        world.given(httpx.Response(200, content='{"n": 1}\n{"n": 2}\n'))

        async with world.open().stream("GET", "/logs") as lines:
            found = [json.loads(line) async for line in lines]

        assert found == [{"n": 1}, {"n": 2}]

    async def test_when_it_is_refused_then_the_error_is_the_usual_one(self, world: World) -> None:
        world.given(httpx.Response(403, json={"message": "no logs for you"}))

        with pytest.raises(Unauthorized, match="no logs for you"):
            async with world.open().stream("GET", "/logs"):
                pass


class TestGivenSecrets:
    @pytest.mark.parametrize(
        "secret",
        [
            "rnd_q8Lx02mPzz71kdQ",
            "sbp_0123456789abcdef0123456789abcdef01234567",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "github_pat_11ABCDEFG0abcdefghij_klmnopqrstuvwxyz",
            "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJl",
        ],
    )
    def test_when_a_text_holds_one_of_a_known_shape_then_it_is_masked(self, secret: str) -> None:
        for text in (f"token {secret} refused", f'{{"key": "{secret}"}}', f"Authorization: Bearer {secret}"):
            assert secret not in redact(text)
            assert MASK in redact(text)

    def test_when_an_address_holds_a_password_then_only_that_is_masked(self) -> None:
        text = "cannot reach postgresql://shop:hunter2-hunter2@db.example:5432/shop"

        assert redact(text) == f"cannot reach postgresql://shop:{MASK}@db.example:5432/shop"

    def test_when_a_password_field_is_quoted_then_its_value_is_masked(self) -> None:
        assert "sw0rdfish" not in redact('{"db_pass": "sw0rdfish", "jwt_secret":"sw0rdfish"}')

    def test_when_a_value_is_known_then_it_is_masked_whatever_it_looks_like(self) -> None:
        assert redact("the word is blue-harbour-7", ["blue-harbour-7"]) == f"the word is {MASK}"

    def test_when_an_excerpt_is_cut_then_no_half_secret_is_left(self) -> None:
        assert "rnd_q8" not in excerpt("x" * 190 + " rnd_q8Lx02mPzz71kdQ", limit=200)

    def test_when_a_text_is_harmless_then_it_stays(self) -> None:
        text = "Render refused POST /v1/services/srv-d4blue0k7v1c9m2e5fg0/deploys: another deploy is live (dep-91ac)"

        assert redact(text) == text

    async def test_when_a_platform_echoes_the_token_then_the_error_does_not(self, world: World) -> None:
        world.given(httpx.Response(400, json={"message": f"bad header Bearer {TOKEN}"}))

        with pytest.raises(Rejected) as raised:
            await world.open().fetch("/services", as_told)

        assert TOKEN not in str(raised.value)

    async def test_when_a_parser_raises_then_the_shown_answer_is_masked(self, world: World) -> None:
        world.given(good(body={"token": TOKEN}))

        def refuse(body: Any) -> Any:
            raise ShapeError("it is odd")

        with pytest.raises(UnexpectedReply) as raised:
            await world.open().fetch("/x", refuse)

        assert TOKEN not in str(raised.value)


def tagged(body: Any, etag: str = '"v1"') -> httpx.Response:
    return httpx.Response(200, headers={"etag": etag}, json=body)


class TestGivenAnswersThatAreKept:
    async def test_when_nothing_changed_then_the_answer_comes_from_memory(self, world: World) -> None:
        world.given(tagged({"n": 1}), httpx.Response(304))
        http = world.open(keeps_answers=True)

        assert await http.fetch("/services", as_told) == await http.fetch("/services", as_told) == {"n": 1}

        assert [request.headers.get("if-none-match") for request in world.asked] == [None, '"v1"']

    async def test_when_it_changed_then_the_new_one_is_kept(self, world: World) -> None:
        world.given(tagged({"n": 1}), tagged({"n": 2}, '"v2"'), httpx.Response(304))
        http = world.open(keeps_answers=True)

        assert [(await http.fetch("/services", as_told))["n"] for _ in range(3)] == [1, 2, 2]
        assert world.asked[-1].headers["if-none-match"] == '"v2"'

    async def test_when_only_a_date_tells_versions_apart_then_that_is_asked(self, world: World) -> None:
        changed = format_datetime(NOON, usegmt=True)
        world.given(httpx.Response(200, headers={"last-modified": changed}, json=[]), httpx.Response(304))
        http = world.open(keeps_answers=True)

        assert await http.fetch("/services", as_told) == await http.fetch("/services", as_told) == []
        assert world.asked[-1].headers["if-modified-since"] == changed

    async def test_when_the_query_or_what_is_accepted_differs_then_it_is_another_answer(self, world: World) -> None:
        world.given(tagged({"n": 1}))
        http = world.open(keeps_answers=True)

        await http.fetch("/services", as_told, {"page": 1})
        await http.fetch("/services", as_told, {"page": 2})
        await http.send("GET", "/services", params={"page": 1}, headers={"accept": "text/plain"})

        assert not any("if-none-match" in request.headers for request in world.asked)

    async def test_when_a_change_is_asked_for_then_nothing_is_kept(self, world: World) -> None:
        world.given(tagged({"n": 1}))
        http = world.open(keeps_answers=True)

        await http.send("PUT", "/services", json={})
        await http.send("PUT", "/services", json={})

        assert "if-none-match" not in world.asked[-1].headers

    def test_when_there_are_too_many_then_the_oldest_are_forgotten(self) -> None:
        kept: KeptAnswers[str] = KeptAnswers(answers=2, size=1000)
        for name in "abc":
            kept.keep(name, name, {"etag": name}, 10)
        kept.keep("huge", "huge", {"etag": "h"}, 900)
        kept.keep("c", "c", {}, 10)

        assert [kept.find(name) is not None for name in ("a", "b", "c", "huge")] == [False, True, False, False]


def costs_one(method: str, path: str) -> int:
    return 1


TWO_A_MINUTE = Allowance("points", 2, timedelta(minutes=1), costs_one)
TWO_IN_FIVE_SECONDS = Allowance("points", 2, timedelta(seconds=5), costs_one)


class TestGivenALimitThatNoHeaderCounts:
    async def test_when_it_is_used_up_then_the_next_request_waits_for_its_turn(self, world: World) -> None:
        world.given(good())
        http = world.open(allowances=[TWO_IN_FIVE_SECONDS])

        for _ in range(5):
            await http.fetch("/services", as_told)

        assert world.slept == [5.0, 5.0]

    async def test_when_it_lasts_too_long_then_nothing_is_sent(self, world: World) -> None:
        world.given(good())
        http = world.open(allowances=[TWO_A_MINUTE])
        await http.fetch("/services", as_told)
        await http.fetch("/services", as_told)

        with pytest.raises(RateLimited, match="rate limit for points requests is used up") as raised:
            await http.fetch("/services", as_told)

        assert (raised.value.retry_after, len(world.asked)) == (timedelta(minutes=1), 2)
        assert http.describe_limits() == {"points": "0 of 2 left in any 60 s, by our own count"}

    async def test_when_many_ask_together_then_each_has_a_turn_of_its_own(self, world: World) -> None:
        world.given(good())
        http = world.open(allowances=[TWO_IN_FIVE_SECONDS])

        waits = []
        for _ in range(4):
            wait, _name = http._allowances.wait("GET", "/x")
            http._allowances.book("GET", "/x", wait)
            waits.append(wait.total_seconds())

        assert waits == [0, 0, 5, 5]

    async def test_when_the_clock_is_set_back_then_nobody_waits_for_the_future(self, world: World) -> None:
        world.given(good())
        http = world.open(allowances=[TWO_A_MINUTE])
        await http.fetch("/services", as_told)
        await http.fetch("/services", as_told)
        world.now -= timedelta(hours=1)

        await http.fetch("/services", as_told)

        assert world.slept == []

    async def test_when_it_refuses_without_a_time_then_a_minute_is_kept_and_longer_each_time(
        self, world: World
    ) -> None:
        left = {"x-ratelimit-remaining": "4000", "x-ratelimit-reset": "3000"}
        world.given(httpx.Response(429, headers=left))
        http = world.open(allowances=[Allowance("points", 900, timedelta(minutes=1), costs_one)])

        told = []
        for _ in range(6):
            with pytest.raises(RateLimited) as raised:
                await http.fetch("/services", as_told)
            told.append(raised.value.retry_after.total_seconds())
            world.now += raised.value.retry_after

        assert told == [60, 120, 240, 480, 900, 900]

    async def test_when_it_refused_then_others_are_held_back_too(self, world: World) -> None:
        world.given(httpx.Response(429, headers={"retry-after": "30"}))
        http = world.open(allowances=[TWO_A_MINUTE])
        with pytest.raises(RateLimited):
            await http.fetch("/services", as_told)

        with pytest.raises(RateLimited, match="nothing was sent"):
            await http.fetch("/deploys", as_told)

        assert len(world.asked) == 1


class TestGivenAFileThatIsHandedOver:
    def redirect(self, address: str, status: int = 302) -> httpx.Response:
        return httpx.Response(status, headers={"location": address})

    async def test_when_it_is_fetched_then_the_store_gets_no_token(self, world: World) -> None:
        world.given(self.redirect("https://files.example/a?sig=1"), httpx.Response(200, content=b"PK\x03"))

        reply = await world.open(follow_redirects=True).download("/runs/1/logs")

        assert reply.content == b"PK\x03"
        assert [str(request.url) for request in world.asked][1] == "https://files.example/a?sig=1"
        assert ["authorization" in request.headers for request in world.asked] == [True, False]

    async def test_when_the_platform_itself_moved_then_it_is_followed_first(self, world: World) -> None:
        here = self.redirect("https://api.example/v1/again", 301)
        world.given(here, self.redirect("https://files.example/a"), httpx.Response(200, content=b"log"))

        assert (await world.open().download("/runs/1/logs")).content == b"log"
        assert ["authorization" in request.headers for request in world.asked] == [True, True, False]

    async def test_when_it_moved_to_another_host_then_the_token_stays(self, world: World) -> None:
        world.given(self.redirect("https://elsewhere.example/a", 301), httpx.Response(200, content=b"log"))

        await world.open().download("/runs/1/logs")

        assert "authorization" not in world.asked[-1].headers

    @pytest.mark.parametrize("bad", [httpx.Response(200, content=b"?"), httpx.Response(302)])
    async def test_when_it_is_not_handed_over_then_that_is_unexpected(self, world: World, bad: httpx.Response) -> None:
        world.given(bad)

        with pytest.raises(UnexpectedReply):
            await world.open().download("/runs/1/logs")

    async def test_when_it_is_handed_on_for_ever_then_it_is_given_up(self, world: World) -> None:
        world.given(self.redirect("https://api.example/v1/again", 307))

        with pytest.raises(UnexpectedReply, match="one redirection after another"):
            await world.open().download("/runs/1/logs")


class TestGivenATokenThatIsRefused:
    @pytest.mark.parametrize(("status", "kept"), [(401, True), (403, True), (404, False), (429, False)])
    async def test_when_something_is_refused_then_the_moment_is_kept_in_mind(
        self, world: World, status: int, kept: bool
    ) -> None:
        world.given(httpx.Response(status, json={"message": "no"}))
        http = world.open()

        with pytest.raises((Unauthorized, Rejected, RateLimited)):
            await http.fetch("/services", as_told)

        assert (http.refused_at is not None) is kept
