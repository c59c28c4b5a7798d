"""What it costs to do nothing: the worker, and a console that looks at it."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

from bench.figures import Figure
from bench.start import QUARTERDECK
from bench.terminal import Terminal, cpu_seconds, resident_bytes

SECONDS = 20.0
UNTIL_QUIET = 15.0
"""Seconds after which worker and console have found out that nothing happens."""


def measure(home: Path) -> list[Figure]:
    """Needs a playground without load in `home`; a worker is started where none runs."""
    subprocess.run([QUARTERDECK, "--home", str(home), "status"], check=True, capture_output=True)
    answer = subprocess.run(
        [QUARTERDECK, "--home", str(home), "worker", "status", "--format", "json"], check=True, capture_output=True
    )
    worker = int(json.loads(answer.stdout)["pid"])
    alone = _share(worker)
    terminal = Terminal([QUARTERDECK, "--home", str(home)])
    try:
        terminal.first_paint(b"production")
        terminal.settle()
        terminal.read_for(UNTIL_QUIET)
        before, at = cpu_seconds(terminal.pid), time.perf_counter()
        watched_before = cpu_seconds(worker)
        sent = len(terminal.read_for(SECONDS))
        length = time.perf_counter() - at
        console = (cpu_seconds(terminal.pid) - before) / length * 100
        watched = (cpu_seconds(worker) - watched_before) / length * 100
        memory = resident_bytes(terminal.pid) / 2**20
    finally:
        terminal.close()
    return [
        Figure("idle · worker, nobody looks", alone, "% of a core", 1.0),
        Figure("idle · worker, a console looks", watched, "% of a core", 1.0),
        Figure("idle · worker memory", resident_bytes(worker) / 2**20, "MiB"),
        Figure("idle · console", console, "% of a core", 0.3),
        Figure("idle · console, bytes to the terminal", sent / length, "B/s", 0.0),
        Figure("idle · console memory", memory, "MiB"),
    ]


def _share(pid: int) -> float:
    before, at = cpu_seconds(pid), time.perf_counter()
    time.sleep(SECONDS)
    return (cpu_seconds(pid) - before) / (time.perf_counter() - at) * 100
