"""How long until something is seen: commands against a bare interpreter, the console against a bare Textual app."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, median
from bench.terminal import Terminal

RUNS = 7
QUARTERDECK = str(Path(sys.executable).with_name("quarterdeck"))
BARE = """
from textual.app import App
from textual.widgets import Static
class Bare(App):
    def compose(self):
        yield Static("ready to go")
Bare().run()
"""


def measure(home: Path) -> list[Figure]:
    """Needs a playground and a worker that run in `home`."""
    python = median([_seconds([sys.executable, "-c", "pass"]) for _ in range(RUNS)])
    with_help = median([_seconds([QUARTERDECK, "--help"]) for _ in range(RUNS)])
    status = median([_seconds([QUARTERDECK, "--home", str(home), "status"]) for _ in range(RUNS)])
    bare, console, filled = [], [], []
    for _ in range(RUNS):  # in turn, so that a busy moment hurts both
        bare.append(_paint([sys.executable, "-c", BARE], b"ready to go"))
        console.append(_paint([QUARTERDECK, "--home", str(home)], b"Environments"))
        filled.append(_paint([QUARTERDECK, "--home", str(home)], b"healthy"))
    ratio = median(console) / median(bare)
    return [
        Figure("start · python -c pass", python, "s"),
        Figure("start · quarterdeck --help", with_help, "s", note=f"{with_help / python:.1f} × bare python"),
        Figure("start · quarterdeck status", status, "s", note=f"{status / python:.1f} × bare python"),
        Figure("start · bare Textual app, first paint", median(bare), "s"),
        Figure("start · console, first paint", median(console), "s"),
        Figure("start · console against bare Textual", ratio, "×", 1.6),
        Figure("start · console, filled with what the worker says", median(filled), "s"),
    ]


def _seconds(command: list[str]) -> float:
    before = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - before


def _paint(command: list[str], text: bytes) -> float:
    terminal = Terminal(command)
    try:
        return terminal.first_paint(text)
    finally:
        terminal.close()
