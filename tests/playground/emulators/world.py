"""The world around an emulator in a test: a clock that the test moves, processes that do not exist, a judging client.

Everything an emulator answers through `Judged` is held against the platform's official document at once.
"""

import asyncio
import heapq
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from console.playground.hosting import Instance, LogRecord, Usage
from tests.support.openapi import CODEC_FREE, Document, Violation
from tests.support.turns import settle

START = 1_795_000_000.0


class ManualClock:
    """Stands still until `advance`; sleepers wake in the order of their deadlines."""

    def __init__(self, now: float = START) -> None:
        self._now = now
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + seconds, next(self._numbers), future))
        await future

    async def advance(self, seconds: float) -> None:
        """Let that much time pass, and everything happen that was waiting for it."""
        end = self._now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            due, _, future = heapq.heappop(self._sleepers)
            self._now = max(self._now, due)
            if not future.done():
                future.set_result(None)
            await settle()
        self._now = end


class FakeHosting:
    """Keeps processes as entries in a table. `crashing` and `sick` name releases that die or never get healthy."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)
        self.running: dict[str, Instance] = {}
        self.routes: dict[str, list[Instance]] = {}
        self.lines: list[tuple[str, LogRecord]] = []
        self.crashing: set[str] = set()
        self.sick: set[str] = set()
        self.history: list[str] = []

    async def start(self, service: str, role: str, release: str) -> Instance:
        number = next(self._numbers)
        instance = Instance(f"{service}-{number}", service, release, 20_000 + number, 5_000 + number)
        self.running[instance.id] = instance
        self.history.append(f"start {service} {release}")
        self.says(service, f"{role} {release} starts", instance.id)
        return instance

    async def healthy(self, instance: Instance) -> bool:
        return await self.alive(instance) and instance.release not in self.sick

    async def alive(self, instance: Instance) -> bool:
        return instance.id in self.running and instance.release not in self.crashing

    async def stop(self, instance: Instance) -> None:
        await asyncio.sleep(0)
        if self.running.pop(instance.id, None) is not None:
            self.history.append(f"stop {instance.service} {instance.release}")

    async def route(self, public_name: str, instances: Sequence[Instance]) -> None:
        self.routes[public_name] = list(instances)
        self.history.append(f"route {public_name} {','.join(i.release for i in instances)}")

    def url_of(self, public_name: str) -> str:
        return f"http://127.0.0.1/{public_name}"

    def says(self, service: str, message: str, instance: str = "", level: str = "info") -> None:
        self.lines.append((service, LogRecord(self._clock.now(), message, level, instance)))

    def logs(self, instance_or_service: str, after: float | None = None, limit: int = 100) -> list[LogRecord]:
        found = [
            record
            for service, record in self.lines
            if instance_or_service in (service, record.instance) and (after is None or record.time > after)
        ]
        return found[-limit:]

    def instances(self) -> list[Instance]:
        return list(self.running.values())

    def usage(self, service: str) -> Usage:
        return Usage(0.25, 64_000_000)

    def serving(self, public_name: str) -> list[str]:
        """The releases behind a public name."""
        return [instance.release for instance in self.routes.get(public_name, [])]


class Judged:
    """A client whose every exchange is judged by a document; `violations` keeps what was found.

    What a platform accepts is judged too: a request that is answered with success has to be a documented one.

    Args:
        stand_ins: Paths newer than the document, and the documented path that they are judged by.
    """

    def __init__(
        self,
        app: Any,
        document: Document,
        headers: dict[str, str],
        base: str = "",
        stand_ins: Mapping[str, str] | None = None,
    ) -> None:
        self._document = document
        self._stand_ins = stand_ins or {}
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url=f"http://127.0.0.1{base}", headers=headers
        )
        self.violations: list[tuple[Violation, str]] = []
        self.judged: set[str] = set()

    async def __call__(self, method: str, path: str, expect: int | None = None, **options: Any) -> httpx.Response:
        """Send one request; `expect` is the status it has to be answered with."""
        answer = await self._client.request(method, path, **options)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        self._judge(answer)
        return answer

    async def raw(self, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
        """Send one request that no document covers; it is not judged."""
        return await self._client.request(method, path, headers=headers)

    async def close(self) -> None:
        await self._client.aclose()

    def _judge(self, answer: httpx.Response) -> None:
        request, media = answer.request, answer.headers.get("content-type")
        path = self._stand_ins.get(request.url.path, request.url.path)
        body = _read(answer.content, media)
        found = self._document.check_response(request.method, path, answer.status_code, body, media)
        if answer.is_success and found == []:
            asked = _read(request.content, request.headers.get("content-type"))
            query = list(request.url.params.multi_items())
            found = self._document.check_request(request.method, path, query, asked)
        operation = self._document.operation(request.method, path)
        self.judged.add(operation.name if operation else f"{request.method} {path}")
        self.violations += [(violation, answer.text[:300]) for violation in found]

    def unexcused(self, excuses: Sequence["Excuse"]) -> list[str]:
        """What remains of the violations once the named exceptions are taken away; empty is what a test wants."""
        return [f"{v}\n    {text}" for v, text in self.violations if not any(excuse.covers(v) for excuse in excuses)]


def _read(content: bytes, media: str | None) -> Any:
    if not content:
        return None
    is_json = media is not None and "json" in media and "stream+json" not in media
    return json.loads(content) if is_json else CODEC_FREE


class Excuse:
    """One named exception: which violations it covers, and the source that says the real platform does so."""

    def __init__(self, kind: str, operation: str, where: str, source: str, what: str = "") -> None:
        self.kind, self.operation, self.where, self.source, self.what = kind, operation, where, source, what

    def covers(self, violation: Violation) -> bool:
        return (
            violation.kind == self.kind
            and self.operation in violation.operation
            and (self.where in ("*", f"{violation.where[:1]}XX") or violation.where.endswith(self.where))
            and self.what in violation.what
        )
