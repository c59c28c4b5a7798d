"""Probes, against real listeners on loopback."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from providers.contract import ProbeRequest
from providers.web.adapter import open_connection
from providers.web.client import WebClient
from providers.web.settings import WebSettings

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


def answer(text="fine", status="200 OK", headers=""):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text.encode())}\r\n{headers}\r\n{text}".encode()


@asynccontextmanager
async def listening(reply: bytes):
    """A server that says the same to everybody; gives its address and how many connections it had."""
    connections: list[asyncio.StreamWriter] = []

    async def serve(reader, writer):
        connections.append(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", connections
    for writer in connections:
        writer.close()
    server.close()


@asynccontextmanager
async def probing(**settings):
    connection = open_connection("probes", WebSettings(**settings), clock=lambda: NOW)
    yield connection.capabilities.probes
    await connection.close()


async def probe(reply: bytes, **request):
    async with listening(reply) as (url, _), probing() as probes:
        return await probes.probe(ProbeRequest(f"{url}/health", **request))


class TestGivenAServiceThatAnswers:
    async def test_when_it_says_what_is_expected_then_it_is_well(self):
        result = await probe(answer("v1.2 é"), expect_text="é")

        assert (result.ok, result.status, result.reason) == (True, 200, "")
        assert 0 < result.latency < 5

    async def test_when_the_status_is_another_then_both_are_named(self):
        result = await probe(answer(status="503 Service Unavailable"))

        assert (result.ok, result.status, result.reason) == (False, 503, "HTTP 503 instead of 200")

    async def test_when_another_status_is_expected_then_that_is_well(self):
        assert (await probe(answer(status="401 Unauthorized"), expect_status=401)).ok

    async def test_when_it_leads_elsewhere_then_nobody_follows(self):
        result = await probe(answer(status="302 Found", headers="Location: /login\r\n"))

        assert result.reason == "HTTP 302 to /login instead of 200"

    async def test_when_the_text_is_missing_then_that_is_said(self):
        result = await probe(answer("v1.1"), expect_text="v1.2")

        assert (result.ok, result.reason) == (False, "the answer does not contain 'v1.2'")


class TestGivenNoProperAnswer:
    async def test_when_nobody_listens_then_that_is_the_result(self):
        async with probing() as probes:
            result = await probes.probe(ProbeRequest("http://127.0.0.1:1/health"))

        assert (result.ok, result.status, result.reason) == (False, None, "connection refused")

    async def test_when_it_is_silent_then_the_time_limit_is_named(self):
        result = await probe(b"", timeout=timedelta(milliseconds=50))

        assert (result.ok, result.reason) == (False, "no answer within 0.05 s")

    async def test_when_it_never_ends_then_the_time_limit_holds(self):
        result = await probe(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", timeout=timedelta(milliseconds=50))

        assert result.reason == "no answer within 0.05 s"

    @pytest.mark.parametrize("reply", [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n"])
    async def test_when_it_speaks_no_http_then_that_is_the_result(self, reply):
        result = await probe(reply)

        assert not result.ok
        assert result.reason

    @pytest.mark.parametrize("url", ["", "nonsense", "ftp://host/", "http://[::1", "http://host:99999/"])
    async def test_when_the_address_is_none_then_that_is_the_result(self, url):
        async with probing() as probes:
            assert not (await probes.probe(ProbeRequest(url))).ok


class TestGivenSeveralProbes:
    async def test_when_connections_are_kept_then_one_is_enough(self):
        async with listening(answer()) as (url, connections), probing() as probes:
            for _ in range(3):
                assert (await probes.probe(ProbeRequest(url))).ok
            assert len(connections) == 1

    async def test_when_they_are_to_be_fresh_then_each_has_its_own(self):
        async with listening(answer()) as (url, connections), probing(fresh_connections=True) as probes:
            for _ in range(3):
                assert (await probes.probe(ProbeRequest(url))).ok
            assert len(connections) == 3


class FakeTls(httpx.AsyncBaseTransport):
    """Answers as over TLS, or fails as a bad certificate does."""

    def __init__(self, ends: str = "", error: Exception | None = None) -> None:
        self._ends = ends
        self._error = error

    async def handle_async_request(self, request):
        if self._error:
            raise httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED]") from self._error
        return httpx.Response(200, text="fine", extensions={"network_stream": self})

    def get_extra_info(self, name):
        return self if name == "ssl_object" else None

    def getpeercert(self):
        return {"notAfter": self._ends}


class TestGivenACertificate:
    async def probe(self, transport):
        connection = open_connection("probes", WebSettings(), clock=lambda: NOW, transport=transport)
        result = await connection.capabilities.probes.probe(ProbeRequest("https://shop.example/"))
        await connection.close()
        return result

    async def test_when_it_is_valid_then_its_remaining_days_are_told(self):
        result = await self.probe(FakeTls("Dec  2 06:00:00 2026 GMT"))

        assert (result.ok, result.reason) == (True, "the certificate ends in 10 days")

    async def test_when_it_is_not_then_the_reason_is_told(self):
        error = ssl.SSLCertVerificationError()
        error.verify_message = "certificate has expired"

        result = await self.probe(FakeTls(error=error))

        assert (result.ok, result.reason) == (False, "the certificate is not valid: certificate has expired")


async def test_latency_is_the_time_until_everything_was_read():
    times = iter([10.0, 10.25])
    client = WebClient(
        headers={}, fresh=False, verify=True, transport=FakeTls("Dec  2 06:00:00 2026 GMT"), timer=lambda: next(times)
    )
    assert (await client.ask("GET", "https://shop.example/", timedelta(seconds=5))).latency == 0.25
    await client.close()
