"""What the laws of the contract do not say of `Ensuring`, `Traced` and `Stopping`: secrets, what was learned, time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from console.domain.errors import Rejected
from providers.contract import Operation, OperationKey, OperationStatus
from providers.ensuring import Ensuring, Sealed, Setting, Standing, absent, done, is_kept, went_wrong
from providers.http import ProviderHttp
from providers.stopping import Stopping
from providers.traced import Traced

START = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
KEY = OperationKey("wish-1", START)


@dataclass(frozen=True)
class Keep:
    name: str
    value: str


@dataclass
class Place:
    """A platform that keeps one value a name."""

    kept: dict[str, str] = field(default_factory=dict)
    written: int = 0
    now: datetime = START

    def open(self) -> ProviderHttp:
        transport = httpx.MockTransport(lambda request: httpx.Response(500))
        return ProviderHttp("place", "http://place", transport=transport, clock=lambda: self.now)

    async def holds(self, request: Keep) -> bool | None:
        return is_kept(self.kept.get(request.name), request.value)

    async def write(self, request: Keep) -> Mapping[str, object]:
        before = self.kept.get(request.name, "")
        self.kept[request.name] = request.value
        self.written += 1
        return {"previous": before}


@pytest.fixture
def place() -> Place:
    return Place()


class TestGivenASecretToKeep:
    @pytest.fixture
    def keeping(self, place: Place) -> Setting[Keep]:
        sealed = Sealed(place.open(), ("value",))
        return Setting(Keep, holds=place.holds, write=place.write, say=lambda one: f"{one.name} is kept", sealed=sealed)

    async def test_when_it_is_kept_then_its_reference_finds_it_and_does_not_hold_it(
        self, keeping: Setting[Keep]
    ) -> None:
        begun = await keeping.start(Keep("token", "hunter2-hunter2"), KEY)

        assert "hunter2" not in begun.reference
        assert (await keeping.observe(begun.reference)).status is OperationStatus.SUCCEEDED

    async def test_when_it_is_to_be_empty_then_another_value_is_not_taken_for_it(
        self, place: Place, keeping: Setting[Keep]
    ) -> None:
        place.kept["token"] = "before"

        assert await keeping.find(Keep("token", ""), KEY) is None
        await keeping.start(Keep("token", ""), KEY)

        assert (place.kept, place.written) == ({"token": ""}, 1)


class TestGivenAStateToReach:
    @pytest.fixture
    def standing(self) -> list[Standing]:
        return [absent("nothing yet")]

    @pytest.fixture
    def reaching(self, place: Place, standing: list[Standing]) -> Ensuring[Keep]:
        async def look(request: Keep) -> Standing:
            return standing[0] if place.kept.get(request.name) != request.value else done("there")

        return Ensuring(Keep, look, place.write)

    async def test_when_asking_tells_something_then_it_is_in_the_outputs_and_the_words(
        self, place: Place, reaching: Ensuring[Keep]
    ) -> None:
        place.kept["a"] = "old"

        begun = await reaching.start(Keep("a", "new"), KEY)

        assert (begun.detail, begun.outputs) == ("there (previous old)", {"previous": "old"})

    async def test_when_an_earlier_attempt_failed_then_asking_again_is_not_held_back_and_waiting_ends(
        self, place: Place, reaching: Ensuring[Keep], standing: list[Standing]
    ) -> None:
        standing[0] = went_wrong("it broke")

        waited = await reaching.observe('{"name":"a","value":"new"}')
        begun = await reaching.start(Keep("a", "new"), KEY)

        assert (waited.status, waited.detail) == (OperationStatus.FAILED, "it broke")
        assert (begun.status, place.written) == (OperationStatus.SUCCEEDED, 1)


class TestGivenATraceToLeave:
    @pytest.fixture
    def seen(self) -> list[datetime]:
        return []

    @pytest.fixture
    def tracing(self, place: Place, seen: list[datetime]) -> Traced[Keep]:
        async def look(request: Keep, since: datetime) -> Standing:
            return done("ran") if any(at >= since for at in seen) else absent("not seen")

        return Traced(place.open(), Keep, look, place.write, unseen_for=timedelta(minutes=10))

    async def test_when_an_older_trace_is_there_then_it_is_not_the_wish(
        self, place: Place, tracing: Traced[Keep], seen: list[datetime]
    ) -> None:
        seen += [START - timedelta(minutes=1)]

        begun = await tracing.start(Keep("a", "b"), KEY)
        seen += [START + timedelta(seconds=3)]
        ended = await tracing.observe(begun.reference)

        assert (begun.status, ended.status, place.written) == (OperationStatus.RUNNING, OperationStatus.SUCCEEDED, 1)

    async def test_when_nothing_shows_for_too_long_then_it_is_lost(self, place: Place, tracing: Traced[Keep]) -> None:
        begun = await tracing.start(Keep("a", "b"), KEY)
        place.now += timedelta(minutes=11)

        observed = await tracing.observe(begun.reference)

        assert (observed.status, observed.detail) == (OperationStatus.LOST, "not seen")


class TestGivenAPlatformWhoseClockIsBehind:
    async def test_when_a_new_connection_looks_for_a_trace_then_it_is_found(self, place: Place) -> None:
        theirs = START - timedelta(seconds=30)

        async def tell_time(request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, json={}, headers={"date": f"{theirs:%a, %d %b %Y %H:%M:%S GMT}"})

        http = ProviderHttp(
            "place",
            "http://place",
            transport=httpx.MockTransport(tell_time),
            clock=lambda: START + timedelta(seconds=1),
        )

        async def look(request: Keep, since: datetime) -> Standing:
            await http.fetch("/runs", lambda body: body)
            return done("ran") if theirs >= since else absent("not seen")

        assert await Traced(http, Keep, look, place.write).find(Keep("a", "b"), KEY) is not None


class TestGivenARunToStop:
    def stopping(self, look: Callable[[], OperationStatus]) -> Stopping[Keep]:
        async def observe(reference: str) -> Operation:
            return Operation(reference, look(), "as it says")

        async def stop(reference: str) -> None:
            raise Rejected("place", "It has ended.", reference)

        return Stopping(lambda request: request.name, look=observe, stop=stop)

    async def test_when_it_ends_while_the_platform_is_asked_then_it_has_succeeded(self) -> None:
        looks = iter((OperationStatus.RUNNING, OperationStatus.FAILED))

        stopped = await self.stopping(lambda: next(looks)).start(Keep("run-1", ""), KEY)

        assert (stopped.status, stopped.detail) == (OperationStatus.SUCCEEDED, "it had ended before: as it says")

    async def test_when_it_runs_on_then_the_refusal_is_told(self) -> None:
        with pytest.raises(Rejected):
            await self.stopping(lambda: OperationStatus.RUNNING).start(Keep("run-1", ""), KEY)
