"""Lose no request: wrk in front of a playground's product, while a real worker rolls releases out and takes them back.

Each round deploys the release that is not live and lets it stand, takes it back after its promotion, or takes it back
on the way. In between the worker is killed (`kill -9`) at random moments and the router is reloaded once. Requests are
counted by wrk and by the router; half of the connections are kept, the others made anew, and one request in twenty is
a POST. `python -m bench loss [--router caddy|haproxy] [--requests 300000] [--kills 10] [--seed 1]`.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.figures import Figure, table
from bench.fronts import Front, find, open_front
from bench.kills import Deck
from console.playground import commands

ROUTERS = ("caddy", "haproxy")
RELEASES = ("v1.1", "v1.0")
STAGES = {"blue-green": (10, 50, 100), "canary": (5, 25, 100)}
SPEED = 4.0
SHIFTS_AT_LEAST = 50
ENDINGS = ("promoted", "taken back after its promotion", "taken back on the way")
TERMINAL = {"succeeded", "rolled_back", "aborted", "failed"}
LONGEST_S = 240.0
BURST_S = 10
CONNECTIONS = 8
SCRIPT = """
local n = 0
request = function()
  n = n + 1
  if n % 20 == 0 then
    return wrk.format("POST", "/api/orders", {["Content-Type"] = "application/json"}, '{"quantity": 1}')
  end
  return wrk.format("GET", "/api/version")
end
"""


@dataclass
class Load:
    """Bursts of wrk until told to end; `failed` counts what broke, timed out or was answered with no success."""

    url: str
    script: Path
    requests: int = 0
    failed: int = 0
    bad: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        bursts = 0
        while not self._ending.is_set():
            kept = ["-H", "Connection: close"] if bursts % 2 else []
            self._burst(kept)
            bursts += 1

    def _burst(self, more: Sequence[str]) -> None:
        at = time.strftime("%H:%M:%S")
        arguments = ["-t1", f"-c{CONNECTIONS}", f"-d{BURST_S}s", "--timeout", "10s", "-s", str(self.script), *more]
        told = subprocess.run([find("wrk"), *arguments, self.url], capture_output=True, text=True).stdout
        counted = re.search(r"(\d+) requests in", told)
        if counted is None:
            raise RuntimeError(f"wrk did not count: {told}")
        broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", told)
        refused = re.search(r"Non-2xx or 3xx responses: (\d+)", told)
        failed = (sum(map(int, broken.groups())) if broken else 0) + (int(refused[1]) if refused else 0)
        self.requests += int(counted[1])
        self.failed += failed
        if failed:
            self.bad.append(f"{at}: {' '.join(line.strip() for line in told.splitlines()[-5:-2])}")


@dataclass
class Story:
    """What happened to the product meanwhile."""

    promotions: int = 0
    rollbacks: int = 0
    shifts: int = 0
    kills: int = 0
    reloads: int = 0
    odd: list[str] = field(default_factory=list)


class Rounds:
    """Deployments of one playground, one after the other, with what befalls the worker."""

    def __init__(self, deck: Deck, front: Front, chance: random.Random, kills: int) -> None:
        self.story = Story()
        self._deck = deck
        self._front = front
        self._chance = chance
        self._kills = kills
        self._live = 1
        self._took = 10.0
        self._dies_at = float("inf")

    def play(self, number: int) -> str:
        """One release out and perhaps back; says what happened."""
        ending = ENDINGS[number % len(ENDINGS)] if number < len(ENDINGS) else self._chance.choice(ENDINGS)
        began = time.monotonic()
        if self.story.kills < self._kills:
            self._dies_at = began + self._chance.uniform(0.0, self._took)
        release, stages = RELEASES[1 - self._live], self._chance.choice(tuple(STAGES))
        deployment = self._deploy(release, stages)
        if ending == ENDINGS[2]:
            share = self._chance.choice(STAGES[stages])
            self._until(deployment, lambda shown: _has_begun(shown, f"backend.bake-{share}"))
            self._deck.run("rollback", deployment, check=False)
        shown = self._until(deployment, _has_ended)
        if ending == ENDINGS[1] and shown["status"] == "succeeded":
            self._deck.run("rollback", deployment)
            shown = self._until(deployment, lambda s: s["status"] == "rolled_back")
        self._took = time.monotonic() - began
        self._count(shown, ending)
        return f"{release} by {stages}, {ending}: {shown['status']} after {self._took:.0f} s"

    def _deploy(self, release: str, strategy: str) -> str:
        wish = ("--release", release, "--strategy", strategy, "--service", "backend")
        return str(self._deck.run("deploy", "production", *wish)["id"])

    def _count(self, shown: Any, ending: str) -> None:
        status = shown["status"]
        if status == "succeeded":
            self.story.promotions += 1
            self._live = 1 - self._live
        else:
            self.story.rollbacks += 1
            self.story.promotions += ending == ENDINGS[1]
        if status not in {"succeeded", "rolled_back"} or (status == "succeeded") != (ending == ENDINGS[0]):
            self.story.odd.append(f"{shown['id']} was to be {ending} and is {status}: {shown.get('failure', '')}")
        self.story.shifts += len(shown["traffic"])

    def _until(self, deployment: str, reached: Callable[[Any], bool]) -> Any:
        began = time.monotonic()
        while True:
            if time.monotonic() >= self._dies_at:
                self._kill()
            shown = self._deck.run("show", deployment)
            if reached(shown):
                return shown
            if time.monotonic() - began > LONGEST_S:
                raise RuntimeError(f"{deployment} is still {shown['status']} after {LONGEST_S:.0f} s")
            time.sleep(0.3)

    def _kill(self) -> None:
        self._dies_at = float("inf")
        self._deck.kill_worker()
        self.story.kills += 1
        self._deck.run("status")


def _has_begun(shown: Any, step: str) -> bool:
    return _has_ended(shown) or any(s["id"] == step and s["status"] != "pending" for s in shown["steps"])


def _has_ended(shown: Any) -> bool:
    return shown["status"] in TERMINAL


def measure(router: str, requests: int, kills: int, seed: int) -> list[Figure]:
    """One playground with this router in front; takes as long as the requests take."""
    with tempfile.TemporaryDirectory(prefix="qd-loss-") as made:
        home = Path(made)
        deck = Deck(home)
        commands.up(home, rps=0.0, speed=SPEED)
        front: Front | None = None
        try:
            _hasten(home / "config.toml")
            front = open_front(router, home)
            script = home / "mix.lua"
            script.write_text(SCRIPT)
            return _press(router, front, Rounds(deck, front, random.Random(seed), kills), script, requests, kills)
        finally:
            deck.run("worker", "stop", check=False)
            if front is not None:
                front.stop()
            commands.down(home)


def _press(router: str, front: Front, rounds: Rounds, script: Path, requests: int, kills: int) -> list[Figure]:
    before, began = front.count(), time.monotonic()
    load, story, number = Load(front.url, script), rounds.story, 0
    while load.requests < requests or story.shifts < SHIFTS_AT_LEAST or story.kills < kills or not story.reloads:
        words = rounds.play(number)
        number += 1
        if load.requests >= requests / 2 and not story.reloads:
            front.reload()
            story.reloads += 1
        edge = front.count()
        print(
            f"{time.strftime('%H:%M:%S')} {words}; {load.requests} requests, {load.failed} failed, at the router "
            f"{edge.answers - before.answers}, {edge.failed}; {story.shifts} shifts, {story.kills} kills",
            file=sys.stderr,
            flush=True,
        )
    load.end()
    edge, seconds = front.count(), time.monotonic() - began
    for line in (*load.bad, *story.odd):
        print(line, file=sys.stderr)
    words = f"{story.promotions} promotions, {story.rollbacks} rollbacks, {story.reloads} reload"
    name = f"loss · {router}"
    return [
        Figure(f"{name} · requests", load.requests / 1000, "thousand", requests / 1000, f"{seconds:.0f} s", True),
        Figure(f"{name} · failed, as wrk counts", load.failed, "", 0, words),
        Figure(f"{name} · failed, as the router counts", edge.failed - before.failed, "", 0, _seen(edge.answers)),
        Figure(f"{name} · weight shifts", story.shifts, "", SHIFTS_AT_LEAST, "", True),
        Figure(f"{name} · kills of the worker", story.kills, "", kills, "", True),
        Figure(f"{name} · deployments that ended otherwise than asked", len(story.odd), "", 0),
    ]


def _seen(answers: int) -> str:
    return f"of {answers} that it answered"


def _hasten(config: Path) -> None:
    """Stages of a second, time enough to judge with so many requests, and no benchmark beside that load."""
    text = re.sub(r'(bake_time|verify_time) = "5s"', r'\1 = "1s"', config.read_text())
    config.write_text(re.sub(r"benchmark = .*\n", "", text))


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench.loss", description=__doc__)
    options.add_argument("--router", choices=ROUTERS, help="only this one")
    options.add_argument("--requests", type=int, default=300_000)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    figures: list[Figure] = []
    for router in [chosen.router] if chosen.router else ROUTERS:
        missing = [program for program in ("wrk", *(["haproxy"] if router == "haproxy" else [])) if not find(program)]
        if missing:
            figures.append(Figure(f"loss · {router} · not measured", 0, "", note=f"install {' and '.join(missing)}"))
        else:
            figures += measure(router, chosen.requests, chosen.kills, chosen.seed)
    print(table(figures))
    return 0 if all(figure.holds is not False for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
