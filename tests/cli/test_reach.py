"""What a command says before it asks the worker."""

import fcntl
import os
from pathlib import Path

import pytest

from console.cli.reach import describe_change


@pytest.fixture
def home(tmp_path: Path):
    """A state directory whose worker runs, and started a minute after its configuration was written."""
    config, lock = tmp_path / "config.toml", tmp_path / "worker.lock"
    config.touch()
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        written = config.stat().st_mtime
        os.utime(lock, (written + 60, written + 60))
        yield tmp_path


def edit(home: Path) -> None:
    later = (home / "worker.lock").stat().st_mtime + 60
    os.utime(home / "config.toml", (later, later))


class TestGivenAWorkerThatRuns:
    def test_when_its_configuration_is_as_it_was_then_nothing_is_said(self, home):
        assert describe_change(home) == ""

    def test_when_its_configuration_was_changed_then_the_remedy_is_named(self, home):
        edit(home)
        assert "config.toml was changed after the worker had started" in describe_change(home)
        assert "worker stop" in describe_change(home)

    def test_when_another_file_is_meant_then_that_one_counts(self, home, tmp_path):
        other = tmp_path / "other.toml"
        other.touch()
        edit(home)
        assert describe_change(home, other) == ""


class TestGivenNoWorker:
    def test_when_the_configuration_is_newer_then_nothing_is_said(self, tmp_path):
        for name in ("worker.lock", "config.toml"):
            (tmp_path / name).touch()
        os.utime(tmp_path / "worker.lock", (0, 0))
        assert describe_change(tmp_path) == ""
