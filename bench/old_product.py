"""The product that a switch-over moves: a SQLite file and uploads, with people who write to both all the time.

What they were told is written is on a list of their own, so that somebody else can say what is missing.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROWS, FILES, CUSTOMERS = 60_000, 60, 300
NOBODY = 65534


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@dataclass
class Lists:
    """What the writer was told is written, by its own list."""

    orders: dict[int, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


class Place:
    """The old product: its file, its uploads, and the list of who writes to them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file, self.uploads, self.list = folder / "app.sqlite", folder / "uploads", folder / "list"
        self.uploads.mkdir(parents=True)
        with closing(sqlite3.connect(self.file)) as lite, lite:
            lite.execute("PRAGMA journal_mode = wal")
            lite.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT NOT NULL)")
            lite.execute(
                "CREATE TABLE purchases (id INTEGER PRIMARY KEY AUTOINCREMENT, token TEXT NOT NULL UNIQUE,"
                " customer INTEGER NOT NULL REFERENCES customers (id), picture TEXT)"
            )
            lite.executemany("INSERT INTO customers VALUES (?, ?)", ((n, f"c{n}") for n in range(CUSTOMERS)))
            rows = ((n, f"t{n}", n % CUSTOMERS, None) for n in range(1, ROWS + 1))
            lite.executemany("INSERT INTO purchases VALUES (?, ?, ?, ?)", rows)
        for number in range(FILES):
            (self.uploads / f"{number}.txt").write_text(f"file {number}")
        if os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)

    def known(self) -> Lists:
        lists = Lists({n: f"t{n}" for n in range(1, ROWS + 1)})
        lists.files = {f"{n}.txt": digest_of(f"file {n}".encode()) for n in range(FILES)}
        for line in self.list.read_text().splitlines() if self.list.exists() else ():
            what, key, value = json.loads(line)
            if what == "file":
                lists.files[key] = value
            elif value is None:
                del lists.orders[key]
            else:
                lists.orders[key] = value
        return lists

    def rows(self) -> dict[int, str]:
        with closing(sqlite3.connect(self.file)) as lite:
            return dict(lite.execute("SELECT id, token FROM purchases").fetchall())

    def modes(self) -> dict[str, int]:
        return {str(path): path.lstat().st_mode for path in (self.uploads, *self.uploads.rglob("*"))}


def write_steadily(file: Path, uploads: Path, told: Path, stop: Any, seed: int) -> None:
    """The body of the writer's process: nobody special, who notes what was taken, and tries again what was not."""
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    chance, number = random.Random(seed), 0
    with told.open("a") as notes, closing(sqlite3.connect(file, timeout=60, isolation_level=None)) as lite:
        ids = [row[0] for row in lite.execute("SELECT id FROM purchases")]

        def note(*words: object) -> None:
            notes.write(json.dumps(words) + "\n")
            notes.flush()

        while not stop.is_set():
            number += 1
            token = f"{seed}-{number}"
            try:
                what = chance.random()
                if what < 0.6:
                    found = lite.execute(
                        "INSERT INTO purchases (token, customer, picture) VALUES (?, ?, ?)",
                        (token, chance.randrange(CUSTOMERS), f"uploads/{chance.randrange(FILES)}.txt"),
                    )
                    ids.append(found.lastrowid)
                    note("order", found.lastrowid, token)
                elif what < 0.9:
                    key = chance.choice(ids)
                    lite.execute("UPDATE purchases SET token = ? WHERE id = ?", (token, key))
                    note("order", key, token)
                else:
                    key = ids[place := chance.randrange(len(ids))]
                    lite.execute("DELETE FROM purchases WHERE id = ?", (key,))
                    ids[place] = ids[-1]
                    ids.pop()
                    note("order", key, None)
            except (sqlite3.IntegrityError, sqlite3.OperationalError):
                time.sleep(0.05)
            if number % 40 == 0:
                name = f"{token}.txt" if chance.random() < 0.7 else f"{chance.randrange(FILES)}.txt"
                with suppress(PermissionError):
                    part = uploads / f".{token}"
                    part.write_text(token)
                    part.replace(uploads / name)
                    note("file", name, digest_of(token.encode()))
            time.sleep(0.004)
