"""Home, lock, socket, log and the word to whoever waits."""

from __future__ import annotations

import json
import logging
import os
import socket
import stat
import sys

import pytest

from console.client.places import Places
from console.client.starting import WorkerRunning, answers, check_owner
from console.domain.errors import ConfigError, Refused, StoreError
from console.server.lifecycle import (
    HomeLock,
    Starter,
    notify_systemd,
    open_listener,
    prepare_home,
    set_up_log,
)

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to other users")


@pytest.fixture
def places(short):
    made = Places(short / "home")
    prepare_home(made)
    return made


class TestGivenAHome:
    def test_when_it_is_made_then_it_is_for_its_owner_alone(self, places):
        assert stat.S_IMODE(places.home.stat().st_mode) == 0o700

    def test_when_a_file_stands_there_then_the_words_say_so(self, short):
        (short / "file").touch()

        with pytest.raises(StoreError, match="cannot be used"):
            prepare_home(Places(short / "file"))

    @needs_root
    def test_when_it_is_another_users_then_it_is_left_alone(self, places):
        os.chown(places.home, 65534, -1)

        with pytest.raises(StoreError, match="belongs to another user"):
            prepare_home(places)


class TestGivenALock:
    def test_when_it_is_held_then_the_next_is_told_by_whom(self, places):
        first, second = HomeLock(places), HomeLock(places)
        first.take()

        with pytest.raises(WorkerRunning, match=f"process {os.getpid()}"):
            second.take()

        first.release()
        second.take()
        second.release()

    def test_when_its_holder_died_then_it_is_free(self, places):
        child = os.fork()
        if child == 0:
            HomeLock(places).take()
            os._exit(0)
        os.waitpid(child, 0)

        lock = HomeLock(places)
        lock.take()

        assert places.lock.read_text() == f"{os.getpid()}\n"
        lock.release()


class TestGivenASocket:
    def test_when_it_is_opened_then_only_its_owner_may_connect(self, places):
        listener, path = open_listener(places)

        assert path == places.own_socket
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert answers(path)
        listener.close()

    def test_when_a_dead_worker_left_one_then_it_is_replaced(self, places):
        open_listener(places)[0].close()
        assert not answers(places.own_socket)

        listener, path = open_listener(places)

        assert answers(path)
        listener.close()

    def test_when_somebody_listens_there_without_the_lock_then_it_is_not_taken_away(self, places):
        listener, path = open_listener(places)

        with pytest.raises(StoreError, match="Another process listens"):
            open_listener(places)

        assert answers(path)
        listener.close()

    def test_when_a_file_stands_there_then_it_is_left_alone(self, places):
        places.own_socket.write_text("precious")

        with pytest.raises(StoreError, match="no socket"):
            open_listener(places)

        assert places.own_socket.read_text() == "precious"

    def test_when_the_path_is_too_long_then_a_short_one_is_recorded_and_kept(self, short):
        places = Places(short / ("deep" * 30))
        prepare_home(places)

        listener, path = open_listener(places)
        listener.close()
        again, same = open_listener(places)

        assert len(str(path)) < 107
        assert places.find_socket() == path == same
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert answers(places.find_socket())
        again.close()
        path.unlink()
        path.parent.rmdir()

    def test_when_a_group_is_named_then_its_members_may_connect(self, places):
        import grp

        group = grp.getgrgid(os.getegid()).gr_name

        listener, path = open_listener(places, group)

        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert stat.S_IMODE(places.home.stat().st_mode) == 0o710
        listener.close()

    def test_when_the_group_does_not_exist_then_nothing_is_opened(self, places):
        with pytest.raises(ConfigError, match="no group 'nobodies-group'"):
            open_listener(places, "nobodies-group")

        assert not places.own_socket.exists()

    @needs_root
    def test_when_it_is_another_users_then_neither_side_touches_it(self, places):
        listener, path = open_listener(places)
        listener.close()
        os.chown(path, 65534, -1)

        with pytest.raises(StoreError, match="another user"):
            open_listener(places)
        with pytest.raises(Refused, match="another user"):
            check_owner(places, path)

    @needs_root
    def test_when_another_user_connects_then_they_are_not_let_in(self, places):
        listener, path = open_listener(places)
        places.home.chmod(0o711)
        places.home.parent.chmod(0o711)
        child = os.fork()
        if child == 0:
            os.setuid(65534)
            try:
                answers(path)
            except Refused as refusal:
                os._exit(42 if "does not let you in" in refusal.what else 1)
            os._exit(2)

        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 42
        listener.close()


class TestGivenSomebodyWhoWaits:
    @pytest.fixture
    def pipe(self):
        reading, writing = os.pipe()
        yield reading, writing
        os.close(reading)

    def test_when_the_worker_is_ready_then_they_hear_it_and_the_pipe_ends(self, pipe):
        Starter(pipe[1]).tell_ready()

        assert json.loads(os.read(pipe[0], 1000)) == {"ready": True}
        assert os.read(pipe[0], 1) == b""

    def test_when_it_cannot_start_then_they_hear_why(self, pipe):
        Starter(pipe[1]).tell_error(StoreError("No.", "here", "Do that."))

        word = json.loads(os.read(pipe[0], 1000))
        assert (word["error"]["class"], word["error"]["remedy"]) == ("StoreError", "Do that.")

    def test_when_they_have_gone_then_nothing_happens(self):
        reading, writing = os.pipe()
        os.close(reading)

        Starter(writing).tell_ready()

    def test_when_it_is_systemd_then_it_is_told(self, short, monkeypatch):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(short / "notify"))
            monkeypatch.setenv("NOTIFY_SOCKET", str(short / "notify"))

            notify_systemd("READY=1")

            assert systemd.recv(100) == b"READY=1"


class TestGivenALog:
    def test_when_it_grows_then_it_turns_over_and_stays_private(self, places, monkeypatch):
        monkeypatch.setattr("console.server.lifecycle.LOG_BYTES", 2000)
        root = logging.getLogger()
        before = (root.handlers[:], root.level)
        try:
            set_up_log(places, detached=False)
            for number in range(150):
                logging.getLogger("test").info("line %d %s", number, "x" * 50)
        finally:
            root.handlers[:], root.level = before

        logs = sorted(path.name for path in places.home.glob("worker.log*"))
        assert logs == ["worker.log", "worker.log.1", "worker.log.2", "worker.log.3"]
        assert {stat.S_IMODE(path.stat().st_mode) for path in places.home.glob("worker.log*")} == {0o600}
        assert "line 149" in places.log.read_text()


def test_a_client_needs_neither_httpx_nor_a_terminal_before_it_asks():
    import subprocess

    code = (
        "import sys, console.client.http, console.client.starting, console.server.__main__\n"
        "heavy = 'httpx textual dbos sqlalchemy starlette uvicorn sqlite_utils psycopg pydantic'\n"
        "print(sorted(set(heavy.split()) & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
