"""A real HAProxy for tests: one process for the whole run, put back to its file's weights for each test.

Its arms are frontends of the same process: `/slow` takes a while, `/bad` is a 503, `/drop` ends without an answer. The
server `gone` of the backend `shaky` listens nowhere.
"""

import atexit
import functools
import os
import shutil
import socket
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from console.playground.processes import free_port, spawn
from providers.haproxy.settings import BOUNDS_MS

PROGRAM = shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
ABSENT = "HAProxy is not installed (Debian package haproxy)"
WITHIN_S = 10.0
SLOW_MS = 400
ARMS = ("blue", "green")
WEIGHTS = {"app": {"blue": 1, "green": 0}, "many": {"blue-1": 1, "blue-2": 1, "green-1": 0}, "shaky": {"blue": 1}}


class RealHAProxy:
    """`admin` is its socket, `public` its address; the header x-backend chooses the backend there, else it is `app`."""

    def __init__(self, directory: Path, *, more: str = "", keeps_state: bool = False) -> None:
        assert PROGRAM is not None
        self.directory = directory
        self.admin = directory / "admin.sock"
        self.state = directory / "state"
        self.config = directory / "haproxy.cfg"
        self._ports = {name: free_port() for name in ("public", *ARMS, "nobody")}
        self.public = f"http://127.0.0.1:{self._ports['public']}"
        self.config.write_text(self._build_config(keeps_state) + more)
        self._master = directory / "master.sock"
        with (directory / "log").open("wb") as log:
            arguments = [PROGRAM, "-W", "-S", str(self._master), "-f", str(self.config)]
            self._process = spawn(arguments, log, {"HOME": str(directory)}, directory)
        self._wait()

    @property
    def address(self) -> str:
        return f"unix://{self.admin}"

    def command(self, line: str, where: Path | None = None) -> str:
        """Send one line over a socket, beside the adapter."""
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(WITHIN_S)
            door.connect(str(where or self.admin))
            door.sendall(line.encode() + b"\n")
            return b"".join(iter(lambda: door.recv(65536), b"")).decode()

    def weights(self, backend: str = "app") -> dict[str, int]:
        lines = self.command(f"show servers state {backend}").strip().splitlines()[2:]
        return {line.split(" ")[3]: int(line.split(" ")[7]) for line in lines}

    def reset(self) -> None:
        for backend, servers in WEIGHTS.items():
            for server, weight in servers.items():
                self.command(f"set server {backend}/{server} weight {weight};set server {backend}/{server} state ready")
        self.command("set server shaky/gone weight 0;clear counters all;clear table app_latency")

    def reload(self) -> None:
        """Have the master start a new worker, and wait until it is the one that answers."""
        before = self._pid()
        deadline = time.monotonic() + WITHIN_S
        while self._try("reload", self._master) is None:
            assert time.monotonic() < deadline, "the master does not listen"
            time.sleep(0.01)
        while self._pid() in ("", before) and time.monotonic() < deadline:
            time.sleep(0.01)

    def ask(self, path: str = "/", times: int = 1, **headers: str) -> list[str]:
        """What answered each of so many requests; the status where it was no arm."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with httpx.Client(trust_env=False, verify=False, timeout=WITHIN_S, headers=given) as client:
            answers = [client.get(f"{self.public}{path}") for _ in range(times)]
        return [answer.text if answer.is_success else str(answer.status_code) for answer in answers]

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(WITHIN_S)
        except TimeoutError:
            self._process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _pid(self) -> str:
        told = self._try("show info") or ""
        return next((line.removeprefix("Pid: ") for line in told.splitlines() if line.startswith("Pid: ")), "")

    def _try(self, line: str, where: Path | None = None) -> str | None:
        """The answer; None while nobody listens, as between two processes."""
        try:
            return self.command(line, where)
        except OSError:
            return None

    def _wait(self) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not self._pid():
            assert time.monotonic() < deadline, (self.directory / "log").read_text()
            time.sleep(0.01)

    def _build_config(self, keeps_state: bool) -> str:
        state = f"    server-state-file {self.state}\n" if keeps_state else ""
        load = "    load-server-state-from-file global\n" if keeps_state else ""
        blue, green = (f"127.0.0.1:{self._ports[arm]}" for arm in ARMS)
        return f"""global
    stats socket {self.admin} mode 600 level admin expose-fd listeners
{state}defaults
    mode http
    timeout connect 1s
    timeout client 10s
    timeout server 10s
    option redispatch
    retries 1
    option idle-close-on-response
{load}frontend public
    bind 127.0.0.1:{self._ports["public"]}
    use_backend %[req.hdr(x-backend)] if {{ req.hdr(x-backend) -m found }}
    default_backend app
backend app
    balance roundrobin
{latency_rules()}
    use-server green if {{ req.hdr(x-arm) green }}
    server blue {blue} weight 1
    server green {green} weight 0
backend app_latency
    stick-table type string len 64 size 1k store gpc({len(BOUNDS_MS) + 1})
backend many
    balance roundrobin
    cookie ARM insert indirect nocache
    server blue-1 {blue} weight 1 cookie b1
    server blue-2 {blue} weight 1 cookie b2
    server green-1 {green} weight 0 cookie g1
backend shaky
    balance roundrobin
    server blue {blue} weight 1
    server gone 127.0.0.1:{self._ports["nobody"]} weight 0
backend fixed
    balance source
    server blue {blue}
    server green {green}
{"".join(self._arm(arm) for arm in ARMS)}"""

    def _arm(self, arm: str) -> str:
        return f"""frontend arm-{arm}
    bind 127.0.0.1:{self._ports[arm]}
    timeout tarpit {SLOW_MS}ms
    http-request tarpit status 200 content-type text/plain string {arm} if {{ path /slow }}
    http-request silent-drop if {{ path /drop }}
    http-request return status 503 content-type text/plain string bad if {{ path /bad }}
    http-request return status 200 content-type text/plain string {arm}
"""


def latency_rules() -> str:
    """The lines that docs/haproxy.md asks for."""
    last = len(BOUNDS_MS)
    lines = [
        "http-request set-var(txn.began) date(0,us)",
        "http-response set-var(txn.took) date(0,us),sub(txn.began)",
        "http-response track-sc2 srv_name table app_latency",
        *(
            f"http-response sc-inc-gpc({place},2) if {{ var(txn.took) -m int le {bound * 1000} }}"
            for place, bound in enumerate(BOUNDS_MS)
        ),
        f"http-response sc-inc-gpc({last},2)",
    ]
    return "\n".join(f"    {line}" for line in lines)


@functools.cache
def real_haproxy() -> RealHAProxy:
    """Skips the test where there is no HAProxy."""
    if PROGRAM is None:
        pytest.skip(ABSENT)
    found = RealHAProxy(Path(tempfile.mkdtemp(prefix="qdh-")))
    atexit.register(found.stop)
    return found
