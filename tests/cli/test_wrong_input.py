"""What may be wrong on a host, met by real commands and workers: clear words, the right code, nothing lost."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.deck import COMMAND, Deck

pytestmark = pytest.mark.e2e

AS_ROOT = os.geteuid() == 0
NOBODY = 65534
PLATFORM = """
[providers.render{number}]
kind = "render"
owner = "tea-1"
token = "{token}"
"""


@pytest.fixture
def deck() -> Iterator[Deck]:
    """An empty configuration; made outside of the long directories of the test run, since sockets live in it."""
    home = Path(tempfile.mkdtemp(prefix="qd-", dir="/tmp"))
    (home / "config.toml").touch()
    yield Deck(home)
    Deck(home).stop()
    shutil.rmtree(home)


def configure(deck: Deck, text: str) -> None:
    (deck.home / "config.toml").write_text(text, encoding="utf-8")


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TestGivenAConfigurationThatCannotBeUsed:
    def test_when_it_cannot_be_read_then_it_is_named(self, deck: Deck):
        (deck.home / "config.toml").unlink()
        (deck.home / "config.toml").mkdir()

        for command in (("status",), ("config", "check")):
            ran = deck.here(*command)
            assert ran.code == 2
            assert "config.toml: It cannot be read: Is a directory" in ran.err

    @pytest.mark.skipif(AS_ROOT, reason="root may read every file")
    def test_when_its_mode_forbids_it_then_that_is_said(self, deck: Deck):
        (deck.home / "config.toml").chmod(0)

        ran = deck.here("status")

        assert ran.code == 2
        assert "Permission denied" in ran.err

    def test_when_there_is_none_then_an_example_is_named(self, deck: Deck):
        (deck.home / "config.toml").unlink()

        ran = deck.here("status")

        assert ran.code == 2
        assert "config.example.toml" in ran.err

    def test_when_it_contradicts_itself_then_every_problem_comes_at_once_with_its_line(self, deck: Deck):
        configure(
            deck,
            '[services.backend]\nprovider = "rendr"\nneeds = ["nothing"]\n'
            '[environments.production]\ntier = "moon"\nstages = [50, 10]\nbogus = 1\n',
        )

        ran = deck.here("deploy", "production")

        assert ran.code == 2
        assert ran.err.startswith("The configuration has 5 problems:")
        for line in (2, 3, 5, 6, 7):
            assert f"config.toml:{line} · " in ran.err
        assert not (deck.home / "history.db").exists()

    def test_when_tokens_are_missing_then_the_line_of_each_and_the_remedy_are_told(self, deck: Deck):
        home = deck.home
        (home / "open").write_text("a-secret-value")
        (home / "open").chmod(0o644)
        (home / "empty").touch(0o600)
        told_of = {
            "env:QUARTERDECK_NO_SUCH_TOKEN": "The variable QUARTERDECK_NO_SUCH_TOKEN is not set.",
            f"file:{home}/token": f"There is no file {home}/token.",
            f"file:{home}/open": f"chmod 600 {home}/open",
            f"file:{home}/empty": "is empty",
        }
        configure(deck, "".join(PLATFORM.format(number=number, token=token) for number, token in enumerate(told_of)))

        ran = deck.here("status")

        assert ran.code == 2
        assert ran.err.startswith("The configuration has 4 problems:")
        for number, (place, told) in enumerate(zip(ran.err.split("config.toml:")[1:], told_of.values(), strict=True)):
            assert place.startswith(f"{5 + 5 * number} · providers.render{number}.token")
            assert told in place
        assert "a-secret-value" not in ran.err

    def test_when_a_token_is_written_out_then_its_line_is_told_and_it_is_not(self, deck: Deck):
        configure(deck, PLATFORM.format(number=1, token="rnd_abcdefghijklmnop"))

        ran = deck.here("status")

        assert ran.code == 2
        assert "config.toml:5 · providers.render1.token: A secret is written" in ran.err
        assert "rnd_abcdefghijklmnop" not in ran.err


class TestGivenAStateDirectoryThatCannotBeUsed:
    @pytest.mark.parametrize(
        ("home", "told"),
        [
            ("/etc/passwd", "The state directory is no directory."),
            ("/etc/passwd/home", "The state directory cannot be used: Not a directory."),
            ("/sys/home", "The state directory cannot be made here: no permission."),
        ],
    )
    def test_then_it_is_named_and_no_fault_of_ours_is_claimed(self, home: str, told: str):
        ran = Deck(Path(home)).here("status")

        assert ran.code == 1
        assert ran.err.splitlines()[:2] == [told, home]

    @pytest.mark.skipif(not AS_ROOT, reason="only root can become somebody who may not write")
    @pytest.mark.parametrize("mode", [0o555, 0o700])
    def test_when_it_is_another_users_then_that_is_said(self, deck: Deck, mode: int):
        deck.home.chmod(mode)

        ran = as_nobody(deck, "status")

        assert ran.returncode in {1, 4}
        assert str(deck.home) in ran.stderr
        assert "Quarterdeck itself failed" not in ran.stderr

    @pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
    def test_when_its_worker_is_another_users_then_the_client_is_turned_away(self, deck: Deck):
        deck.json("worker", "start")
        deck.home.chmod(0o711)  # the directory may be passed, the socket may not

        ran = as_nobody(deck, "deploy", "production")

        assert ran.returncode == 4
        assert "belongs to another user" in ran.stderr

    @pytest.mark.skipif(not AS_ROOT, reason="only root can give a socket away")
    def test_when_a_socket_is_planted_then_nothing_is_sent_to_it(self, deck: Deck):
        with socket.socket(socket.AF_UNIX) as planted:
            planted.bind(str(deck.home / "worker.sock"))
            planted.listen()
            os.chown(deck.home / "worker.sock", NOBODY, NOBODY)

            ran = deck.here("status")

            assert ran.code == 4
            assert "belongs to another user" in ran.err
            planted.setblocking(False)
            with pytest.raises(BlockingIOError):
                planted.accept()


class TestGivenAHistoryThatCannotBeUsed:
    def test_when_it_is_from_the_future_then_nothing_is_touched(self, deck: Deck):
        deck.json("history")
        deck.stop()
        connection = sqlite3.connect(deck.home / "history.db")
        connection.execute("PRAGMA user_version = 9999")
        connection.close()
        before = fingerprint(deck.home / "history.db")

        ran = deck.here("status")

        assert ran.code == 2
        assert "a newer Quarterdeck: it has schema version 9999" in ran.err
        assert fingerprint(deck.home / "history.db") == before

    def test_when_it_is_damaged_then_nothing_is_touched(self, deck: Deck):
        (deck.home / "history.db").write_bytes(b"not a database at all" * 1000)
        before = fingerprint(deck.home / "history.db")

        ran = deck.here("history")

        assert ran.code == 1
        assert ran.err.startswith("The history is damaged")
        assert str(deck.home / "history.db") in ran.err
        assert fingerprint(deck.home / "history.db") == before

    def test_when_it_is_somebody_elses_database_then_nothing_is_touched(self, deck: Deck):
        connection = sqlite3.connect(deck.home / "history.db")
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()
        connection.close()
        before = fingerprint(deck.home / "history.db")

        ran = deck.here("history")

        assert ran.code == 1
        assert "not a history of Quarterdeck" in ran.err
        assert fingerprint(deck.home / "history.db") == before


@contextmanager
def small_disk() -> Iterator[Deck]:
    """A state directory on a file system of 600 KiB, or a skip where none may be mounted."""
    place = Path(tempfile.mkdtemp(prefix="qd-disk-", dir="/tmp"))
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        place.rmdir()
        pytest.skip("no file system can be mounted here")
    deck = Deck(place / "home")
    deck.home.mkdir(mode=0o700)
    (deck.home / "config.toml").write_text('[environments.staging]\ntier = "staging"\n', encoding="utf-8")
    try:
        yield deck
    finally:
        deck.stop()
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # a process may still be on its way out
        place.rmdir()


def fill(place: Path, leave: int) -> Path:
    """Use up the space but for so many bytes."""
    filler = place / "filler"
    room = os.statvfs(place)
    with filler.open("wb", buffering=0) as file:
        for _ in range(max(0, room.f_bavail - leave // room.f_frsize)):
            file.write(bytes(room.f_frsize))
    return filler


@pytest.mark.skipif(not AS_ROOT, reason="only root can mount a small disk")
class TestGivenAFullDisk:
    @pytest.mark.parametrize("leave", [0, 8192, 32768])
    def test_when_a_worker_is_to_start_then_it_says_so_and_starts_once_there_is_space(self, leave: int):
        with small_disk() as deck:
            filler = fill(deck.home.parent, leave)

            ran = deck.here("history")

            assert ran.code == 1
            assert re.search("disk is full|No space left on device|Check the disk's space", ran.err)
            assert "fault of Quarterdeck" not in ran.err
            assert "Quarterdeck itself failed" not in ran.err
            filler.unlink()
            assert deck.here("history").code == 0

    def test_when_it_fills_up_while_a_worker_runs_then_reading_goes_on_and_the_history_opens_afterwards(self):
        with small_disk() as deck:
            deck.json("status")
            filler = fill(deck.home.parent, 0)

            looked = deck.here("status", "--format", "json")
            asked = deck.here("deploy", "staging")
            deck.kill_worker()
            filler.unlink()

            assert looked.code == 0
            assert asked.code != 0
            assert "Quarterdeck itself failed" not in asked.err
            assert deck.json("history") == []


class TestGivenAWorkerThatCannotStart:
    def test_when_it_ends_without_a_word_then_its_own_code_and_the_end_of_its_log_are_shown(self, deck: Deck):
        (deck.home / "sitecustomize.py").write_text(
            "import sys\nif 'console.server' in sys.orig_argv:\n    print('no legs today', file=sys.stderr)\n"
            "    import os; os._exit(2)\n"
        )

        ran = deck("status", PYTHONPATH=f"{deck.home}:{deck.environment['PYTHONPATH']}")

        assert ran.code == 2
        assert "The worker ended with 2 before it was ready." in ran.err
        assert "no legs today" in ran.err
        assert "worker.log" in ran.err

    def test_when_it_is_run_by_hand_beside_another_then_it_is_refused(self, deck: Deck):
        pid = deck.json("worker", "start")["pid"]

        ran = deck("worker", "run")

        assert ran.code == 4
        assert f"process {pid}" in ran.err


class TestGivenAnOddTerminal:
    def test_when_it_knows_no_arrows_then_question_marks_stand_for_them(self, deck: Deck):
        configure(deck, '[environments.staging]\ntier = "staging"\n')

        ran = deck("status", LC_ALL="C", LANG="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")

        assert ran.code == 0
        assert "staging" in ran.out
        assert ran.out.isascii()

    def test_when_the_reader_goes_away_then_nothing_is_said_about_it(self, deck: Deck):
        deck.json("history")

        ran = subprocess.run(
            ["sh", "-c", '"$@" | head -c 0', "sh", *COMMAND, "history"],
            env=deck.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

        assert ran.stderr == ""


class TestGivenAnEnvironmentThatThereIsNot:
    def test_when_it_is_named_then_those_that_there_are_are_told(self, deck: Deck):
        configure(deck, '[environments.staging]\ntier = "staging"\n[environments.production]\ntier = "production"\n')
        looking = ("status", "plan", "health", "metrics", "logs", "history", "show", "report")

        for command in (*looking, "deploy", "rollback", "pause"):
            ran = deck.here(command, "prodction")

            assert ran.code == 2, command
            assert ran.out == ""
            assert "'prodction'" in ran.err
            assert "staging, production" in ran.err


def as_nobody(deck: Deck, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command as an ordinary user."""
    code = (
        "import os, sys\n"
        "from console.cli.main import main\n"
        # Everything is loaded while the files of this interpreter can still be read.
        "import console.cli.looking, console.cli.deploying, console.client.http\n"
        "main(['--home', '/sys/none', 'worker', 'status']), main(['--home', '/sys/none', 'status'])\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=deck.environment,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
