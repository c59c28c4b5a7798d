"""The client when the worker goes and comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from console.client.http import connect
from console.client.service import WorkerUnavailable
from console.domain.exchange import HistoryQuery, LogQuery
from tests.server.world import PRODUCTION


class TestGivenAWorkerThatGoesAndComesBack:
    async def test_when_events_were_recorded_in_between_then_none_is_missed_and_none_comes_twice(self, world):
        name = await world.deploy()
        async with world.client() as client:
            stream = client.events()
            async with asyncio.timeout(20):
                seen = [(await anext(stream)).seq]
                for turn in range(3):
                    following = asyncio.ensure_future(anext(stream))
                    await world.close()
                    await world.say(name, f"while nobody listened {turn}")
                    await world.open()
                    seen.append((await following).seq)
            await stream.aclose()

        assert seen == [1, 2, 3, 4]

    async def test_when_it_is_gone_then_the_client_knows_and_goes_on_trying(self, world):
        await world.deploy()
        async with world.client() as client:
            stream = client.events()
            await anext(stream)
            following = asyncio.ensure_future(anext(stream))
            await world.close()
            async with asyncio.timeout(5):
                while client.is_connected:  # noqa: ASYNC110 - it is looked at, not announced
                    await asyncio.sleep(0.01)

            await world.open()
            await world.say((await client.history(HistoryQuery()))[0].id, "back")

            assert (await asyncio.wait_for(following, 10)).seq == 2
            assert client.is_connected
            await stream.aclose()


class TestGivenNoWorker:
    async def test_when_something_is_asked_then_the_words_say_what_to_do(self, world):
        await world.close()

        async with world.client() as client:
            with pytest.raises(WorkerUnavailable) as problem:
                await client.whoami()

        assert problem.value.transient
        assert "No worker answers." in str(problem.value)
        assert "quarterdeck worker start" in str(problem.value)

    async def test_when_logs_are_followed_then_that_is_said_too(self, world):
        await world.close()

        async with world.client() as client:
            with pytest.raises(WorkerUnavailable):
                await anext(client.follow_logs(LogQuery(PRODUCTION)))

    async def test_when_none_shall_be_started_then_none_is(self, tmp_path: Path):
        with pytest.raises(WorkerUnavailable, match="No worker is running"):
            await connect(tmp_path / "home", start=False)

        assert not (tmp_path / "home").exists()

    async def test_when_it_dies_in_the_middle_of_an_answer_then_that_is_said(self, world):
        await world.close()

        async def hang_up(reader, writer):
            await reader.readline()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
            writer.close()

        server = await asyncio.start_unix_server(hang_up, world.places.own_socket)
        async with world.client() as client:
            with pytest.raises(WorkerUnavailable, match="may have happened"):
                await client.whoami()
        server.close()
