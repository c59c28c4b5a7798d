"""Kill the worker at random moments and see that nothing is lost, nothing done twice and no request fails.

Each round deploys a release on the playground while the worker is killed (`kill -9`) a few times; the next command
starts another one. Rounds of a kind end in the same state, so what the platforms were made to do is compared with a
round in which nobody was killed (the erring release may be caught by one step or another: each is a kind of its own).
`python -m bench.kills --kills 25 --seed 7`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.figures import Figure, table
from bench.start import QUARTERDECK

GOOD, ERRING = "v1.1", "v1.3-errors"
LONGEST = 300.0
KILLS_A_ROUND = 3


@dataclass(frozen=True)
class Round:
    """How one deployment ended, and what it cost."""

    release: str
    stopped_by: str
    status: str
    weights: dict[str, int]
    changes: dict[str, int]
    failed: int
    kills: int


class Deck:
    """One playground, by its command line."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def run(self, *arguments: str, check: bool = True) -> Any:
        command = [QUARTERDECK, "--home", str(self._home), *arguments, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
        if check and done.returncode not in {0, 3, 5}:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def kill_worker(self) -> None:
        pid = int(self.run("worker", "status")["pid"])
        os.kill(pid, signal.SIGKILL)

    def settled(self) -> Any:
        """The playground's figures once its counters rest between two requests."""
        return self.run("playground", "status")


def play(deck: Deck, release: str, kill_after: Sequence[float]) -> Round:
    """Deploy, kill the worker after each of these seconds, and wait for the end."""
    before = deck.settled()
    began = time.monotonic()
    deployment = deck.run("deploy", "production", "--release", release)["id"]
    for moment in kill_after:
        time.sleep(max(0.0, began + moment - time.monotonic()))
        deck.kill_worker()
        deck.run("status")
    while True:
        shown = deck.run("show", deployment)
        if shown["status"] in {"succeeded", "rolled_back", "aborted", "failed"}:
            break
        if time.monotonic() - began > LONGEST:
            raise RuntimeError(f"{deployment} is still {shown['status']} after {LONGEST:.0f} s")
        time.sleep(0.5)
    after = deck.settled()
    changes = {name: after["changes"][name] - before["changes"][name] for name in after["changes"]}
    weights = after["services"]["backend"]["weights"]
    bad = sum(failure["release"] != release for failure in after["failures"][len(before["failures"]) :])
    failed = after["requests_failed"] - before["requests_failed"] if release == GOOD else bad
    stopped_by = next((step["id"] for step in shown["steps"] if step["status"] == "failed"), "")
    return Round(release, stopped_by, shown["status"], weights, changes, failed, len(kill_after))


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    options.add_argument("--kills", type=int, default=25)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    chance = random.Random(chosen.seed)
    with tempfile.TemporaryDirectory(prefix="qd-kills-") as directory:
        deck = Deck(Path(directory))
        deck.run("playground", "up")
        try:
            play(deck, GOOD, ())  # the very first deployment also switches off what a platform does by itself
            deck.run("rollback", "production", "--wait")
            rounds = _rounds(deck, chosen.kills, chance)
        finally:
            deck.run("worker", "stop", check=False)
            deck.run("playground", "down", check=False)
    return _tell(rounds)


def _rounds(deck: Deck, kills: int, chance: random.Random) -> list[Round]:
    expected: dict[tuple[str, str], Round] = {}
    rounds: list[Round] = []
    left = kills
    while left:
        release = GOOD if len(rounds) % 2 == 0 else ERRING
        number = 0 if len(rounds) < 2 else min(KILLS_A_ROUND, left)
        moments = sorted(chance.uniform(0.0, 30.0) for _ in range(number))
        result = play(deck, release, moments)
        if release == GOOD:
            deck.run("rollback", "production", "--wait")
        reference = expected.setdefault((release, result.stopped_by), result)
        left -= number
        rounds.append(result)
        same = result.changes == reference.changes
        words = f"{release}: {result.status}, killed {number} times at {[round(m, 1) for m in moments]}"
        print(f"{words}, {result.failed} failed, changes {'as without kills' if same else result.changes}", flush=True)
    return rounds


def _tell(rounds: Sequence[Round]) -> int:
    expected: dict[tuple[str, str], Round] = {}
    for result in rounds:
        expected.setdefault((result.release, result.stopped_by), result)
    pairs = [(result, expected[result.release, result.stopped_by]) for result in rounds]
    wrong_end = sum((one.status, one.weights) != (same.status, same.weights) for one, same in pairs)
    repeated = sum(one.changes != same.changes for one, same in pairs)
    figures = [
        Figure("kills · of the worker, at random moments", sum(r.kills for r in rounds), ""),
        Figure("kills · deployments that ended otherwise", wrong_end, "", 0),
        Figure("kills · deployments whose platforms were asked otherwise", repeated, "", 0),
        Figure("kills · requests that failed because of it", sum(r.failed for r in rounds), "", 0),
    ]
    print(table(figures))
    return 0 if all(figure.holds is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
