"""Ask an HTTP server over a unix socket: one request, one connection, the whole answer."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """Status, headers (lower-case names) and body."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def ask(
    socket_path: str,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
) -> Answer:
    """Send one request and read the answer to its end.

    HTTP/1.0 keeps the server from answering in chunks.

    Raises:
        OSError: Nobody listens there, or the connection broke.
        TimeoutError: No whole answer within `timeout_s` seconds.
    """
    async with asyncio.timeout(timeout_s):
        reader, writer = await asyncio.open_unix_connection(socket_path)
        try:
            extra = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
            length = f"Content-Length: {len(body)}\r\n" if body or method not in ("GET", "HEAD") else ""
            writer.write(f"{method} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{extra}{length}\r\n".encode() + body)
            head = await reader.readuntil(b"\r\n\r\n")
            content = await reader.read()
        except asyncio.IncompleteReadError as error:
            raise ConnectionResetError(f"{socket_path} closed the connection without an answer") from error
        finally:
            writer.close()
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    answered = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return Answer(int(first.split(" ")[1]), answered, content)


async def ask_json(socket_path: str, method: str, path: str, value: object = None) -> Answer:
    """Send JSON, or nothing when `value` is None."""
    body = b"" if value is None else json.dumps(value).encode()
    return await ask(socket_path, method, path, body, {"Content-Type": "application/json"} if body else {})
