"""A backup is verified when it was restored and is equal; anything planted in it is found."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import psycopg
import pytest

from console.backups.catalogue import digest_files
from console.backups.differ import find_differences
from console.backups.sums import SETTINGS
from console.backups.take import TakeRequest, take
from console.backups.tools import find_tools
from console.backups.values import Backup, Interrupted, Kind, State, TableSum
from console.domain.errors import ConsoleError, Rejected, StoreError, Unreachable

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def forget_digests(shop, backup: Backup) -> Backup:
    """Let the files be as they are: what is wrong with them is left to the restoring to find."""
    changed = replace(backup, files=digest_files(backup.path))
    shop.catalogue.write(changed)
    return changed


class TestGivenADatabaseInUse:
    def test_when_it_is_backed_up_while_rows_come_then_the_backup_is_proven_equal(self, shop):
        def write(progress):
            if progress.phase == "read":
                shop.ask("insert into orders (user_id, cents) values (1, 1)")

        backup = take(TakeRequest(shop.address, shop.root), told=write)
        proof = shop.prove(backup)

        assert proof.why == ()
        assert proof.verified
        kept = shop.read(backup)
        assert kept.state is State.VERIFIED
        assert kept.sums.tables["public.orders"].rows == 500
        assert kept.migration == "20260201000000"
        assert kept.sums.tables["(large objects)"].rows == 1
        assert len(kept.sums.sequences["public.orders_id_seq"]) == 2
        assert kept.proof.restore_s > 0
        assert shop.scratches() == []

    def test_then_its_folder_is_for_the_owner_alone_and_holds_no_password(self, shop):
        backup = shop.take()

        assert backup.path.stat().st_mode & 0o077 == 0
        told = (backup.path / "backup.json").read_text()
        assert psycopg.conninfo.conninfo_to_dict(shop.dsn)["password"] not in told + repr(shop.address)
        assert json.loads(told)["state"] == "taken"


class TestGivenABackupThatSomebodyHarmed:
    def test_when_a_byte_is_flipped_then_the_file_is_named(self, shop):
        backup = shop.take()
        file = next((backup.path / "data").glob("*.dat.gz"))
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

        proof = shop.prove(backup)

        assert not proof.verified
        assert proof.why == (f"The file data/{file.name} was changed.",)
        assert shop.read(backup).state is State.DAMAGED

    def test_when_a_byte_was_flipped_before_digests_were_taken_then_restoring_finds_it(self, shop):
        backup = shop.take()
        file = max((backup.path / "data").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

        proof = shop.prove(forget_digests(shop, backup))

        assert not proof.verified
        assert proof.why

    def test_when_a_tables_file_is_gone_then_it_is_found(self, shop):
        backup = shop.take()
        max((backup.path / "data").glob("*.dat.gz"), key=lambda path: path.stat().st_size).unlink()

        proof = shop.prove(backup)
        unaware = shop.prove(forget_digests(shop, backup))

        assert "is missing" in proof.why[0]
        assert "cannot be restored" in unaware.why[0]
        assert not unaware.verified
        assert shop.scratches() == []

    def test_when_rows_are_otherwise_in_the_copy_then_table_and_column_are_named(self, shop):
        honest = shop.take()
        shop.ask("update users set email = 'other' where id = 7")
        shop.ask("delete from parts")
        shop.ask("alter table orders add more int")
        shop.ask("drop view totals")
        later = shop.take()
        forged = replace(later, sums=honest.sums)

        proof = shop.prove(forged)

        assert set(proof.why) == {
            "table public.users has other values in email.",
            "table public.parts_1 has 0 rows instead of 1.",
            "table public.orders has other values in more.",
            "column public.orders.more was not there.",
            "column public.totals.cents is missing.",
            "column public.totals.user_id is missing.",
            "table public.totals is missing.",
            "view public.totals is missing.",
        }

    def test_when_two_rows_swap_a_value_then_it_is_found(self, shop):
        honest = shop.take()
        shop.ask("update orders set cents = case id when 1 then 2 else 1 end where id in (1, 2)")
        later = shop.take()

        assert honest.sums.tables["public.orders"].columns == later.sums.tables["public.orders"].columns
        assert list(find_differences(honest.sums, later.sums)) == [
            "table public.orders has other values in which values stand together."
        ]


class TestGivenProgramsThatAreNewerThanTheServer:
    def test_when_it_is_proven_then_their_text_is_replayed_and_still_finds_what_is_wrong(self, shop, monkeypatch):
        tools = find_tools(180000)
        monkeypatch.setattr("console.backups.prove.find_tools", lambda server: replace(tools, major=99))
        backup = shop.take()

        proof = shop.prove(backup)
        file = max((backup.path / "data").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
        file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-9]))
        damaged = shop.prove(forget_digests(shop, backup))

        assert proof.verified
        assert "cannot be restored" in damaged.why[0]


class TestGivenAnAttemptThatCannotSucceed:
    def test_when_somebody_stops_it_then_nothing_is_left(self, shop):
        looks = iter([False, False, True, True, True, True])

        with pytest.raises(Interrupted):
            take(TakeRequest(shop.address, shop.root), stopped=lambda: next(looks))

        assert shop.catalogue.find_all() == []
        assert not list(shop.root.glob("*/*"))

    def test_when_a_table_is_locked_then_it_gives_up_and_names_it(self, shop, monkeypatch):
        monkeypatch.setattr("console.backups.take.LOCK_WAIT", "100")
        monkeypatch.setitem(SETTINGS, "lock_timeout", "100ms")
        with psycopg.connect(shop.dsn) as other:
            other.execute("lock table orders in access exclusive mode")

            with pytest.raises(ConsoleError) as caught:
                shop.take()

        assert "lock" in caught.value.what
        assert not list(shop.root.glob("*/*"))

    def test_when_the_disk_is_nearly_full_then_it_is_not_begun(self, shop, monkeypatch):
        monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=2**20))

        with pytest.raises(StoreError, match="1 MiB are free"):
            shop.take()

        assert not list(shop.root.glob("*/*"))

    def test_when_nobody_answers_then_that_is_said_without_the_password(self, shop):
        address = type(shop.address)("x", "postgresql://me:hidden-word@127.0.0.1:1/db")

        with pytest.raises(Unreachable) as caught:
            take(TakeRequest(address, shop.root))

        assert "hidden-word" not in str(caught.value)

    def test_when_the_address_is_a_transaction_pooler_then_it_is_refused(self, shop):
        with pytest.raises(Rejected, match="6543"):
            type(shop.address)("x", "postgresql://me:word@host:6543/db")


class TestGivenAProcessThatWasKilled:
    def test_when_the_next_backup_is_taken_then_its_half_is_gone_and_its_scratch_too(self, shop):
        half = shop.catalogue.begin("production/api", Kind.POSTGRES, NOW)
        shop.catalogue.write(replace(half, process="1 0"))
        shop.ask("create database quarterdeck_scratch_left")

        proof = shop.prove(shop.take())

        assert proof.verified
        assert half.id not in [one.id for one in shop.catalogue.find_all()]
        assert shop.scratches() == []

    def test_when_it_still_runs_then_it_is_left_alone(self, shop):
        running = shop.catalogue.begin("production/api", Kind.POSTGRES, NOW)

        assert shop.catalogue.sweep() == []
        assert shop.catalogue.find(running.id).state is State.TAKING


def test_what_is_written_is_read_again(shop):
    backup = shop.take(note="before 20260301")

    assert shop.read(backup) == backup
    assert isinstance(backup.sums.tables["public.users"], TableSum)
    assert backup.sums.tables["public.users"].rows == 200
