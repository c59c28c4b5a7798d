"""The laws of `providers.contract`, on every provider and everything that it can do."""

from collections.abc import AsyncIterator, Awaitable
from dataclasses import fields, replace
from datetime import timedelta
from typing import Annotated, Any, get_origin, get_type_hints

import pytest

from console.domain.codec import to_json
from console.domain.errors import ProviderError, RateLimited, Rejected, Unauthorized, UnexpectedReply, Unreachable
from providers.contract import Capabilities, OperationKey, OperationStatus, Unsupported
from tests.providers.conftest import find_subjects
from tests.providers.subject import Opened, Subject, Wish

WEB_PAGE = "<html><body>502 Bad Gateway, token {secret}</body></html>"
REFUSALS = {
    "401": (401, {"message": "bad credentials {secret}"}, Unauthorized),
    "403": (403, {"message": "not allowed {secret}"}, Unauthorized),
    "409": (409, {"message": "conflict with {secret}"}, Rejected),
    "422": (422, {"message": "cannot {secret}"}, Rejected),
    "429": (429, {"message": "slow down {secret}"}, RateLimited),
    "500": (500, {"message": "oh no {secret}"}, Unreachable),
    "503": (503, WEB_PAGE, Unreachable),
    "a web page": (200, WEB_PAGE, UnexpectedReply),
    "half a body": (200, '{{"id": "{secret}", "na', UnexpectedReply),
}


@pytest.fixture
async def opened(kind: str) -> AsyncIterator[Opened]:
    module = find_subjects()[kind]
    async with module.subject() as subject:
        world = Opened(subject)
        yield world
        await world.close()
        unheard_of = getattr(module, "strangers", lambda sent: [])
        assert unheard_of(subject.faults.sent) == []


@pytest.fixture
def subject(opened: Opened) -> Subject:
    return opened.subject


def actuator(opened: Opened, capability: str) -> Any:
    """The actuator on a connection of its own; `do:` names an action of the desk."""
    connection = opened.connect()
    if capability.startswith("do:"):
        return connection.desk.actions[capability.removeprefix("do:")].actuator
    return getattr(connection.capabilities, capability)


def key_at(subject: Subject, text: str = "wish-1") -> OperationKey:
    return OperationKey(text, subject.now())


def refuse(subject: Subject, name: str) -> type[ProviderError]:
    status, body, error = REFUSALS[name]
    text = body if isinstance(body, str) else body["message"]
    filled = text.format(secret=subject.secret)
    headers = {"retry-after": "30"} if status == 429 else {}
    subject.faults.answer(status, filled if isinstance(body, str) else {"message": filled}, headers)
    return error


async def problem_of(attempt: Awaitable[Any]) -> ProviderError:
    """What a call raises that must not succeed."""
    with pytest.raises(ProviderError) as raised:
        await attempt
    return raised.value


def texts_of(error: ProviderError) -> str:
    chain: list[str] = []
    cause: BaseException | None = error
    while isinstance(cause, ProviderError):
        chain.append(f"{cause}{cause.what}{cause.where}{cause.remedy}{cause!r}")
        cause = cause.__cause__
    return " ".join(chain)


class TestGivenAnyProvider:
    async def test_when_it_is_opened_then_each_capability_is_there_or_says_why_not(self, opened: Opened) -> None:
        connection = opened.connect()

        for capability in fields(Capabilities):
            offered = getattr(connection.capabilities, capability.name)
            if isinstance(offered, Unsupported):
                assert offered.reason.endswith("."), capability.name

    async def test_when_it_is_opened_then_nothing_is_sent(self, opened: Opened, subject: Subject) -> None:
        opened.connect()

        assert subject.faults.sent == []

    async def test_when_it_is_shown_then_its_secret_is_not(self, opened: Opened, subject: Subject) -> None:
        assert subject.secret not in repr(opened.connect())

    def test_when_it_changes_something_then_the_laws_run_on_it(self, kind: str) -> None:
        module = find_subjects()[kind]

        assert set(module.ACTUATORS) <= {capability.name for capability in fields(Capabilities)}

    async def test_when_an_actuator_is_offered_then_the_suite_has_a_wish_for_it(
        self, opened: Opened, kind: str
    ) -> None:
        can = opened.connect().capabilities

        changing = [field.name for field in fields(Capabilities) if "Actuator" in str(field.type)]
        offered = {name for name in changing if not isinstance(getattr(can, name), Unsupported)}

        assert offered == set(find_subjects()[kind].ACTUATORS)

    async def test_when_its_desk_offers_something_then_the_suite_has_a_sample_of_it(
        self, opened: Opened, kind: str
    ) -> None:
        module, desk = find_subjects()[kind], opened.connect().desk

        actions = {name for name, action in desk.actions.items() if not isinstance(action, Unsupported)}
        readings = {name for name, reading in desk.readings.items() if not isinstance(reading, Unsupported)}

        assert actions == set(getattr(module, "ACTIONS", ()))
        assert readings == set(getattr(module, "ASKS", {}))

    async def test_when_its_desk_is_described_then_every_field_says_what_it_means(self, opened: Opened) -> None:
        desk = opened.connect().desk

        for name, offered in {**desk.actions, **desk.readings}.items():
            assert name == name.lower().replace("_", "-")
            if isinstance(offered, Unsupported):
                assert offered.reason.endswith("."), name
                continue
            for field, hint in get_type_hints(offered.request, include_extras=True).items():
                assert get_origin(hint) is Annotated, f"{name}: {field}"


class TestGivenAWish:
    @pytest.fixture
    async def wish(self, subject: Subject, capability: str) -> Wish:
        return await subject.wish(capability)

    @pytest.fixture
    def key(self, subject: Subject, wish: Wish) -> OperationKey:
        return key_at(subject)

    async def test_when_nothing_was_started_then_nothing_is_found_and_every_reference_is_lost(
        self, opened: Opened, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        assert await actuator(opened, capability).find(wish.request, key) is None
        for reference in (*wish.unknown, "nonsense", ""):
            observed = await actuator(opened, capability).observe(reference)

            assert (reference, observed.status) == (reference, OperationStatus.LOST)

    async def test_when_it_is_started_twice_then_it_happens_once(
        self, opened: Opened, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        before = wish.effects()

        first = await actuator(opened, capability).start(wish.request, key)
        second = await actuator(opened, capability).start(wish.request, key)

        assert (second.reference, wish.effects() - before) == (first.reference, 1)

    async def test_when_it_is_started_again_after_its_end_then_it_happened_once(
        self, opened: Opened, subject: Subject, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        before = wish.effects()

        await actuator(opened, capability).start(wish.request, key)
        await subject.finish()
        again = await actuator(opened, capability).start(wish.request, key)

        assert (again.status, wish.effects() - before) == (OperationStatus.SUCCEEDED, 1)

    async def test_when_the_first_reply_is_lost_then_it_still_happens_once(
        self, opened: Opened, subject: Subject, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        before = wish.effects()
        subject.faults.lose_next_reply()

        try:
            await actuator(opened, capability).start(wish.request, key)
        except Unreachable:
            await actuator(opened, capability).start(wish.request, key)
        await subject.finish()
        found = await actuator(opened, capability).find(wish.request, key)

        assert wish.effects() - before == 1
        assert found is not None
        assert found.status is OperationStatus.SUCCEEDED

    async def test_when_it_has_ended_then_a_new_connection_finds_it_and_it_stays_ended(
        self, opened: Opened, subject: Subject, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        started = await actuator(opened, capability).start(wish.request, key)
        await subject.finish()

        found = await actuator(opened, capability).find(wish.request, key)
        seen = [await actuator(opened, capability).observe(started.reference) for _ in range(3)]

        assert found is not None
        assert (found.reference, found.status) == (started.reference, OperationStatus.SUCCEEDED)
        assert {operation.status for operation in seen} == {OperationStatus.SUCCEEDED}
        assert all(operation.outputs == seen[0].outputs for operation in seen)

    async def test_when_the_platform_uses_a_new_word_then_the_operation_has_not_ended(
        self, opened: Opened, subject: Subject, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        started = await actuator(opened, capability).start(wish.request, key)
        if wish.word:
            subject.faults.replace(wish.word, "frobnicating")

        observed = await actuator(opened, capability).observe(started.reference)

        assert observed.status in (OperationStatus.RUNNING, started.status)

    async def test_when_the_platform_refuses_then_the_error_says_which_way_and_for_how_long(
        self, opened: Opened, subject: Subject, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        started = await actuator(opened, capability).start(wish.request, key)

        for name in REFUSALS:
            offered = actuator(opened, capability)
            error = refuse(subject, name)
            for verb, attempt in {
                "start": offered.start(wish.request, replace(key, text="wish-2")),
                "find": offered.find(wish.request, key),
                "observe": offered.observe(started.reference),
            }.items():
                problem = await problem_of(attempt)
                assert (name, verb, type(problem)) == (name, verb, error)
                assert subject.secret not in texts_of(problem)
                if isinstance(problem, RateLimited):
                    assert problem.retry_after == timedelta(seconds=30)

    async def test_when_the_platform_is_silent_or_gone_then_it_is_unreachable(
        self, opened: Opened, subject: Subject, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        offered = actuator(opened, capability)
        started = await offered.start(wish.request, key)

        for trouble in (subject.faults.stay_silent, subject.faults.vanish):
            trouble()
            for attempt in (
                lambda: offered.start(wish.request, replace(key, text="wish-2")),
                lambda: offered.find(wish.request, key),
                lambda: offered.observe(started.reference),
            ):
                with pytest.raises(Unreachable) as raised:
                    await attempt()
                assert raised.value.transient

    async def test_when_it_is_cut_short_then_the_reply_is_unexpected(
        self, opened: Opened, subject: Subject, wish: Wish, key: OperationKey, capability: str
    ) -> None:
        subject.faults.cut_bodies()

        with pytest.raises(UnexpectedReply):
            await actuator(opened, capability).start(wish.request, key)


class TestGivenSomethingToRead:
    async def read(self, opened: Opened, kind: str, reading: str) -> Any:
        module, connection = find_subjects()[kind], opened.connect()
        if reading.startswith("ask:"):
            name = reading.removeprefix("ask:")
            return to_json(await connection.desk.readings[name].fetch(module.ASKS[name]))
        return await module.READINGS[reading](connection.capabilities)

    async def test_when_it_is_read_then_the_platform_is_not_changed(
        self, opened: Opened, subject: Subject, kind: str, reading: str
    ) -> None:
        assert await self.read(opened, kind, reading) is not None

    async def test_when_the_platform_refuses_then_the_error_says_which_way(
        self, opened: Opened, subject: Subject, kind: str, reading: str
    ) -> None:
        for name in REFUSALS:
            error = refuse(subject, name)
            problem = await problem_of(self.read(opened, kind, reading))
            assert isinstance(problem, error), name
            assert subject.secret not in texts_of(problem)

    async def test_when_the_platform_is_silent_then_it_is_unreachable(
        self, opened: Opened, subject: Subject, kind: str, reading: str
    ) -> None:
        subject.faults.stay_silent()

        with pytest.raises(Unreachable):
            await self.read(opened, kind, reading)
