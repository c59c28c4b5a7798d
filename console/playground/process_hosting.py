"""Hosting with real processes of this machine; see `hosting` for what each method promises."""

import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import console
from console.domain.errors import ConsoleError
from console.playground.hosting import Instance, LogRecord, Usage
from console.playground.ingress import Ingress
from console.playground.process_logs import read_newest, trim
from console.playground.processes import cpu_seconds, end, free_port, memory_bytes, spawn
from console.playground.releases import Catalogue, Release
from console.playground.scene import database_of, dsn_for, environment_of

STOP_GRACE_S = 10.0
_HEALTH_TIMEOUT_S = 1.0
_FILES_KEPT = 6


class ProcessHosting:
    """Processes behind an ingress.

    Args:
        ingress: Started by its owner; only told where names lead.
        server_dsn: Address of a database of the server that holds every environment's database.
        logs: Directory for one log file a process.
        faults: Directory with one conditions file a release, `<release>.json`, which may be absent.
    """

    def __init__(self, ingress: Ingress, catalogue: Catalogue, server_dsn: str, logs: Path, faults: Path) -> None:
        self._ingress = ingress
        self._catalogue = catalogue
        self._server_dsn = server_dsn
        self._logs = logs
        self._faults = faults
        self._running: dict[str, tuple[Instance, subprocess.Popen[bytes]]] = {}
        self._files: dict[str, list[tuple[str, Path]]] = {}
        self._measured: dict[str, tuple[float, dict[int, float]]] = {}

    async def start(self, service: str, role: str, release: str) -> Instance:
        """Spawn one process and return at once.

        Raises:
            ConsoleError: There is no such release.
        """
        found = self._catalogue.find(release)
        if found is None:
            raise ConsoleError(f"There is no release {release}.", service, "`playground status` names the releases.")
        port = free_port()
        instance_id = f"{service}-{secrets.token_hex(3)}"
        path = self._logs / f"{instance_id}.log"
        with path.open("ab") as log:
            process = spawn(
                [sys.executable, "-P", "-m", "console.playground.product", *self._arguments(found, role, port)],
                log,
                environment=self._environment(service),
                directory=self._logs,
            )
        instance = Instance(instance_id, service, found.name, port, process.pid)
        self._running[instance_id] = (instance, process)
        files = self._files.setdefault(service, [])
        files.append((instance_id, path))
        while len(files) > _FILES_KEPT:
            files.pop(0)[1].unlink(missing_ok=True)
        return instance

    async def healthy(self, instance: Instance) -> bool:
        """Ask GET /health once."""
        return await self.alive(instance) and await answers_ok(instance.port, "/health")

    async def alive(self, instance: Instance) -> bool:
        """Tell whether the process still exists."""
        known = self._running.get(instance.id)
        return known is not None and known[1].poll() is None

    async def stop(self, instance: Instance) -> None:
        """Drain and end the process."""
        known = self._running.get(instance.id)
        if known is not None:
            await end(known[1], STOP_GRACE_S)
            self._running.pop(instance.id, None)

    async def route(self, public_name: str, instances: Sequence[Instance]) -> None:
        """Lead a public name to these processes."""
        await self._ingress.lead(public_name, [instance.port for instance in instances])

    def url_of(self, public_name: str) -> str:
        """Give the address of a public name."""
        return f"http://127.0.0.1:{self._ingress.port_of(public_name)}"

    def logs(self, instance_or_service: str, after: float | None = None, limit: int = 100) -> list[LogRecord]:
        """Read the newest lines of one process, or of a service's last few processes."""
        files = self._files.get(instance_or_service)
        if files is None:
            everything = (file for several in self._files.values() for file in several)
            files = [file for file in everything if file[0] == instance_or_service]
        return read_newest(files, after, limit)

    def instances(self) -> list[Instance]:
        """List what was started and not stopped."""
        return [instance for instance, _ in self._running.values()]

    def usage(self, service: str) -> Usage:
        """Measure CPU since the last call for this service, and memory now."""
        pids = [instance.pid for instance in self.instances() if instance.service == service]
        moment, used = time.monotonic(), {pid: cpu_seconds(pid) for pid in pids}
        before, used_before = self._measured.get(service, (moment, used))
        self._measured[service] = (moment, used)
        spent = sum(max(0.0, seconds - used_before.get(pid, 0.0)) for pid, seconds in used.items())
        elapsed = moment - before
        return Usage(spent / elapsed if elapsed > 0 else 0.0, sum(memory_bytes(pid) for pid in pids))

    def trim_logs(self) -> None:
        """Empty log files that have grown too large."""
        for files in self._files.values():
            for _, path in files:
                trim(path)

    async def stop_all(self) -> None:
        """End every process at once, without draining."""
        processes = [process for _, process in self._running.values()]
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await asyncio.gather(*(asyncio.to_thread(process.wait) for process in processes))
        self._running.clear()

    def _arguments(self, release: Release, role: str, port: int) -> list[str]:
        arguments = ["--role", role, "--port", str(port), "--release", release.name, "--commit", release.commit]
        arguments += ["--faults", str(self._faults / f"{release.name}.json")]
        if not release.behaviour.starts:
            arguments.append("--crash")
        if role == "api":
            behaviour = release.behaviour
            arguments += ["--error-rate", str(behaviour.error_rate), "--latency-ms", str(behaviour.latency_ms)]
        return arguments

    def _environment(self, service: str) -> dict[str, str]:
        database = database_of(environment_of(service))
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(Path(console.__path__[0]).parent),
            "DATABASE_URL": dsn_for(self._server_dsn, database.database),
        }


async def answers_ok(port: int, path: str) -> bool:
    """Tell whether one GET on a loopback port is answered 200 within a second."""
    with contextlib.suppress(OSError, TimeoutError, ValueError):
        async with asyncio.timeout(_HEALTH_TIMEOUT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    return False
