"""Bring a million rows from SQLite to PostgreSQL, beside `psql \\copy` of a ready CSV and beside pgloader.

Each round loads the same rows three times, one way after the other, so that a busy moment hurts all. Then 100 rows are
changed over there, and the comparison has to find these and no others. `python -m bench transfer [--rows 1000000]
[--rounds 3] [--seed 7]`. Needs `psql`; without `pgloader` that part is left out and said so.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from bench.figures import Figure, median, table
from bench.start import QUARTERDECK
from console.playground.postgres import TemporaryPostgres

WORDS = ("alpha", "beta", "gamma", "café", "naïve", "東京", "tab\tin", "nl\nin", "back\\slash", 'quote"s', "it's")
SOURCE = """
CREATE TABLE dims (id INTEGER PRIMARY KEY, label TEXT NOT NULL UNIQUE);
CREATE TABLE items (id INTEGER PRIMARY KEY, uid TEXT NOT NULL, name VARCHAR(80), email TEXT,
  dim_id INTEGER REFERENCES dims(id), qty INTEGER, price REAL, is_active BOOLEAN NOT NULL DEFAULT 1,
  created_at DATETIME, meta JSON);
"""
BARE = """
CREATE SCHEMA bare; CREATE TABLE bare.items (id bigint, uid text, name varchar(80), email text, dim_id bigint,
  qty bigint, price double precision, is_active boolean, created_at timestamp, meta json)
"""
DIMS = 1_000
PLANTED = 100
LOAD_AT_LEAST = 0.60
MOST_MIB = 64.0
FASTER_AT_LEAST = 2.0
COMPARE_CPU_S = 6.0


@dataclass(frozen=True)
class Ran:
    """A command that ended: wall and CPU seconds, MiB of its largest process at most, and what it wrote."""

    wall: float
    cpu: float
    memory: float
    said: str


def make_source(path: Path, rows: int, seed: int) -> None:
    """A file as an application leaves it: keys, two indexes, a relation, texts that need care in any format."""
    chance = random.Random(seed)
    start = datetime(2023, 1, 1, tzinfo=UTC).replace(tzinfo=None)

    def items() -> Iterator[tuple[Any, ...]]:
        for number in range(1, rows + 1):
            at = start + timedelta(seconds=chance.randint(0, 10**8))
            yield (
                number, str(uuid.UUID(int=chance.getrandbits(128))), " ".join(chance.choices(WORDS, k=4)),
                None if number % 17 == 0 else f"user{number}@example.test", chance.randint(1, DIMS),
                chance.randint(0, 10**6), round(chance.random() * 1000, 4), number & 1, at.isoformat(sep=" "),
                json.dumps({"k": chance.randint(0, 99), "tags": chance.choices("abc", k=2)}),
            )  # fmt: skip

    with closing(sqlite3.connect(path)) as lite, lite:
        lite.executescript(SOURCE)
        lite.executemany("INSERT INTO dims VALUES (?, ?)", ((n, f"dim-{n}") for n in range(1, DIMS + 1)))
        lite.executemany("INSERT INTO items VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", items())
        lite.execute("CREATE INDEX items_email ON items (email)")
        lite.execute("CREATE INDEX items_created ON items (created_at)")


def write_csv(source: Path, path: Path) -> None:
    with closing(sqlite3.connect(source)) as lite, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        for row in lite.execute("SELECT * FROM items ORDER BY id"):
            writer.writerow(["@N@" if value is None else value for value in row])


class Round:
    """The ways to load, each into a database of its own that is gone afterwards."""

    def __init__(self, dsn: str, home: Path, source: Path) -> None:
        self._dsn = dsn
        self._home = home
        self._source = source
        self.csv = home / "items.csv"

    def copy(self) -> Ran:
        """`psql \\copy` of the ready CSV into a bare table: what the server can take at most."""
        dsn = self.database("ceiling")
        with psycopg.connect(dsn, autocommit=True) as target:
            target.execute(BARE.encode())
        return _run(["psql", dsn, "-qc", f"\\copy bare.items from '{self.csv}' (format csv, null '@N@')"])

    def quarterdeck(self, *words: str, name: str = "ours", fresh: bool = True) -> Ran:
        """The command itself; a database that is `fresh` has nothing in it."""
        dsn = self.database(name) if fresh else self._address(name)
        words = ("transfer", "data", "--from", str(self._source), "--to", "env:TARGET", "--format", "json", *words)
        return _run([QUARTERDECK, "--home", str(self._home / "home"), *words], {"TARGET": dsn})

    def pgloader(self) -> Ran:
        dsn = self.database("loaded")
        return _run(["pgloader", "--quiet", f"sqlite://{self._source}", dsn], {"HOME": str(self._home)})

    def database(self, name: str) -> str:
        with psycopg.connect(self._dsn, autocommit=True) as server:
            server.execute(f"DROP DATABASE IF EXISTS {name}".encode())
            server.execute(f"CREATE DATABASE {name}".encode())
            server.execute("CHECKPOINT")
        return self._address(name)

    def _address(self, name: str) -> str:
        return self._dsn.rpartition("/")[0] + f"/{name}"

    def plant(self, rows: int, seed: int) -> set[str]:
        """Spoil rows over there, of each kind; their keys."""
        chance = random.Random(seed)
        numbers = chance.sample(range(1, rows + 1), PLANTED)
        changes = (
            "UPDATE items SET price = price + 1e-10 WHERE id = %s",
            "UPDATE items SET name = name || ' ' WHERE id = %s",
            "UPDATE items SET email = coalesce(nullif(email, email), '') WHERE id = %s",
            "UPDATE items SET is_active = NOT is_active WHERE id = %s",
            "UPDATE items SET created_at = created_at + interval '1 microsecond' WHERE id = %s",
            "UPDATE items SET meta = NULL WHERE id = %s",
            "DELETE FROM items WHERE id = %s",
            f"UPDATE items SET id = id + {rows} WHERE id = %s",
        )
        found = set()
        with psycopg.connect(self._address("ours")) as target:
            for place, number in enumerate(numbers):
                change = changes[place % len(changes)]
                target.execute(change.encode(), (number,))
                found |= {str(number), str(number + rows)} if "SET id" in change else {str(number)}
        return found


def _run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ran:
    """Run a command to its end.

    Raises:
        RuntimeError: It failed; quotes the end of what it said.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as told:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=told, env=os.environ | dict(environment or {}))
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        told.seek(0)
        words = said.read().decode()
        if process.returncode not in (0, 1):
            raise RuntimeError(f"{command[0]} ended with {process.returncode}: {told.read().decode()[-500:]}")
    return Ran(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, words)


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench transfer", description=__doc__)
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="qd-transfer-") as directory:
        home = Path(directory)
        home.chmod(0o755)
        source = home / "source.db"
        make_source(source, chosen.rows, chosen.seed)
        write_csv(source, home / "items.csv")
        with TemporaryPostgres(home) as dsn:
            one = Round(dsn, home, source)
            figures = [*_loads(one, chosen.rounds), *_compares(one, chosen.rows, chosen.seed)]
    sys.stdout.write(table(figures) + "\n")
    return int(any(figure.holds is False for figure in figures))


def _loads(one: Round, rounds: int) -> Iterator[Figure]:
    ceilings, loads, shares, memory, against = [], [], [], [], list[float]()
    phases: dict[str, list[float]] = {}
    other: list[Ran] = []
    for _ in range(rounds):
        ceiling = one.copy()
        ours = one.quarterdeck()
        result = json.loads(ours.said)
        if not result["holds"]:
            raise RuntimeError(f"The transfer does not hold: {result['missing']}")
        seconds = result["seconds"]
        for phase, took in seconds.items():
            phases.setdefault(phase, []).append(took)
        phases.setdefault("whole command", []).append(ours.wall)
        ceilings.append(ceiling.wall)
        loads.append(seconds["load"])
        shares.append(ceiling.wall / seconds["load"])
        memory.append(ours.memory)
        if shutil.which("pgloader"):
            other.append(one.pgloader())
            against.append(other[-1].wall / (seconds["load"] + seconds["keys"]))
    yield Figure("transfer · psql \\copy of a ready CSV", median(ceilings), "s")
    for phase, took in phases.items():
        yield Figure(f"transfer · {phase}", median(took), "s")
    note = f"of {', '.join(f'{share:.2f}' for share in shares)}"
    yield Figure("transfer · load against psql \\copy", median(shares), "×", LOAD_AT_LEAST, note, at_least=True)
    yield Figure("transfer · memory", max(memory), "MiB", MOST_MIB)
    if not against:
        yield Figure("transfer · against pgloader", 0.0, "×", note="not measured: pgloader is not installed")
        return
    yield Figure("transfer · pgloader", median([ran.wall for ran in other]), "s")
    yield Figure("transfer · pgloader's memory", max(ran.memory for ran in other), "MiB")
    note = f"load and keys; of {', '.join(f'{share:.2f}' for share in against)}"
    yield Figure("transfer · against pgloader, worst pair", min(against), "×", FASTER_AT_LEAST, note, at_least=True)


def _compares(one: Round, rows: int, seed: int) -> Iterator[Figure]:
    same = one.quarterdeck("--incremental", "--dry-run", fresh=False)
    yield Figure(
        "compare · CPU of the client, nothing differs", same.cpu, "s", COMPARE_CPU_S, f"{same.wall:.1f} s wall"
    )
    yield Figure("compare · memory", same.memory, "MiB", MOST_MIB)
    invented = len(_found(same))
    planted = one.plant(rows, seed)
    ran = one.quarterdeck("--incremental", "--dry-run", fresh=False)
    found = _found(ran)
    yield Figure("compare · CPU of the client, 100 rows differ", ran.cpu, "s", COMPARE_CPU_S, f"{ran.wall:.1f} s wall")
    yield Figure("compare · planted and found", len(planted & found), "rows", float(len(planted)), at_least=True)
    yield Figure("compare · invented", len(found - planted) + invented, "rows", 0.0)


def _found(ran: Ran) -> set[str]:
    tables = json.loads(ran.said)["tables"]
    return {key for one in tables for change in one["changes"] for key in change["key"]}
