"""The stream of events: from a number on, without a gap, at no cost for whoever is slow, quiet or gone."""

from __future__ import annotations

import asyncio
import json
import socket

import httpx
import pytest

from console.client.wire import read_messages
from console.domain.exchange import LogQuery, Pulse
from console.domain.telemetry import LogLine
from console.server.streams import Pace
from console.storage.logs import FOLLOWED_LINES
from tests.server.world import NOON, PRODUCTION


@pytest.fixture
async def raw(world):
    transport = httpx.AsyncHTTPTransport(uds=str(world.places.own_socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://worker", timeout=10) as opened:
        yield opened


async def take(stream, count):
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(count)]


async def until_streams(world, count):
    """Wait for the worker to notice that a reader came or went; nobody announces that."""
    async with asyncio.timeout(10):
        while world.parts.streams != count:  # noqa: ASYNC110 - see above
            await asyncio.sleep(0.01)


class TestGivenARecord:
    @pytest.fixture(autouse=True)
    async def _record(self, world):
        name = await world.deploy()
        for number in range(4):
            await world.say(name, str(number))

    async def test_when_a_client_comes_then_it_gets_everything_and_then_the_news(self, client, world):
        stream = client.events()

        first = await take(stream, 5)
        await world.say("d1", "new")
        news = await take(stream, 1)

        await stream.aclose()
        assert [event.seq for event in first] == [1, 2, 3, 4, 5]
        assert (news[0].seq, news[0].payload.detail) == (6, "new")

    async def test_when_it_has_some_then_it_gets_the_rest(self, client):
        stream = client.events(after=3)

        assert [event.seq for event in await take(stream, 2)] == [4, 5]
        await stream.aclose()

    async def test_when_a_browser_resumes_then_its_last_id_counts(self, raw):
        async with raw.stream("GET", "/v1/events", headers={"Last-Event-ID": "4"}) as response:
            message = await anext(read_messages(response.aiter_raw()))

        assert response.headers["content-type"].startswith("text/event-stream")
        assert (message.id, message.event, message.data["seq"]) == ("5", "event", 5)

    async def test_when_it_knows_numbers_that_we_never_gave_then_it_still_gets_the_news(self, client, world):
        stream = client.events(after=5000)
        following = asyncio.ensure_future(anext(stream))
        await until_streams(world, 1)

        await world.say("d1", "new")

        assert (await asyncio.wait_for(following, 5)).seq == 6
        await stream.aclose()

    async def test_when_health_changes_then_a_pulse_comes_without_a_number(self, raw, world):
        async with raw.stream("GET", "/v1/events?after=5") as response:
            messages = read_messages(response.aiter_raw())
            await until_streams(world, 1)
            world.monitor.pulse(0.1)
            world.monitor.pulse(0.2)
            message = await asyncio.wait_for(anext(messages), 5)

        assert (message.event, message.id) == ("pulse", "")
        assert message.data["health"][0]["error_rate"] == 0.2

    async def test_when_pulses_come_then_the_client_gives_them_as_such(self, client, world):
        stream = client.events(after=5)
        following = asyncio.ensure_future(anext(stream))
        await until_streams(world, 1)

        world.monitor.pulse(0.5)

        pulse = await asyncio.wait_for(following, 5)
        await stream.aclose()
        assert isinstance(pulse, Pulse)
        assert (pulse.environment, pulse.health[0].error_rate) == (PRODUCTION, 0.5)


class TestGivenAReaderThatDoesNotRead:
    @pytest.fixture(autouse=True)
    async def _impatient(self, world):
        await world.close()
        world.pace = Pace(send=0.3)
        await world.open()

    async def test_when_events_pile_up_then_it_is_cut_off_and_others_do_not_notice(self, client, world):
        name = await world.deploy()
        with socket.socket(socket.AF_UNIX) as stuck:
            stuck.connect(str(world.places.own_socket))
            stuck.sendall(b"GET /v1/events HTTP/1.1\r\nHost: w\r\n\r\n")
            await until_streams(world, 1)
            stream = client.events()

            for number in range(40):
                await world.say(name, f"{number} " + "x" * 40_000)
            seen = await take(stream, 41)

            assert [event.seq for event in seen] == list(range(1, 42))
            await until_streams(world, 1)
            await stream.aclose()

    async def test_when_it_comes_back_then_it_goes_on_where_it_was(self, world, raw):
        name = await world.deploy()
        await world.say(name, "one")

        async with raw.stream("GET", "/v1/events") as response:
            message = await anext(read_messages(response.aiter_raw()))
        async with raw.stream("GET", "/v1/events", params={"after": message.id}) as response:
            following = await anext(read_messages(response.aiter_raw()))

        assert (message.id, following.id) == ("1", "2")


class TestGivenAReaderThatLeaves:
    async def test_when_nothing_happens_either_then_the_worker_still_lets_go_of_it(self, world):
        with socket.socket(socket.AF_UNIX) as gone:
            gone.connect(str(world.places.own_socket))
            gone.sendall(b"GET /v1/events HTTP/1.1\r\nHost: w\r\n\r\n")
            await until_streams(world, 1)

        await until_streams(world, 0)
        assert world.monitor.told == []


class TestGivenAQuietWorker:
    async def test_when_nothing_happens_then_it_gives_signs_of_life(self, world):
        await world.close()
        world.pace = Pace(heartbeat=0.02)
        await world.open()
        transport = httpx.AsyncHTTPTransport(uds=str(world.places.own_socket))

        async with (
            httpx.AsyncClient(transport=transport, base_url="http://worker") as opened,
            opened.stream("GET", "/v1/events") as response,
        ):
            piece = await anext(response.aiter_raw())

        assert piece == b": alive\n\n"

    async def test_when_it_stops_then_it_says_goodbye(self, raw, world):
        async with raw.stream("GET", "/v1/events") as response:
            messages = read_messages(response.aiter_raw())
            await until_streams(world, 1)
            closing = asyncio.ensure_future(world.close())
            message = await asyncio.wait_for(anext(messages), 5)
            rest = [item async for item in messages]

        await closing
        assert message.event == "goodbye"
        assert rest == []


class TestGivenSomebodyWhoFollowsLogs:
    async def test_when_lines_come_then_they_get_them_and_the_environment_is_watched(self, client, world):
        stream = client.follow_logs(LogQuery(PRODUCTION, sources=("api",)))
        following = asyncio.ensure_future(anext(stream))
        async with asyncio.timeout(5):
            while not world.monitor.watched:  # noqa: ASYNC110 - nobody announces that somebody listens
                await asyncio.sleep(0.01)

        world.logs.write(PRODUCTION, [LogLine(NOON, "api", "one"), LogLine(NOON, "web", "two")])

        batch = await asyncio.wait_for(following, 5)
        assert [line.text for line in batch.lines] == ["one"]
        assert world.tail.read == [PRODUCTION]
        await stream.aclose()

    async def test_when_they_name_a_time_then_what_was_said_since_comes_first_and_once(self, client, world):
        world.logs.write(PRODUCTION, [LogLine(NOON, "api", "before")])
        stream = client.follow_logs(LogQuery(PRODUCTION, since=NOON))

        first = (await take(stream, 1))[0]
        world.logs.write(PRODUCTION, [LogLine(NOON, "api", "after")])
        second = (await take(stream, 1))[0]

        await stream.aclose()
        assert [line.text for line in first.lines] == ["before"]
        assert [line.text for line in second.lines] == ["after"]

    async def test_when_the_flood_is_too_fast_then_the_loss_is_told(self, raw, world):
        async with raw.stream("GET", "/v1/logs/follow?environment=production") as response:
            messages = read_messages(response.aiter_raw())
            async with asyncio.timeout(5):
                while not world.monitor.watched:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            world.logs.write(PRODUCTION, [LogLine(NOON, "api", str(number)) for number in range(FOLLOWED_LINES + 40)])
            message = await asyncio.wait_for(anext(messages), 5)

        assert message.data["dropped"] == 40
        assert message.data["lines"][0]["text"] == "40"

    async def test_when_the_environment_is_unknown_then_they_are_told(self, raw):
        async with raw.stream("GET", "/v1/logs/follow?environment=nowhere") as response:
            message = await anext(read_messages(response.aiter_raw()))

        assert message.event == "error"
        assert json.dumps(message.data).count("no environment") == 1
