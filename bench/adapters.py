"""What an adapter costs to import, against httpx and pydantic alone: `python -m bench adapters`."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench.figures import Figure, median
from providers.registry import KINDS

RUNS = 9
ALONE = "import httpx, pydantic"


def measure(home: Path) -> list[Figure]:
    """Needs nothing that runs. In turn, so that a busy moment hurts all."""
    programs = {"": ALONE} | {kind: f"import providers.{kind}.adapter" for kind in KINDS}
    taken: dict[str, list[float]] = {kind: [] for kind in programs}
    for _ in range(RUNS):
        for kind, program in programs.items():
            taken[kind].append(_seconds(program))
    alone = median(taken.pop(""))
    return [
        Figure("import · httpx and pydantic alone", alone, "s"),
        *(
            Figure(f"import · adapter {kind}, against both alone", median(own) / alone, "×", 1.3)
            for kind, own in taken.items()
        ),
    ]


def _seconds(program: str) -> float:
    before = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - before
