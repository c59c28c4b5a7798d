"""The backup before migrations as a chore: verified, or failed with what was planted in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from console.chores.backups import back_up, bring_back_data, restore_data
from console.chores.lines import Done, Failed, Order, Stopped
from console.chores.pace import Pace
from console.chores.tasks import Asked


def asked(still, told=lambda line: None, stopped=lambda: False) -> Asked:
    arguments = {"name": "production/api", "root": str(still.root), "note": "before d-1"}
    return Asked(Order("back-up", "/nowhere", arguments, {"address": still.dsn}), Pace(told), stopped)


class TestGivenABackupBeforeMigrations:
    def test_when_it_is_equal_then_it_is_done(self, still):
        done = back_up(asked(still))

        assert isinstance(done, Done)
        assert "is verified" in done.detail
        assert still.catalogue.find(str(done.outputs["backup"])).note == "before d-1"

    def test_when_a_byte_is_flipped_between_dump_and_proof_then_it_has_failed(self, still):
        def plant(line):
            if line.phase == "check":
                file = next(still.root.glob("*/*/data/*.dat.gz"))
                file.write_bytes(file.read_bytes()[:-1] + b"!")

        failed = back_up(asked(still, plant))

        assert isinstance(failed, Failed)
        assert "is damaged: The file data/" in failed.what
        assert "Nothing was migrated" in failed.remedy
        assert not failed.again

    def test_when_somebody_stops_it_then_nothing_is_left(self, still):
        assert isinstance(back_up(asked(still, stopped=lambda: True)), Stopped)
        assert not list(still.root.glob("*/*"))


class TestGivenARestore:
    @pytest.fixture
    def order(self, shop, backup, tmp_path) -> Any:
        def order(task: str, step: str, **more: Any) -> Asked:
            arguments = {"name": "production/api", "root": str(still_root(backup)), "step": step, "unproven": True}
            secrets = {"address": shop.dsn}
            folder = tmp_path / "chores"
            folder.mkdir(exist_ok=True)
            return Asked(Order(task, str(folder), {**arguments, **more}, secrets), Pace(lambda _: None), lambda: False)

        return order

    def test_when_the_same_order_comes_again_then_it_is_not_done_twice_and_it_can_be_taken_back(
        self, shop, backup, order
    ):
        shop.ask("delete from orders")
        done = restore_data(order("restore-data", "api.restore", backup=backup.id))
        shop.ask("delete from orders where id <= 100")

        again = restore_data(order("restore-data", "api.restore", backup=backup.id))

        assert isinstance(done, Done)
        assert isinstance(again, Done)
        assert again.outputs["saved"] == done.outputs["saved"]
        assert shop.ask("select count(*) from orders") == [(400,)]

        # The step never came to its end on record, as after a kill between the commit and the record.
        back = bring_back_data(order("bring-back-data", "undo:api.restore", saved="", forward="api.restore"))

        assert isinstance(back, Done)
        assert shop.ask("select count(*) from orders") == [(0,)]

    def test_when_it_was_cut_before_its_commit_then_it_is_begun_anew_and_nothing_is_brought_back(
        self, shop, backup, order, tmp_path
    ):
        with shop.address.connect() as connection, connection.transaction(force_rollback=True):
            (cut,) = connection.execute("select txid_current()").fetchone()
        asked = order("restore-data", "api.restore", backup=backup.id)
        note = {"backup": backup.id, "saved": "20260101-000000-0000", "transaction": str(cut)}
        (Path(asked.order.folder) / "restore-api-restore.json").write_text(json.dumps(note))

        assert bring_back_data(order("x", "undo", saved="", forward="api.restore")) == Done("nothing had been restored")
        assert isinstance(restore_data(asked), Done)


def still_root(backup) -> Path:
    return backup.path.parent.parent
