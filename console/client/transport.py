"""HTTP to a worker over its unix socket: requests, streams, and errors as the worker raised them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO

from console.client.places import Places
from console.client.service import WorkerUnavailable
from console.client.wire import Message, error_from_json, query_pairs, read_messages
from console.domain.codec import Json
from console.domain.errors import ConsoleError

if TYPE_CHECKING:
    import httpx

ANSWER_SECONDS = 120.0  # a preview asks every platform, and platforms may be slow
SILENCE_SECONDS = 40.0  # a stream says something every 15 s
PIECE = 1024 * 1024


class Transport:
    """Connects when it is first asked something. Every call may raise WorkerUnavailable, or the worker's own error."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def get(self, path: str, values: Mapping[str, Any] | None = None) -> Json:
        return (await self._ask("GET", path, values or {})).json()

    async def get_text(self, path: str, values: Mapping[str, Any]) -> str:
        return (await self._ask("GET", path, values)).text

    async def post(self, path: str, body: Json) -> Json:
        return (await self._ask("POST", path, {}, body)).json()

    async def put_file(self, path: str, file: BinaryIO) -> Json:
        """Send a file in pieces. Raises OSError when it cannot be read."""
        return (await self._ask("PUT", path, {}, content=_pieces(file))).json()

    async def stream(self, path: str, values: Mapping[str, Any]) -> AsyncIterator[Message]:
        """The messages of a stream, after one of our own that says `open`."""
        import httpx

        timeout = httpx.Timeout(ANSWER_SECONDS, read=SILENCE_SECONDS)
        try:
            async with self._http().stream("GET", path, params=list(query_pairs(values)), timeout=timeout) as response:
                if response.is_error:
                    raise _error_of(await response.aread())
                yield Message("open")
                async for message in read_messages(response.aiter_raw()):
                    if message.event == "error":
                        raise error_from_json(message.data)
                    yield message
        except httpx.HTTPError as problem:
            raise self._unavailable(problem) from problem

    async def _ask(
        self,
        method: str,
        path: str,
        values: Mapping[str, Any],
        body: Json = None,
        content: AsyncIterator[bytes] | None = None,
    ) -> httpx.Response:
        import httpx

        pairs = list(query_pairs(values))
        try:
            response = await self._http().request(method, path, params=[*pairs], json=body, content=content)
        except httpx.HTTPError as problem:
            raise self._unavailable(problem) from problem
        if response.is_error:
            raise _error_of(response.content)
        return response

    def _http(self) -> httpx.AsyncClient:
        import httpx

        if self._client is None:
            socket = self._places.find_socket()
            self._client = httpx.AsyncClient(
                transport=httpx.AsyncHTTPTransport(uds=str(socket)),
                base_url="http://worker",
                timeout=httpx.Timeout(ANSWER_SECONDS, connect=5.0),
                trust_env=False,
            )
        return self._client

    def _unavailable(self, problem: Exception) -> WorkerUnavailable:
        import httpx

        if isinstance(problem, httpx.ConnectError | httpx.ConnectTimeout):
            what = "No worker answers."
        elif isinstance(problem, httpx.TimeoutException):
            what = "The worker does not answer in time."
        else:
            what = "The worker ended in the middle of the answer; what was asked may have happened."
        return WorkerUnavailable(
            what, str(self._places.find_socket()), f"`quarterdeck worker start` starts it; see {self._places.log}."
        )


def _error_of(content: bytes) -> ConsoleError:
    try:
        data = json.loads(content)
    except ValueError:
        data = None
    if not isinstance(data, dict) or "what" not in data:
        return ConsoleError(
            "The worker answered in a way this client does not understand.",
            content[:200].decode("utf-8", "replace"),
            "Worker and client may be of different versions: `quarterdeck worker stop`, then try again.",
        )
    return error_from_json(data)


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece
