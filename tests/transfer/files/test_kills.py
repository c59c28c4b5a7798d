"""Killed at any point and begun again: nothing is lost, nothing is there twice, nothing refers to it too early."""

import random

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from console.transfer.files.progress import POINTS
from console.transfer.files.run import Act

MIB = 1024 * 1024
KILLS = {
    "begun": 1,
    "piece": 1,
    "scanned": 1,
    "intended": 3,
    "sent": 3,
    "uploaded": 3,
    "verified": 3,
    "rewritten": 1,
}
"""How often a run comes by each point before it is killed there; large files go early."""
NAMES = ("photo {}.jpg", "東京/{}.png", "a/b/c/{}", "#{}%~.txt", "q?{}&É.pdf")


class Killed(BaseException):
    """The process is gone at this point."""


class Killer:
    """Ends a run the so-manieth time that it comes by a point."""

    def __init__(self, point: str, number: int) -> None:
        self.point = point
        self.left = number

    def __call__(self, point: str) -> None:
        self.left -= point == self.point
        if self.left == 0:
            self.left = -1
            raise Killed(point)


@pytest.fixture(scope="module")
def dsn(postgres_dsn):
    with psycopg.connect(postgres_dsn, autocommit=True) as server:
        server.execute("CREATE DATABASE files_killed")
    return make_conninfo(postgres_dsn, dbname="files_killed")


class TestGivenFortyFilesAndALineThatLosesAnswers:
    def test_when_it_is_killed_at_every_point_then_each_is_there_once_and_revert_restores_every_byte(
        self, shipping, dsn
    ):
        chance = random.Random(7)
        for number in range(40):
            size = 7 * MIB if number == 17 else chance.choice((0, 10, 5_000))
            shipping.write(NAMES[number % 5].format(number), chance.randbytes(size) + f"{number}".encode())
        paths = sorted(str(one.relative_to(shipping.folder)) for one in shipping.folder.rglob("*") if one.is_file())
        with psycopg.connect(dsn, autocommit=True) as database:
            database.execute("CREATE TABLE posts (id int PRIMARY KEY, picture text)")
            for number, path in enumerate(paths):
                database.execute("INSERT INTO posts VALUES (%s, %s)", (number, f"/uploads/{path}"))
            before = database.execute("SELECT id, picture FROM posts ORDER BY id").fetchall()
            shipping.line.breaks = lambda request, answered: answered and chance.random() < 0.05
            wish = {"rewrite": ("posts.picture",), "database": dsn, "place": "supabase/ref/media/", "at_once": 3}

            assert set(KILLS) == set(POINTS)
            for point, number in KILLS.items():
                with pytest.raises(Killed, match=point):
                    shipping.go(reach=Killer(point, number), **wish)
                assert database.execute("SELECT id, picture FROM posts ORDER BY id").fetchall() == before
            result = shipping.go(**wish)

            assert result.holds
            assert shipping.arrivals == len(shipping.stored) == 40
            assert all(
                shipping.stored[one.key].body == (shipping.folder / one.path).read_bytes() for one in result.entries
            )
            changed = database.execute("SELECT id, picture FROM posts ORDER BY id").fetchall()
            assert [old == new for old, new in zip(before, changed, strict=True)] == [False] * 40
            shipping.go(act=Act.REVERT, **wish)
            assert database.execute("SELECT id, picture FROM posts ORDER BY id").fetchall() == before
