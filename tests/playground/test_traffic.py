import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from console.playground.status import quantile
from console.playground.traffic import LATENCY_BOUNDS_MS, Load, Totals

Reply = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def edge(reply: Reply) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await reply(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def requests(port: int, count: int, keep_alive_share: float = 0.0) -> Totals:
    load = Load(port, 500, keep_alive_share)
    sending = asyncio.create_task(load.run())
    async with asyncio.timeout(10):
        while load.totals.requests < count:  # noqa: ASYNC110 - the load tells nobody
            await asyncio.sleep(0.005)
    sending.cancel()
    return load.totals


def answering(status: int, release: str = "v1.0") -> Reply:
    async def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 2\r\nX-Release: {release}\r\n\r\nok".encode())

    return reply


class TestGivenAnEdgeThatAnswers:
    @pytest.mark.parametrize("keep_alive_share", [0.0, 1.0])
    async def test_then_no_request_counts_as_failed_and_the_release_is_known(self, keep_alive_share):
        async with edge(answering(200, "v1.7")) as port:
            totals = await requests(port, 30, keep_alive_share)

        assert totals.failed == 0
        assert set(totals.by_release) == {"v1.7"}
        assert sum(totals.latency_ms) == totals.requests

    async def test_when_it_says_that_the_client_is_wrong_then_that_is_no_failure(self):
        async with edge(answering(404)) as port:
            assert (await requests(port, 10)).failed == 0


class TestGivenAnEdgeThatFails:
    async def test_when_it_answers_500_then_each_is_counted_with_its_release(self):
        async with edge(answering(500, "v1.3-errors")) as port:
            totals = await requests(port, 10)

        assert totals.failed == totals.requests
        assert totals.by_reason == {"status 500": totals.failed}
        assert totals.failures[-1].release == "v1.3-errors"

    async def test_when_it_closes_without_an_answer_then_each_is_counted_as_cut(self):
        async def cut(writer: asyncio.StreamWriter) -> None:
            writer.close()

        async with edge(cut) as port:
            totals = await requests(port, 10)

        assert totals.failed == totals.requests
        assert set(totals.by_reason) <= {"cut", "reset"}

    async def test_when_nobody_listens_then_each_is_counted_as_refused(self):
        async with edge(answering(200)) as port:
            pass

        totals = await requests(port, 10)

        assert totals.by_reason == {"refused": totals.requests}


class TestGivenCountsByLatency:
    def test_then_a_quantile_is_the_bound_of_its_bucket(self):
        counts = [0] * (len(LATENCY_BOUNDS_MS) + 1)
        counts[2], counts[5] = 90, 10

        assert (quantile(counts, 0.5), quantile(counts, 0.95)) == (5.0, 50.0)

    def test_when_there_are_none_then_there_is_no_quantile(self):
        assert quantile([0] * (len(LATENCY_BOUNDS_MS) + 1), 0.5) is None
