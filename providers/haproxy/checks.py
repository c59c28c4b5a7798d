"""What keeps HAProxy from losing requests or weights, and from being judged: looked for where it can be seen.

The socket tells its level, how a backend balances, whether it has a latency table. The rest stands only in HAProxy's
configuration file, which is read where `config` names it; includes and conditions of it are not followed.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from console.domain.errors import Rejected

if TYPE_CHECKING:
    from providers.haproxy.client import HAProxyClient
    from providers.haproxy.settings import HAProxySettings
    from providers.haproxy.traffic import Routes

EXACT = "roundrobin"


@dataclass(frozen=True)
class Checks:
    backend: Annotated[str, "name of one backend; those of the configured routes when left out"] = ""


@dataclass(frozen=True)
class Check:
    """`good` is None where it cannot be seen from here."""

    about: str
    good: bool | None
    words: str
    remedy: str = ""


@dataclass(frozen=True)
class _Rule:
    """A line that HAProxy's configuration should have."""

    about: str
    line: str
    without: str

    def judge(self, text: str | None) -> Check:
        if text is None:
            return Check(self.about, None, "not seen: no `config` is set", f"Make sure that it has `{self.line}`.")
        if re.search(rf"^\s*{self.line}", text, re.MULTILINE):
            return Check(self.about, True, f"`{self.line}` is there")
        return Check(self.about, False, self.without, f"Add `{self.line}`.")


RULES = (
    _Rule(
        "reloads without losses",
        "option idle-close-on-response",
        "a reload closes idle connections that a visitor may just be using again",
    ),
    _Rule(
        "weights over reloads",
        "load-server-state-from-file",
        "a reload brings back the weights of the file",
    ),
    _Rule("refused connections", "option redispatch", "a server that refuses a connection costs the request"),
)


class CheckReader:
    def __init__(self, client: HAProxyClient, routes: Routes, settings: HAProxySettings) -> None:
        self._client = client
        self._routes = routes
        self._settings = settings

    async def fetch_checks(self, request: Checks) -> Sequence[Check]:
        _, level = await self._client.fetch_process()
        found = [
            Check("level of the socket", level == "admin", level, "" if level == "admin" else "Write `level admin`.")
        ]
        for backend in [request.backend] if request.backend else self._settings.routes:
            try:
                found += [check async for check in self._check_backend(backend)]
            except Rejected as problem:
                found.append(Check(f"backend {backend}", False, problem.what, problem.remedy))
        text = await asyncio.to_thread(_read, self._settings.config)
        return [*found, *(rule.judge(text) for rule in RULES), *self._check_file()]

    async def _check_backend(self, backend: str) -> AsyncIterator[Check]:
        counted = await self._client.fetch_figures(backend, self._routes.table_of(backend))
        self._routes.arms(backend, [server.name for server in counted.servers])
        algorithm = counted.backend.algorithm
        if algorithm:
            words = f"balances by {algorithm}"
            remedy = "" if algorithm == EXACT else f"Write `balance {EXACT}`: a share is then what was set, exactly."
            yield Check(f"balance of {backend}", algorithm == EXACT, words, remedy)
        if counted.backend.cookie:
            words = f"visitors stay where the cookie {counted.backend.cookie} says; shares move slowly"
            yield Check(f"stickiness of {backend}", None, words)
        table = self._routes.table_of(backend)
        if counted.table is None:
            words = f"there is no table {table}: latency is known as a mean of the last requests only, and never judged"
            yield Check(f"latency of {backend}", False, words, "Add the rules of docs/haproxy.md to the backend.")
        else:
            yield Check(f"latency of {backend}", True, f"counted in {table}")

    def _check_file(self) -> Iterator[Check]:
        if self._settings.state_file:
            parent = Path(self._settings.state_file).parent
            good = parent.is_dir()
            yield Check("state file", good, str(self._settings.state_file), "" if good else f"Create {parent}.")


def _read(path: str) -> str | None:
    if not path:
        return None
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return None
