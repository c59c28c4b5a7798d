"""The backup before migrations as a chore: verified, or failed with what was planted in it."""

from __future__ import annotations

from console.chores.backups import back_up
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
