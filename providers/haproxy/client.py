"""The commands of HAProxy's runtime socket, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from console.domain.errors import Rejected, UnexpectedReply
from providers.haproxy.socket import sections_of
from providers.haproxy.wire import (
    Backend,
    Figures,
    Process,
    Server,
    parse_figures,
    parse_process,
    parse_servers,
    parse_table,
)
from providers.http import ProviderHttp, segment
from providers.redaction import excerpt
from providers.wire import ShapeError

NAME = re.compile(r"[A-Za-z0-9_.:-]+")
"""What HAProxy allows in names. Anything else could end a command and begin another."""

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """A backend's servers as they are set, and the process that said so."""

    servers: tuple[Server, ...]
    process: Process

    @property
    def is_as_configured(self) -> bool:
        """Whether every server has the weight of the configuration file, as after a restart."""
        return all(server.weight == server.initial for server in self.servers)


@dataclass(frozen=True)
class Counted:
    """A backend's figures, and the latency table's counters by server where there is one."""

    backend: Backend
    servers: tuple[Figures, ...]
    table: Mapping[str, Sequence[int]] | None


class HAProxyClient:
    """Raises the contract's errors, as `ProviderHttp` does."""

    def __init__(self, http: ProviderHttp) -> None:
        self.http = http

    async def fetch_process(self) -> tuple[Process, str]:
        """The process, and the level of the socket: user, operator or admin."""
        info, level = await self._ask("show info", "show cli level")
        return self._read(parse_process, info), level.strip()

    async def fetch_servers(self, backend: str) -> Seen:
        """Raises Rejected for a backend that is not there."""
        return await self._fetch_servers(self._checked(backend))

    async def find_servers(self, backend: str) -> Seen | None:
        """The same, None for a backend that is not there."""
        if not NAME.fullmatch(backend):
            return None
        reply = await self._send("GET", ("show info", f"show servers state {backend}"), accept=(404,))
        return None if reply is None else self._seen(reply)

    async def fetch_backends(self) -> Sequence[str]:
        """Names of all backends with servers, in the order of the configuration."""
        (listed,) = await self._ask("show servers state")
        lines = listed.strip().splitlines()
        if not lines or lines[0] != "1":
            raise self._unexpected("it is no list of servers", listed)
        names = [line.split(" ")[1] for line in lines[2:] if len(line.split(" ")) > 1]
        return list(dict.fromkeys(names))

    async def fetch_state(self) -> str:
        """Every server of every backend, in the form of a `server-state-file`."""
        (state,) = await self._ask("show servers state")
        self._read(parse_servers, state)
        return state.strip() + "\n"

    async def fetch_figures(self, backend: str, table: str = "") -> Counted:
        """Figures and latency table of one moment."""
        commands = [
            f"show stat {self._checked(backend)} 6 -1",
            *([f"show table {self._checked(table)}"] if table else []),
        ]
        figures, *tables = await self._ask(*commands)
        about, servers = self._read(parse_figures, figures)
        return Counted(about, servers, self._read(parse_table, tables[0]) if tables else None)

    async def set_servers(self, backend: str, changes: Iterable[tuple[str, str]]) -> None:
        """Make changes in one line, in their order: `("green", "weight 10")`. Harmless to repeat."""
        commands = [
            f"set server {self._checked(backend)}/{self._checked(server)} {change}" for server, change in changes
        ]
        reply = await self._send("POST", commands)
        if reply is None or reply.strip() or reply.count("\n") < len(commands):
            raise self._unexpected("it did not confirm every change", reply or "")

    async def _fetch_servers(self, backend: str) -> Seen:
        reply = await self._send("GET", ("show info", f"show servers state {backend}"), accept=(404,))
        if reply is None:
            raise self.refuse(
                f"HAProxy has no backend {backend!r}.",
                f"show servers state {backend}",
                "A route's name is the name of a backend with servers in HAProxy's configuration.",
            )
        return self._seen(reply)

    def _seen(self, reply: str) -> Seen:
        info, servers = self._split(reply, 2)
        return Seen(self._read(parse_servers, servers), self._read(parse_process, info))

    async def _ask(self, *commands: str) -> Sequence[str]:
        reply = await self._send("GET", commands)
        return self._split(reply or "", len(commands))

    async def _send(self, method: str, commands: Sequence[str], accept: tuple[int, ...] = ()) -> str | None:
        """None for a status in `accept`."""
        path = "/" + segment(";".join(commands))
        reply = await self.http.send(method, path, accept=accept, as_text=True, repeatable=True)
        return None if reply.status in accept else reply.text

    def _split(self, reply: str, count: int) -> Sequence[str]:
        parts = sections_of(reply)
        if len(parts) != count or not reply.endswith("\n\n"):
            raise self._unexpected("its answer is cut short or not HAProxy's", reply)
        return parts

    def _read(self, parse: Callable[[str], T], section: str) -> T:
        try:
            return parse(section)
        except ShapeError as problem:
            raise self._unexpected(str(problem), section) from problem

    def _checked(self, name: str) -> str:
        if not NAME.fullmatch(name):
            words = f"{name!r} cannot be a name in HAProxy's configuration."
            raise self.refuse(words, "", "Names have letters, digits and _ . : - only.")
        return name

    def refuse(self, what: str, where: str, remedy: str) -> Rejected:
        return Rejected(self.http.provider, what, where, remedy)

    def _unexpected(self, what: str, text: str) -> UnexpectedReply:
        shown = excerpt(self.http.redact(text))
        return UnexpectedReply(
            self.http.provider,
            f"HAProxy sent an answer of a shape not known here: {what}: {shown}",
            "runtime socket",
            "Check [providers] socket, and that HAProxy itself listens there.",
        )
