"""Encryption, retention, SQLite files, and how well one would come back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pyrage
import pytest

from console.backups import seal
from console.backups.catalogue import Catalogue, check_files
from console.backups.drill import stand
from console.backups.retention import Policy, choose
from console.backups.sqlite import LiteRequest, prove_copy, restore_copy, take_copy
from console.backups.values import Backup, Kind, Proof, State
from console.domain.errors import Refused, UsageError

NOW = datetime(2026, 11, 22, 18, tzinfo=UTC)


class TestGivenPublicKeys:
    def test_when_a_backup_is_taken_then_no_clear_text_stays_and_only_the_identity_opens_it(self, still):
        identity, stranger = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()

        backup = still.take(recipients=[str(identity.to_public())])

        assert sorted(path.name for path in backup.path.iterdir()) == ["backup.json", "data.tar.age"]
        with pytest.raises(UsageError, match="no identity"):
            still.prove(backup)
        with pytest.raises(UsageError, match="none of those"):
            still.prove(backup, identity=str(stranger))
        assert still.read(backup).state is State.TAKEN
        assert still.prove(backup, identity=f"# a comment\n{identity}\n").verified
        assert [path.name for path in backup.path.parent.iterdir()] == [backup.id]

    @pytest.mark.parametrize("harm", ["flip", "cut"])
    def test_when_the_file_is_harmed_then_it_does_not_open(self, tmp_path, harm):
        identity = pyrage.x25519.Identity.generate()
        (tmp_path / "data").mkdir()
        (tmp_path / "data" / "rows").write_bytes(b"x" * 300_000)
        sealed = tmp_path / "data.tar.age"
        seal.seal(tmp_path / "data", sealed, [str(identity.to_public())])
        content = bytearray(sealed.read_bytes())
        content[200_000] ^= 1
        sealed.write_bytes(content if harm == "flip" else content[:131_000])

        with pytest.raises(seal.Unreadable), seal.opened(sealed, str(identity), tmp_path):
            raise AssertionError("it opened")

        assert [path.name for path in tmp_path.iterdir()] == ["data.tar.age"]

    def test_when_one_is_no_key_then_that_is_said_before_anything_is_taken(self, still):
        with pytest.raises(UsageError, match="no public key"):
            still.take(recipients=["age1nonsense"])

        assert not still.root.exists()


class TestGivenALiveSqliteFile:
    @pytest.fixture
    def lite(self, tmp_path):
        with closing(sqlite3.connect(tmp_path / "app.db")) as writer:
            writer.executescript("PRAGMA journal_mode = wal; CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)")
            writer.executemany("INSERT INTO t (v) VALUES (?)", [("x" * 50,)] * 2000)
            writer.commit()
            writer.execute("INSERT INTO t (v) VALUES ('not committed yet')")
            yield LiteRequest(tmp_path / "app.db", "app.db", tmp_path / "backups")

    def test_when_it_is_backed_up_then_the_copy_is_of_one_moment_and_comes_back(self, lite, tmp_path):
        backup = take_copy(lite)
        proof = prove_copy(backup)
        restore_copy(backup, tmp_path / "back.db")

        assert proof.verified
        assert backup.sums.tables["t"].rows == 2000
        with closing(sqlite3.connect(tmp_path / "back.db")) as back:
            assert back.execute("SELECT count(*) FROM t").fetchone() == (2000,)
        with pytest.raises(Refused, match="already"):
            restore_copy(backup, tmp_path / "app.db")

    def test_when_it_is_sealed_then_it_is_proven_with_the_identity(self, lite, tmp_path):
        identity = pyrage.x25519.Identity.generate()

        backup = take_copy(LiteRequest(lite.file, lite.name, lite.root, [str(identity.to_public())]))

        assert prove_copy(backup, str(identity)).verified
        assert not list(tmp_path.rglob("data.db"))

    def test_when_a_byte_of_it_is_flipped_then_it_is_damaged(self, lite):
        backup = take_copy(lite)
        content = bytearray((backup.path / "data.db").read_bytes())
        content[50_000] ^= 1
        (backup.path / "data.db").write_bytes(content)

        assert prove_copy(backup).why == ("The file data.db was changed.",)
        assert Catalogue(lite.root).find(backup.id).state is State.DAMAGED


def made(age: timedelta, state: State = State.TAKEN, total_s: float = 0.0) -> Backup:
    at = NOW - age
    proof = None if state is State.TAKEN else Proof(state is State.VERIFIED, at, total_s=total_s)
    return Backup(f"{at:%Y%m%d-%H%M%S}-0000", "db", Kind.POSTGRES, at, state, proof=proof)


class TestGivenManyBackups:
    def test_then_the_newest_of_days_weeks_and_months_stay(self):
        hourly = [made(timedelta(hours=hours)) for hours in range(24 * 70)]

        kept = [one for one in choose(hourly, Policy(3, 2, 2, 3)) if one.is_kept]

        assert [(one.backup.at.strftime("%m-%d %H"), one.reasons) for one in kept] == [
            ("11-22 18", ("last", "daily", "weekly", "monthly")),
            ("11-22 17", ("last",)),
            ("11-22 16", ("last",)),
            ("11-21 23", ("daily",)),
            ("11-15 23", ("weekly",)),
            ("10-31 23", ("monthly",)),
            ("09-30 23", ("monthly",)),
        ]

    def test_then_the_only_verified_one_is_never_removed(self):
        backups = [made(timedelta(days=400), State.VERIFIED), *(made(timedelta(days=day)) for day in range(30))]

        kept = {one.backup.id: one.reasons for one in choose(backups, Policy(1, 0, 0, 0)) if one.is_kept}

        assert kept == {backups[1].id: ("last",), backups[0].id: ("the newest verified one",)}

    def test_then_a_damaged_one_stays_as_long_as_nothing_newer_is_verified(self):
        damaged = made(timedelta(days=1), State.DAMAGED)

        alone = choose([damaged, made(timedelta(days=2), State.VERIFIED)], Policy())
        later = choose([damaged, made(timedelta(), State.VERIFIED)], Policy())

        assert [one.is_kept for one in alone] == [True, True]
        assert [one.is_kept for one in later] == [True, False]

    def test_then_rpo_counts_from_the_newest_verified_one_and_rto_is_what_was_measured(self):
        backups = [
            made(timedelta(hours=1)),
            made(timedelta(hours=3), State.VERIFIED, 12.5),
            made(timedelta(hours=2), State.DAMAGED),
        ]

        standing = stand("db", backups, NOW)

        assert (standing.rpo_s, standing.rto_s, standing.newest) == (3 * 3600, 12.5, backups[0])
        assert standing.damaged == (backups[2].id,)
        assert stand("other", backups, NOW).rpo_s is None


def test_a_folder_that_lacks_a_file_says_so(tmp_path):
    catalogue = Catalogue(tmp_path)
    backup = catalogue.begin("db", Kind.POSTGRES, NOW)

    assert check_files(backup) == []
    (backup.path / "stray").write_text("x")
    assert check_files(backup) == ["The file stray does not belong to it."]
