"""How soon a release at +5 points of errors is taken back: a canary on a playground under 50 requests a second.

The live release answers 1 % of its requests with 500, the new one 6 %. Told is the time from the moment the router
gives the canary 5 % until the verdict, and from the verdict until all traffic is back.
`python -m bench detection [--runs 10]`. Takes two minutes a run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.figures import Figure, median, percentile, table
from bench.kills import Deck
from bench.loss import TERMINAL
from console.playground import commands

LIVE, NEW = "v1.0", "v1.1"
BASE_RATE, ERRING_RATE = 0.01, 0.06
REQUESTS_PER_S = 50.0
FIRST_SHARE = 5
WITHIN_S, BACK_WITHIN_S = 60.0, 1.0
LONGEST_S = 400.0


@dataclass(frozen=True)
class Run:
    """Seconds; `share` is what the canary had when it was found."""

    found: float
    back: float
    share: int
    words: str


def play(deck: Deck) -> Run | str:
    """Deploy the erring release; a run in which it never got traffic tells why."""
    wish = ("--release", NEW, "--strategy", "canary", "--service", "backend")
    deployment = deck.run("deploy", "production", *wish)["id"]
    began = time.monotonic()
    while (shown := deck.run("show", deployment))["status"] not in TERMINAL:
        if time.monotonic() - began > LONGEST_S:
            raise RuntimeError(f"{deployment} is still {shown['status']} after {LONGEST_S:.0f} s")
        time.sleep(0.5)
    return _read(shown)


def _read(shown: Any) -> Run | str:
    if shown["status"] != "rolled_back":
        raise RuntimeError(f"{shown['id']} ended {shown['status']}: nobody found what is wrong with it")
    weights = [(_moment(record["at"]), max(0, record["weights"].get("green", 0))) for record in shown["traffic"]]
    reached = next((at for at, weight in weights if weight >= FIRST_SHARE), None)
    rollback = shown["rollback"]
    if reached is None:
        return str(rollback["reason"])
    asked, restored = _moment(rollback["requested_at"]), _moment(rollback["traffic_restored_at"])
    return Run(
        (asked - reached).total_seconds(),
        (restored - asked).total_seconds(),
        max(weight for at, weight in weights if at <= asked),
        str(rollback["reason"]),
    )


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def measure(runs: int) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="qd-found-") as made:
        home = Path(made)
        deck = Deck(home)
        commands.up(home, rps=REQUESTS_PER_S)
        try:
            for release, rate in ((LIVE, BASE_RATE), (NEW, ERRING_RATE)):
                deck.run("playground", "fault", "app", "--release", release, "--error-rate", str(rate))
            return _figures([_one(deck, number) for number in range(runs)])
        finally:
            deck.run("worker", "stop", check=False)
            commands.down(home)


def _one(deck: Deck, number: int) -> Run:
    while True:
        result = play(deck)
        if isinstance(result, Run):
            print(
                f"{number + 1}: {result.found:.1f} s, {result.back:.2f} s: {result.words}", file=sys.stderr, flush=True
            )
            return result
        print(f"{number + 1}: found before it had traffic: {result}", file=sys.stderr, flush=True)


def _figures(runs: Sequence[Run]) -> list[Figure]:
    found, back = [run.found for run in runs], [run.back for run in runs]
    at = f"{sum(run.share == FIRST_SHARE for run in runs)} of {len(runs)} at {FIRST_SHARE} %"
    return [
        Figure("detection · +5 points of errors, 5 % reached to verdict, median", median(found), "s", None, at),
        Figure("detection · the same, p95", percentile(found, 0.95), "s", WITHIN_S),
        Figure("detection · the same, slowest", max(found), "s", WITHIN_S),
        Figure("detection · verdict to all traffic back, slowest", max(back), "s", BACK_WITHIN_S),
    ]


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench.detection", description=__doc__)
    options.add_argument("--runs", type=int, default=10)
    figures = measure(options.parse_args().runs)
    print(table(figures))
    return 0 if all(figure.holds is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
