"""Kill a transfer of files (`kill -9`) again and again and see that every file is there once and every reference right.

Two thousand files of mixed names and sizes go to the emulated Storage, on a way that loses, garbles and refuses; a real
PostgreSQL holds a reference to each. The process that transfers is killed twenty times, spread over its work, and begun
again by the same command. `python -m bench.uploads --files 2000 --kills 20 --seed 7`.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench.figures import Figure, table
from console.playground.emulators.clock import SystemClock
from console.playground.emulators.storage_state import Bucket
from console.playground.emulators.supabase import Supabase
from console.playground.faults import FaultyApp, PlatformFault
from console.playground.postgres import TemporaryPostgres
from console.playground.scene import DATABASES
from console.playground.serving import Served, bind_loopback
from console.transfer.files.run import Act, Request, run
from providers.contract import FileStore

REF = DATABASES[0].ref
TOKEN, KEY = "sbp_of_the_bench_alone", "sb_secret_of_the_bench_alone"
MIB = 1024 * 1024
LARGE = 12
LONGEST_S = 900.0
NAMES = (
    "photo {}.jpg",
    "東京/{}.png",
    "a/b c/d/{}.txt",
    "#{}%~[x].txt",
    "É{}.pdf",
    "{}",
    "CASE{}",
    "case{}",
    "q?{}&=.gif",
)
FAULT = {"status": 503, "rate": 0.03, "garbage": True, "lose_replies": True, "cut": True, "empty": True}


class Platform:
    """The emulated Supabase in a thread of its own, on a port."""

    def __init__(self, seed: int) -> None:
        nowhere = "postgresql://nobody:nothing@127.0.0.1:1/postgres"
        clock = SystemClock()
        self.emulator = Supabase(nowhere, clock.now(), TOKEN, KEY, clock, limit_scale=1_000.0)
        self.app = FaultyApp("supabase", self.emulator.app)
        self.app.fault = PlatformFault(**FAULT, seed=seed)  # type: ignore[arg-type]  # as the playground's command does
        self._held = bind_loopback()
        self.port = int(self._held.getsockname()[1])
        storage = self.emulator.projects[REF].storage
        self.bucket = storage.buckets["media"] = Bucket("media", "media", True, None, None, clock.now(), clock.now())
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()

    @property
    def arrivals(self) -> int:
        return self.emulator.tally.kinds["object"]

    async def _serve(self) -> None:
        served = Served(self.app, self._held)
        served.start()
        await asyncio.to_thread(self._stop.wait)
        await served.stop()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(5)


@dataclass
class Course:
    """What was seen while it went."""

    kills: int = 0
    runs: int = 0
    early: int = 0
    seconds: float = 0.0


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m bench.uploads", description=__doc__)
    options.add_argument("--files", type=int, default=2000)
    options.add_argument("--kills", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--transfer", nargs=4, metavar=("FOLDER", "WORK", "PORT", "ACT"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.transfer:
        return _transfer(*chosen.transfer)
    with tempfile.TemporaryDirectory(prefix="qd-uploads-") as directory:
        place = Path(directory)
        (place / "postgres").mkdir()
        with TemporaryPostgres(place / "postgres") as dsn:
            os.environ["BENCH_DSN"] = dsn
            return _measure(place, dsn, chosen.files, chosen.kills, random.Random(chosen.seed), chosen.seed)


def _measure(place: Path, dsn: str, number: int, kills: int, chance: random.Random, seed: int) -> int:
    folder = place / "uploads"
    paths = _write_files(folder, number, chance)
    platform = Platform(seed)
    try:
        with psycopg.connect(dsn, autocommit=True) as database:
            before = _write_references(database, paths)
            course = _go(place, folder, platform, database, number, kills, chance)
            after = _digest(database)
            _child(folder, place, platform.port, Act.REVERT).wait(LONGEST_S)
            restored = _digest(database) == before
    finally:
        platform.close()
    with closing(sqlite3.connect(place / "work" / "journal.db")) as journal:
        rows = journal.execute("SELECT path, key, state, sha256 FROM files").fetchall()
    verified = sum(state == "verified" for _, _, state, _ in rows)
    kept = platform.bucket.objects
    right = sum(
        key in kept and hashlib.sha256(kept[key].body).hexdigest() == sha256 == _sha256(folder / os.fsdecode(path))
        for path, key, _, sha256 in rows
    )
    figures = [
        Figure("uploads · kills of the process that transfers", course.kills, "", kills, at_least=True),
        Figure("uploads · requests that were spoilt on the way", sum(platform.app.spoilt.values()), ""),
        Figure("uploads · files verified", verified, "", number, at_least=True),
        Figure("uploads · files that are there, byte for byte", right, "", number, at_least=True),
        Figure("uploads · times the platform was made to keep a file", platform.arrivals, "", number),
        Figure("uploads · references rewritten before all was verified", course.early, "", 0),
        Figure("uploads · references not rewritten at the end", int(after == before), "", 0),
        Figure("uploads · bytes not restored by the revert", int(not restored), "", 0),
        Figure("uploads · all of it", course.seconds, "s"),
    ]
    print(table(figures))
    return 0 if all(figure.holds is not False for figure in figures) else 1


def _write_files(folder: Path, number: int, chance: random.Random) -> list[str]:
    paths = []
    for index in range(number):
        size = chance.randrange(6 * MIB, 15 * MIB) if index < LARGE else chance.choice((0, 1, 300, 20_000, 90_000))
        path = NAMES[index % len(NAMES)].format(index)
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(chance.randbytes(size) + (str(index).encode() if size else b""))
        paths.append(path)
    return paths


def _write_references(database: psycopg.Connection, paths: Sequence[str]) -> str:
    database.execute("CREATE TABLE posts (id int PRIMARY KEY, picture text, body text)")
    rows = [(at, f"/uploads/{path}", f'<p><img src="/uploads/{path}"> {at}</p>') for at, path in enumerate(paths)]
    with database.cursor() as cursor:
        cursor.executemany("INSERT INTO posts VALUES (%s, %s, %s)", rows)
    return _digest(database)


def _digest(database: psycopg.Connection) -> str:
    row = database.execute("SELECT md5(string_agg(t::text, E'\\n' ORDER BY id)) FROM posts t").fetchone()
    return str(row[0]) if row else ""


def _go(
    place: Path,
    folder: Path,
    platform: Platform,
    database: psycopg.Connection,
    number: int,
    kills: int,
    chance: random.Random,
) -> Course:
    """Transfer, killing the process each time another share of the files is there."""
    course, began = Course(), time.monotonic()
    marks = sorted(chance.uniform(0.0, 0.98) * number for _ in range(kills))
    before = _digest(database)
    while time.monotonic() - began < LONGEST_S:
        child = _child(folder, place, platform.port, Act.TRANSFER)
        course.runs += 1
        started = time.monotonic()
        while child.poll() is None:
            time.sleep(0.02)
            is_due = course.kills < kills and platform.arrivals >= marks[course.kills]
            # Not before it has had a chance to do something: a process takes a second to begin.
            if is_due and time.monotonic() - started > chance.uniform(1.0, 3.0):
                child.send_signal(signal.SIGKILL)
                child.wait()
                course.kills += 1
                course.early += _digest(database) != before
                print(f"killed at {platform.arrivals} of {number}", flush=True)
        if child.returncode == 0:
            break
        if child.returncode != -signal.SIGKILL:
            print(f"run {course.runs} ended with {child.returncode}; again", flush=True)
    course.seconds = time.monotonic() - began
    return course


def _child(folder: Path, place: Path, port: int, act: Act) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.uploads", "--transfer", str(folder), str(place / "work"), str(port)]
    return subprocess.Popen([*command, act.value])


def _transfer(folder: str, work: str, port: str, act: str) -> int:
    """The process that is killed."""
    request = Request(
        Path(folder),
        lambda: _open(f"http://127.0.0.1:{port}"),
        Path(work),
        Act(act),
        place="bench/media",
        database=os.environ["BENCH_DSN"],
        rewrite=("posts.picture", "posts.body") if act == Act.TRANSFER.value else (),
    )
    result = run(request)
    for one in result.failed:
        print(f"{one.path}: {one.error}", flush=True)
    return 0 if result.holds else 1


@asynccontextmanager
async def _open(address: str) -> AsyncIterator[FileStore]:
    from providers.supabase.adapter import open_connection
    from providers.supabase.settings import SupabaseSettings

    connection = open_connection("supabase", SupabaseSettings(base_url=address, token=TOKEN))
    try:
        stores = connection.capabilities.files
        yield stores.open(REF, "media")  # type: ignore[union-attr]  # Supabase offers it
    finally:
        await connection.close()


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
