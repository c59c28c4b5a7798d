"""The runtime socket, dressed as HTTP so that time limits, repetition and errors are those of every other platform.

A request's path holds the commands, separated by `;`: GET asks, POST changes. The answer's body is what HAProxy wrote.
HAProxy has no statuses; its refusals are known sentences and become 403, 404 or 422.

One connection carries one line and ends after its answer. Each command's answer ends with an empty line; a change that
was made answers with that line alone. No byte at all means that HAProxy went away, as an old process does at a reload.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

import httpx

DENIED = "Permission denied"
NOT_THERE = frozenset({"No such server.", "No such backend.", "No such proxy.", "Can't find backend."})
TCP = "tcp://"
LARGEST_ANSWER = 32 * 1024 * 1024


def sections_of(answer: str) -> Sequence[str]:
    """The answers of several commands, in order; the last is cut off where it does not end with an empty line."""
    *whole, rest = answer.split("\n\n")
    return [part.lstrip("\n") for part in whole] if not rest else [*(part.lstrip("\n") for part in whole), rest]


class RuntimeSocket(httpx.AsyncBaseTransport):
    """Asks the HAProxy behind `unix:///PATH` or `tcp://HOST:PORT`."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        commands = unquote(request.url.raw_path.decode()).removeprefix("/")
        try:
            reader, writer = await self._connect()
        except PermissionError:
            return _refusal(request, 403, f"this user may not open {self._address}")
        except OSError as error:
            raise httpx.ConnectError(f"{self._address}: {error.strerror or error}", request=request) from error
        try:
            writer.write(commands.encode() + b"\n")
            await writer.drain()
            answer = (await reader.read(-1)).decode(errors="replace")
        except OSError as error:
            raise httpx.ReadError(f"{self._address}: {error.strerror or error}", request=request) from error
        finally:
            writer.close()
        if not answer:
            raise httpx.RemoteProtocolError("HAProxy closed the connection without an answer", request=request)
        return _judge(request, answer, commands)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._address.startswith(TCP):
            place = urlsplit(self._address)
            return await asyncio.open_connection(place.hostname, place.port, limit=LARGEST_ANSWER)
        path = "/" + self._address.removeprefix("unix:").lstrip("/")
        return await asyncio.open_unix_connection(path, limit=LARGEST_ANSWER)


def _judge(request: httpx.Request, answer: str, commands: str) -> httpx.Response:
    sentences = [part.strip() for part in sections_of(answer)]
    if DENIED in sentences:
        return _refusal(request, 403, f"{DENIED}; the stats socket needs `level admin`")
    for sentence in sentences:
        if sentence in NOT_THERE:
            return _refusal(request, 404, sentence)
        if sentence.startswith("Unknown command"):
            return _refusal(request, 400, f"it does not know one of the commands: {commands}")
    if request.method != "GET" and answer.strip():
        return _refusal(request, 422, " ".join(answer.split()))
    return httpx.Response(200, headers={"content-type": "text/plain"}, text=answer, request=request)


def _refusal(request: httpx.Request, status: int, words: str) -> httpx.Response:
    return httpx.Response(status, json={"message": words}, request=request)
