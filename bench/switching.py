"""Switch a product over while it is written to, kill what does it at random moments, take it back, and count every row.

A writer that knows nothing of it adds, changes and deletes rows of a SQLite file and adds uploads all the time; what it
was told is written is on a list of its own. Each round kills the worker or the process of a chore a few times, or cuts
its connections, and ends switched over and then taken back, taken back on the way, or failed by itself. Then every row
and file of the list must be on the side that counts, once. `python -m bench switching --rounds 6 --seed 3`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg

from bench.figures import Figure, table
from bench.old_product import Place, digest_of, write_steadily
from bench.start import QUARTERDECK
from console.playground import commands

GOOD, ERRING = "v1.1", "v1.3-errors"
LONGEST = 400.0
PROJECT = """
[environments.production.services.database.project]
auth = { site_url = "https://shop.example", smtp_pass = "file:smtp" }
postgres = { statement_timeout = "9s" }
buckets = { media = { public = true } }
"""
ENDED = frozenset({"succeeded", "rolled_back", "aborted", "failed"})


class Deck:
    """One playground, by its command line."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.config = home / "quick.toml"
        text = (home / "config.toml").read_text()
        for words in ('"5s"', '"2s"'):
            text = text.replace(f"bake_time = {words}", 'bake_time = "1s"')
            text = text.replace(f"verify_time = {words}", 'verify_time = "1s"')
        (home / "smtp").write_text("smtp-0001")
        (home / "smtp").chmod(0o600)
        self.config.write_text(text + PROJECT)
        self.config.chmod(0o600)
        self.database = next(home.rglob("database-url")).read_text().strip()

    def run(self, *arguments: str, check: bool = True) -> Any:
        command = [QUARTERDECK, "--home", str(self.home), "--config", str(self.config), *arguments, "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST)
        if check and done.returncode not in {0, 3, 5}:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.returncode}: {done.stderr[-3000:]}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with self._connect() as target:
            found = target.execute(statement.encode())
            return found.fetchall() if found.description else []

    def _connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        """Raises psycopg.OperationalError when the server has not come back within a minute."""
        until = time.monotonic() + 60
        while True:
            try:
                return psycopg.connect(self.database, autocommit=True)
            except psycopg.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def worker(self) -> int:
        with suppress(OSError, ValueError):
            return int((self.home / "worker.lock").read_text())
        return 0

    def kill_worker(self) -> None:
        if pid := self.worker():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.2)
            self.run("status", check=False)

    def kill_chore(self) -> None:
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (place / "cmdline").read_bytes().split(b"\0")
                if b"console.chores" in words and os.readlink(place / "cwd") == str(self.home):
                    os.kill(int(place.name), signal.SIGKILL)

    def cut(self) -> None:
        with suppress(psycopg.Error):
            self.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE application_name LIKE 'quarterdeck%' AND pid <> pg_backend_pid()"
            )

    def crash_database(self) -> None:
        """Kill a process of the server, which ends all of its connections and begins anew from its log."""
        with suppress(psycopg.Error, OSError), psycopg.connect(self.database) as target:
            os.kill(target.info.backend_pid, signal.SIGKILL)

    def wait(self, deployment: str, blows: list[tuple[float, Callable[[], None]]], statuses: frozenset[str]) -> Any:
        """Strike at the given seconds, and wait for its end."""
        began = time.monotonic()
        while True:
            while blows and time.monotonic() - began > blows[0][0]:
                blows.pop(0)[1]()
            shown = self.run("show", deployment)
            if shown["status"] in statuses:
                return shown
            if time.monotonic() - began > LONGEST:
                raise RuntimeError(f"{deployment} is still {shown['status']}")
            time.sleep(0.3)


class Round:
    """One switch-over and what is found after it; `wrong` says in words what should not be."""

    def __init__(self, deck: Deck, place: Place, kind: str, chance: random.Random, blows: int) -> None:
        self.deck, self.place, self.kind, self.chance, self.blows = deck, place, kind, chance, blows
        self.wrong: list[str] = []
        self.strikes: list[str] = []
        self.status = ""
        self.window = 0.0

    def play(self) -> None:
        deck, place = self.deck, self.place
        before = place.modes()
        release = ERRING if self.kind == "erring" else GOOD
        told = ["--from", str(place.file), "--files", str(place.uploads), "--bucket", "media", "--release", release]
        told += ["--rewrite", "purchases.picture"]
        deployment = deck.run("switch-over", "production", *told, "--yes")["id"]
        blows = self._blows(40.0)
        if self.kind == "back on the way":
            moment = self.chance.uniform(0.5, 35.0)
            self.strikes.append(f"rollback at {moment:.1f}")
            blows.append((moment, lambda: deck.run("rollback", deployment, check=False)))
            blows.sort(key=lambda blow: blow[0])
        shown = deck.wait(deployment, blows, ENDED)
        self.status = shown["status"]
        self._measure(shown)
        if self.status == "succeeded":
            self._look_over()
            written = self._write_there()
            deck.run("rollback", deployment, check=False)
            shown = deck.wait(deployment, self._blows(12.0), frozenset({"rolled_back", "failed"}))
            self._look_saved(deployment, written)
        if shown["status"] != "rolled_back":
            steps = [f"{step['id']}: {step['detail']}" for step in shown["steps"] if step["status"] == "failed"]
            self.wrong.append(f"it ended {shown['status']}: {steps}")
        self._look_back(before)

    def _blows(self, seconds: float) -> list[tuple[float, Callable[[], None]]]:
        kinds = (self.deck.kill_worker, self.deck.kill_chore, self.deck.cut, self.deck.crash_database)
        moments = sorted(self.chance.uniform(0.2, seconds) for _ in range(self.blows))
        found = [(moment, self.chance.choice(kinds)) for moment in moments]
        self.strikes += [f"{blow.__name__} at {moment:.1f}" for moment, blow in found]
        return list(found)

    def _measure(self, shown: Mapping[str, Any]) -> None:
        steps = {step["id"]: step for step in shown["steps"]}
        fence, shift = steps.get("data.fence"), steps.get("backend.shift-10") or steps.get("backend.shift-100")
        if fence and shift and fence["started_at"] and shift["started_at"]:
            self.window = _seconds(shift["started_at"]) - _seconds(fence["started_at"])

    def _look_over(self) -> None:
        known = self.place.known()
        there = self.deck.ask("SELECT id, token, picture FROM purchases")
        self.compare("over there", known.orders, {row[0]: row[1] for row in there}, len(there))
        self.compare("in the source", known.orders, self.place.rows(), len(known.orders))
        base = next(row[2].rpartition("/")[0] for row in there if row[2])
        with httpx.Client() as client:
            for name, digest in known.files.items():
                got = client.get(f"{base}/{name}")
                if got.status_code != 200 or digest_of(got.content) != digest:
                    self.wrong.append(f"the file {name} is not as it was acknowledged ({got.status_code})")
        if any(row[2] and not row[2].startswith("http") for row in there):
            self.wrong.append("a reference was left as it was")

    def _write_there(self) -> dict[int, str]:
        rows = self.deck.ask(
            "INSERT INTO purchases (token, customer) SELECT 'new-' || n, n FROM generate_series(1, 50) n"
            " RETURNING id, token"
        )
        rows += self.deck.ask(
            "UPDATE purchases SET token = token || '-changed' WHERE id IN (SELECT min(id) FROM purchases)"
            " RETURNING id, token"
        )
        return dict(rows)

    def _look_saved(self, deployment: str, written: dict[int, str]) -> None:
        path = self.deck.home / "saved" / deployment / "purchases.jsonl"
        lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
        self.compare("saved", written, {row["id"]: row["token"] for row in lines}, len(lines))

    def _look_back(self, before: Mapping[str, int]) -> None:
        time.sleep(0.5)
        if self.deck.ask("SELECT to_regclass('purchases')") != [(None,)]:
            self.wrong.append("a table is left over there")
        now = self.place.modes()
        changed = [path for path, mode in before.items() if now.get(path, mode) != mode]
        closed = [path for path, mode in now.items() if not mode & 0o200]
        if changed or closed:
            self.wrong.append(f"files are not as they were: {[*changed, *closed][:5]}")
        with closing(sqlite3.connect(self.place.file, timeout=30)) as lite, lite:
            count = lite.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").fetchone()[0]
        if count:
            self.wrong.append("the source is still closed")
        weights = self.deck.run("playground", "status")["services"]["backend"]["weights"]
        if sorted(weights.values()) != [0, 100]:
            self.wrong.append(f"traffic is {weights}")

    def compare(self, where: str, wanted: Mapping[int, str], found: Mapping[int, str], rows: int) -> None:
        lost = [key for key, value in wanted.items() if found.get(key) != value]
        more = [key for key in found if key not in wanted]
        if lost or more or rows != len(found):
            self.wrong.append(
                f"{where}: {len(lost)} rows are not as acknowledged {lost[:3]}, {len(more)} more {more[:3]}"
            )


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench switching", description=__doc__)
    options.add_argument("--rounds", type=int, default=6)
    options.add_argument("--blows", type=int, default=3, help="kills and cuts a round, on either way")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    chance = random.Random(chosen.seed)
    rounds: list[Round] = []
    with tempfile.TemporaryDirectory(prefix="qd-switch-") as directory:
        Path(directory).chmod(0o755)
        home, place = Path(directory) / "home", Place(Path(directory) / "product")
        home.mkdir(mode=0o700)
        commands.up(home, rps=10.0, speed=2.0)
        try:
            deck = Deck(home)
            try:
                for number in range(chosen.rounds):
                    kind = ("forward", "back on the way", "erring")[number % 3]
                    rounds.append(_play(deck, place, kind, chance, 0 if number == 0 else chosen.blows, number))
            finally:
                deck.run("worker", "stop", check=False)
        finally:
            commands.down(home)
    return _tell(rounds)


def _play(deck: Deck, place: Place, kind: str, chance: random.Random, blows: int, number: int) -> Round:
    played = Round(deck, place, kind, chance, blows)
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    paths = (place.file, place.uploads, place.list)
    writer = context.Process(target=write_steadily, args=(*paths, stop, number + 1), daemon=True)
    writer.start()
    try:
        played.play()
    finally:
        stop.set()
        writer.join(70)
    known = place.known()
    played.compare("in the source afterwards", known.orders, place.rows(), len(known.orders))
    for name, digest in known.files.items():
        if digest_of((place.uploads / name).read_bytes()) != digest:
            played.wrong.append(f"the source's file {name} is another one")
    print(f"{kind}: {played.status}, closed for {played.window:.1f} s, {played.strikes}", flush=True)
    for words in played.wrong:
        print(f"  WRONG {words}", flush=True)
    return played


def _tell(rounds: list[Round]) -> int:
    figures = [
        Figure("switch-over · rounds", len(rounds), ""),
        Figure("switch-over · kills, cuts and rollbacks at random moments", sum(len(r.strikes) for r in rounds), ""),
        Figure("switch-over · without writes before the first visitor", max(r.window for r in rounds), "s"),
        Figure("switch-over · things that should not be", sum(len(r.wrong) for r in rounds), "", 0),
    ]
    print(table(figures))
    return 0 if all(figure.holds is not False for figure in figures) else 1


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


if __name__ == "__main__":
    sys.exit(main())
