"""A backup is verified when it was restored and is equal; anything planted in it is found."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace

import psycopg
import pytest

from console.backups.catalogue import digest_files, note_elsewhere
from console.backups.contents import Without
from console.backups.differ import find_differences
from console.backups.sums import SETTINGS, fetch_sums, prepare
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

    def test_then_its_folder_is_for_the_owner_alone_and_holds_no_password(self, still, backup):
        assert backup.path.stat().st_mode & 0o077 == 0
        told = (backup.path / "backup.json").read_text()
        assert psycopg.conninfo.conninfo_to_dict(still.dsn)["password"] not in told + repr(still.address)
        assert json.loads(told)["state"] == "taken"


class TestGivenABackupThatSomebodyHarmed:
    def test_when_a_byte_is_flipped_then_the_file_is_named(self, still, backup):
        file = next((backup.path / "data").glob("*.dat.gz"))
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

        proof = still.prove(backup)

        assert not proof.verified
        assert proof.why == (f"The file data/{file.name} was changed.",)
        assert still.read(backup).state is State.DAMAGED

    def test_when_a_byte_was_flipped_before_digests_were_taken_then_restoring_finds_it(self, still, backup):
        file = max((backup.path / "data").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)

        proof = still.prove(forget_digests(still, backup))

        assert not proof.verified
        assert proof.why

    def test_when_a_tables_file_is_gone_then_it_is_found(self, still, backup):
        max((backup.path / "data").glob("*.dat.gz"), key=lambda path: path.stat().st_size).unlink()

        proof = still.prove(backup)
        unaware = still.prove(forget_digests(still, backup))

        assert "is missing" in proof.why[0]
        assert "cannot be restored" in unaware.why[0]
        assert not unaware.verified
        assert still.scratches() == []

    def test_when_rows_are_otherwise_in_the_copy_then_table_and_column_are_named(self, shop, still_shop):
        honest = still_shop[1]
        shop.ask("update users set email = 'other' where id = 7")
        shop.ask("delete from parts")
        shop.ask("alter table orders add more int")
        shop.ask("drop view totals")
        later = shop.take()
        forged = replace(later, sums=honest.sums)
        shop.forbid_writing()

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

    def test_when_two_rows_swap_a_value_then_it_is_found(self, shop, still_shop):
        honest = still_shop[1].sums
        shop.ask("update orders set cents = case id when 1 then 2 else 1 end where id in (1, 2)")
        with shop.address.connect() as connection:
            prepare(connection)
            later = fetch_sums(connection)

        assert honest.tables["public.orders"].columns == later.tables["public.orders"].columns
        assert list(find_differences(honest, later)) == [
            "table public.orders has other values in which values stand together."
        ]

    def test_when_a_grant_is_lost_or_an_owner_changed_then_it_is_named(self, shop, still_shop):
        shop.ask("grant select on users to public; comment on table orders is 'said later'")
        shop.ask("alter function twice(int) owner to pg_monitor")
        forged = replace(shop.take(), sums=still_shop[1].sums)

        assert set(shop.prove(forged).why) == {
            "comment public.(table public.orders) was not there.",
            "grants public.users is defined otherwise.",
            "grants public.twice(n integer) is defined otherwise.",
            "owner public.twice(n integer) is defined otherwise.",
        }

    @pytest.mark.parametrize("harm", ["flip", "cut", "gone", "nonsense"])
    def test_when_its_record_is_harmed_then_it_is_damaged_and_its_data_stay(self, still, backup, harm):
        record = backup.path / "backup.json"
        content = bytearray(record.read_bytes())
        content[content.index(b'"rows": 200') + 8] ^= 1
        harmed = {"flip": bytes(content), "cut": bytes(content[:50]), "gone": b"", "nonsense": b"[]"}
        record.write_bytes(harmed[harm])
        if harm == "gone":
            record.unlink()

        (found,) = still.catalogue.find_all()

        assert (found.id, found.name, found.state) == (backup.id, "production/api", State.DAMAGED)
        assert still.prove(found).why[0].startswith("Its record")
        assert not record.exists() or record.read_bytes() == harmed[harm]
        assert still.catalogue.sweep() == []


class TestGivenAnExtensionThatTheServerOfTheProofLacks:
    def test_when_nothing_needs_it_then_the_rest_is_proven_and_it_is_named(self, still, backup):
        entries = {**backup.sums.objects, "extension pg_strange": "0"}
        strange = replace(
            backup, extensions=(*backup.extensions, "pg_strange"), sums=replace(backup.sums, objects=entries)
        )

        proof = still.prove(strange)

        assert proof.verified
        assert proof.left_out == ("pg_strange",)

    def test_then_entries_of_it_and_of_event_triggers_stay_out(self):
        without = Without(["audit"], ["pg_cron"], event_triggers=True)
        entries = {
            "2; 3079 16385 EXTENSION - pg_cron ": True,
            "3; 0 0 COMMENT - EXTENSION pg_cron ": True,
            "4; 3079 16386 EXTENSION - pg_cron_more ": False,
            "5; 2615 16387 SCHEMA - audit owner": True,
            "6; 0 0 ACL - SCHEMA audit owner": True,
            "7; 1259 16388 TABLE public audit owner": False,
            "8; 3466 16389 EVENT TRIGGER - note owner": True,
        }

        assert {entry: without.leaves_out(entry) for entry in entries} == entries


class TestGivenProgramsThatAreNewerThanTheServer:
    def test_when_it_is_proven_then_their_text_is_replayed_and_still_finds_what_is_wrong(
        self, still, backup, monkeypatch
    ):
        tools = find_tools(180000)
        monkeypatch.setattr("console.backups.prove.find_tools", lambda server: replace(tools, major=99))

        proof = still.prove(backup)
        file = max((backup.path / "data").glob("*.dat.gz"), key=lambda path: path.stat().st_size)
        file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-9]))
        damaged = still.prove(forget_digests(still, backup))

        assert proof.verified
        assert "cannot be restored" in damaged.why[0]


class TestGivenAnAttemptThatCannotSucceed:
    def test_when_somebody_stops_it_then_nothing_is_left(self, still):
        looks = iter([False, False, True, True, True, True])

        with pytest.raises(Interrupted):
            take(TakeRequest(still.address, still.root), stopped=lambda: next(looks))

        assert still.catalogue.find_all() == []
        assert not list(still.root.glob("*/*"))

    def test_when_a_table_is_locked_then_it_gives_up_and_names_it(self, still, monkeypatch):
        monkeypatch.setattr("console.backups.take.LOCK_WAIT", "100")
        monkeypatch.setitem(SETTINGS, "lock_timeout", "100ms")
        with psycopg.connect(still.dsn) as other:
            other.execute("lock table orders in access exclusive mode")

            with pytest.raises(ConsoleError) as caught:
                still.take()

        assert "lock" in caught.value.what
        assert not list(still.root.glob("*/*"))

    def test_when_the_disk_is_nearly_full_then_it_is_not_begun(self, still, monkeypatch):
        monkeypatch.setattr("shutil.disk_usage", lambda place: SimpleNamespace(free=2**20))

        with pytest.raises(StoreError, match="1 MiB are free"):
            still.take()

        assert not list(still.root.glob("*/*"))

    def test_when_nobody_answers_then_that_is_said_without_the_password(self, still):
        address = type(still.address)("x", "postgresql://me:hidden-word@127.0.0.1:1/db")

        with pytest.raises(Unreachable) as caught:
            take(TakeRequest(address, still.root))

        assert "hidden-word" not in str(caught.value)

    def test_when_the_address_is_a_transaction_pooler_then_it_is_refused(self, still):
        with pytest.raises(Rejected, match="6543"):
            type(still.address)("x", "postgresql://me:word@host:6543/db")


class TestGivenAProcessThatWasKilled:
    def test_then_its_half_goes_with_the_next_backup_and_its_scratch_with_the_next_proof(self, still, backup, tmp_path):
        half = still.catalogue.begin("production/api", Kind.POSTGRES, NOW)
        still.catalogue.write(replace(half, process="1 0"))
        left = still.root / "production%2Fapi" / "work-1-0-clear"
        left.mkdir()
        server = tmp_path / "qdpg-left"
        server.mkdir()
        note_elsewhere(left, server)
        still.ask("create database quarterdeck_scratch_left")

        assert still.catalogue.sweep() == [half.id]
        assert still.prove(backup).verified

        assert not left.exists()
        assert not server.exists()
        assert [one.id for one in still.catalogue.find_all()] == [backup.id]
        assert still.scratches() == []

    def test_when_it_still_runs_then_it_is_left_alone(self, still):
        running = still.catalogue.begin("production/api", Kind.POSTGRES, NOW)

        assert still.catalogue.sweep() == []
        assert still.catalogue.find(running.id).state is State.TAKING


def test_what_is_written_is_read_again(still_shop, backup):
    assert replace(still_shop[1], folder=backup.folder) == backup
    assert isinstance(backup.sums.tables["public.users"], TableSum)
    assert backup.sums.tables["public.users"].rows == 200
