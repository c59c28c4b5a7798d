"""Real routers in front of a playground's product: its own Caddy edge, or HAProxy, and what each counted.

Both lead to the same inner servers of the playground's harbour, one for each arm, and both are what the playground's
configuration then names as the router.
"""

from __future__ import annotations

import csv
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from console.playground.processes import free_port

ARMS = ("blue", "green")
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin"
UP_WITHIN_S = 10.0
CODE = re.compile(r'caddy_http_request_duration_seconds_count\{[^}]*code="(\d+)"[^}]*server="edge"\} (\S+)')


def find(program: str) -> str:
    """The path of a program, also where only root looks; empty where it is missing."""
    return shutil.which(program, path=SEARCHED) or ""


@dataclass(frozen=True)
class Counted:
    """What the router says that it answered, and how much of it failed by an answer of 500 or more or by none."""

    answers: int = 0
    failed: int = 0

    def __add__(self, other: Counted) -> Counted:
        return Counted(self.answers + other.answers, self.failed + other.failed)


class Front(Protocol):
    """One router. `url` is public."""

    url: str

    def count(self) -> Counted: ...

    def weights(self) -> dict[str, int]:
        """Read from the router itself, not from the worker."""
        ...

    def reload(self) -> None: ...

    def stop(self) -> None: ...


class CaddyFront:
    """The playground's edge as it is. A reload loads the router's whole configuration anew."""

    def __init__(self, home: Path) -> None:
        told = tomllib.loads((home / "config.toml").read_text())
        self._admin = told["providers"]["edge"]["admin_url"]
        self.url = told["environments"]["production"]["services"]["backend"]["url"]

    def count(self) -> Counted:
        codes = [(int(code), int(float(count))) for code, count in CODE.findall(self._ask("GET", "/metrics"))]
        return Counted(sum(n for _, n in codes), sum(n for code, n in codes if code >= 500 or not code))

    def weights(self) -> dict[str, int]:
        policy = json.loads(self._ask("GET", "/id/backend/load_balancing/selection_policy"))
        return dict(zip(ARMS, policy["weights"], strict=True))

    def reload(self) -> None:
        self._ask("POST", "/load", self._ask("GET", "/config/"), {"Cache-Control": "must-revalidate"})

    def stop(self) -> None:
        """It ends with the playground."""

    def _ask(self, method: str, path: str, body: str = "", headers: dict[str, str] | None = None) -> str:
        parts = urlsplit(self._admin)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")
        return text


@dataclass
class HAProxyFront:
    """HAProxy with a master process; a reload is asked of that, and starts a new worker. Counters add up over both."""

    home: Path
    url: str = ""
    _seen: Counted = field(default_factory=Counted)
    _before: Counted = field(default_factory=Counted)

    def __post_init__(self) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        dials = _inner_sockets(self.home)
        self._directory = Path(next(iter(dials.values()))).parent
        self._socket, self._master = self._directory / "ha.sock", self._directory / "ha-master.sock"
        state, config = self._directory / "ha-state", self._directory / "haproxy.cfg"
        state.write_text("")
        config.write_text(_haproxy_config(self._socket, state, port, dials))
        with (self._directory / "haproxy.log").open("wb") as log:
            command = [find("haproxy"), "-W", "-S", str(self._master), "-f", str(config)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self._directory)
        self._wait()
        _name_haproxy(self.home / "config.toml", self._socket, state, self.url)

    def count(self) -> Counted:
        """A worker that began anew counts from nothing: what it had counted until the last look is kept."""
        now = self._read()
        if now.answers < self._before.answers:
            self._seen += self._before
        self._before = now
        return self._seen + now

    def weights(self) -> dict[str, int]:
        rows = self._rows()
        return {row["svname"]: int(row["weight"]) for row in rows if row["svname"] in ARMS}

    def reload(self) -> None:
        self.count()
        _tell(self._master, "reload")
        time.sleep(0.5)
        self._wait()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _read(self) -> Counted:
        row = next(row for row in self._rows() if row["svname"] == "FRONTEND")
        return Counted(int(row["req_tot"]), int(row["hrsp_5xx"]))

    def _rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(_tell(self._socket, "show stat").lstrip("# ").splitlines()))

    def _wait(self) -> None:
        deadline = time.monotonic() + UP_WITHIN_S
        while True:
            try:
                self._read()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)


def open_front(router: str, home: Path) -> Front:
    return HAProxyFront(home) if router == "haproxy" else CaddyFront(home)


def _inner_sockets(home: Path) -> dict[str, str]:
    """The harbour's inner servers, as the playground's router names them."""
    running: Any = json.loads(CaddyFront(home)._ask("GET", "/id/backend"))
    dials = [upstream["dial"].removeprefix("unix/") for upstream in running["upstreams"]]
    return dict(zip(ARMS, dials, strict=True))


def _haproxy_config(admin: Path, state: Path, port: int, dials: dict[str, str]) -> str:
    return f"""global
    stats socket {admin} mode 600 level admin expose-fd listeners
    server-state-file {state}
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 30s
    option redispatch
    retries 3
    option idle-close-on-response
    load-server-state-from-file global
frontend public
    bind 127.0.0.1:{port}
    default_backend app
backend app
    balance roundrobin
    server blue unix@{dials["blue"]} weight 1
    server green unix@{dials["green"]} weight 0
"""


def _name_haproxy(config: Path, admin: Path, state: Path, url: str) -> None:
    """Make HAProxy the router in the playground's configuration."""
    text = config.read_text()
    edge = f'[providers.edge]\nkind = "haproxy"\nsocket = "unix://{admin}"\nstate_file = "{state}"\n'
    text = re.sub(r"\[providers\.edge\]\n(?:[^\[\n].*\n)+", edge, text)
    text = text.replace('route = "backend", metrics = "backend-{arm}"', 'route = "app", metrics = "{arm}"')
    public = tomllib.loads(config.read_text())["environments"]["production"]["services"]["backend"]["url"]
    config.write_text(text.replace(f'url = "{public}"', f'url = "{url}"'))


def _tell(path: Path, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(path))
        line.sendall(command.encode() + b"\n")
        said = b""
        while chunk := line.recv(65536):
            said += chunk
    return said.decode()
