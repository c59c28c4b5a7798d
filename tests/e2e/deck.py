"""The command line as a script uses it: JSON on stdout, words on stderr, an exit code.

What changes something is a process of its own. What only looks, or is only refused, may run in this process, where it
need not load everything again: the same words lead to the same function, and the worker is a process all the same.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.cli.main import main
from console.client.places import Places

PATIENCE = 240.0
"""Seconds after which something is broken, on the slowest machine that these tests run on."""

COMMAND = [sys.executable, "-m", "console.cli.main"]
REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ran:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Running:
    """A command that is still running; its words on stderr are read as they come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said = ""

    def wait_for(self, pattern: str) -> None:
        """Read until something matches; the process ending first is a failure that shows what it said."""
        assert self.process.stderr is not None
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.said):
            assert time.monotonic() < deadline, f"{pattern!r} never came:\n{self.said}"
            if not select.select([self.process.stderr], [], [], 1.0)[0]:
                continue
            piece = os.read(self.process.stderr.fileno(), 65536)
            assert piece, f"It ended before {pattern!r}:\n{self.said}"
            self.said += piece.decode()

    def end(self) -> Ran:
        """Wait for its end."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return Ran(self.process.returncode, out.decode(), self.said + err.decode())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@dataclass(frozen=True)
class Deck:
    """One state directory, and the configuration that is used with it."""

    home: Path
    config: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        plain = {key: value for key, value in os.environ.items() if not key.startswith("QUARTERDECK_")}
        named = {"QUARTERDECK_HOME": str(self.home)} | ({"QUARTERDECK_CONFIG": str(self.config)} if self.config else {})
        return plain | {"PYTHONPATH": str(REPOSITORY)} | named

    def __call__(self, *arguments: str, **more: str) -> Ran:
        """Run a command to its end."""
        ran = subprocess.run(
            [*COMMAND, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=self.environment | more,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def here(self, *arguments: str) -> Ran:
        """Run a command to its end in this process."""
        places = ["--home", str(self.home), *(["--config", str(self.config)] if self.config else [])]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*places, *arguments])
        return Ran(code, out.getvalue(), err.getvalue())

    def json(self, *arguments: str) -> Any:
        """Run a command in this process that must end well, and read what it printed."""
        ran = self.here(*arguments, "--format", "json")
        assert ran.code == 0, ran
        return ran.json

    def begin(self, *arguments: str) -> Running:
        """Start a command and leave it running."""
        return Running(
            subprocess.Popen(
                [*COMMAND, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=self.environment,
            )
        )

    @property
    def worker_pid(self) -> int:
        """The process that holds the worker's lock; 0 for none."""
        with contextlib.suppress(OSError, ValueError):
            return int(Places(self.home).lock.read_text())
        return 0

    def kill_worker(self) -> int:
        """`kill -9`, and wait until it is gone."""
        pid = self.worker_pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):  # only a worker that was started from here is a child
            os.waitpid(pid, 0)
        deadline = time.monotonic() + PATIENCE
        while _is_alive(pid):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return pid

    def stop(self) -> None:
        self.here("worker", "stop")


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@dataclass(frozen=True)
class Scene:
    """What the playground tells of itself, as far as deployments change it."""

    weights: dict[str, int]
    releases: dict[str, tuple[str, ...]]
    migrations: int
    changes: dict[str, int]
    failed: int
    requests: int
    failures: tuple[str, ...]

    @classmethod
    def of(cls, deck: Deck) -> Scene:
        told = deck.json("playground", "status")
        services = told["services"]
        counted = told["migrations"]["production"]
        return cls(
            weights=services["backend"]["weights"],
            # Vercel keeps every build; only what was promoted counts, which the edge tests look at.
            releases={
                name: tuple(sorted({one["release"] for one in service["instances"]}))
                for name, service in services.items()
                if name not in {"database", "frontend"}
            },
            migrations=counted["applied"] - counted["reverted"],
            changes=told["changes"],
            failed=told["requests_failed"],
            requests=told["requests_total"],
            failures=tuple(str(one["reason"]) for one in told["failures"]),
        )

    @property
    def lasting(self) -> tuple[object, ...]:
        """What a deployment that was taken back leaves as it was."""
        return self.weights, self.releases, self.migrations

    def changes_since(self, earlier: Scene) -> dict[str, int]:
        return {name: count - earlier.changes[name] for name, count in self.changes.items()}


def frontend_release(deck: Deck) -> str:
    """What the public frontend serves, by the product's own word and the source's name for it.

    A worker that has just started knows the commit first and its tag a moment later.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        services = deck.json("status", "production")[0]["services"]
        release = next(str(service["release"]) for service in services if service["name"] == "frontend")
        if release.startswith("v"):
            return release
        assert time.monotonic() < deadline, f"{release} never got its name"
        time.sleep(0.2)
