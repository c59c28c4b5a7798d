"""Clients and workers that die in the middle: the deployment ends as it should, and nothing is done twice."""

from __future__ import annotations

import contextlib
import os
import pty
import select
import signal
import subprocess
import time

import pytest

from tests.e2e.conftest import Deployed
from tests.e2e.deck import COMMAND, PATIENCE, Deck, Scene

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]

STAGING = ("deploy", "staging", "--wait", "--format", "json")


class TestGivenAClientThatWaits:
    def test_when_it_is_killed_then_the_deployment_does_not_notice(self, idle: Deck):
        running = idle.begin(*STAGING, "--release", "v1.1", "--request-id", "killed-client")
        running.wait_for("▶ Deploy v1.1 to backend")
        worker = idle.worker_pid

        running.kill()
        again = idle(*STAGING, "--release", "v1.1", "--request-id", "killed-client")

        assert again.code == 0, again.err
        assert idle.worker_pid == worker
        assert all(step["attempts"] <= 1 for step in again.json["steps"])

    def test_when_its_terminal_is_closed_then_the_deployment_does_not_notice(self, idle: Deck):
        arguments = ["deploy", "staging", "--wait", "--yes", "--release", "v1.2", "--request-id", "closed-terminal"]
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=idle.environment,
            start_new_session=True,
        )
        os.close(slave)
        _read_until(master, "▶ Deploy v1.2 to backend")
        worker = idle.worker_pid

        os.close(master)
        os.killpg(process.pid, signal.SIGHUP)  # what the kernel sends to a session whose terminal goes
        assert process.wait(PATIENCE) != 0
        again = idle(*STAGING, "--release", "v1.2", "--request-id", "closed-terminal")

        assert again.code == 0, again.err
        assert idle.worker_pid == worker

    def test_when_the_worker_was_started_from_a_terminal_that_closes_then_it_stays(self, idle: Deck):
        idle.stop()
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, "worker", "start"],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=idle.environment,
            start_new_session=True,
        )
        os.close(slave)
        _read_until(master, "socket")
        process.wait(PATIENCE)
        worker = idle.worker_pid

        os.close(master)

        assert idle.json("worker", "status")["pid"] == worker


class TestGivenTheSameRequestTwice:
    def test_when_both_are_sent_then_there_is_one_deployment(self, idle: Deck):
        count = len(idle.json("history", "staging", "--limit", "1000"))
        arguments = [*STAGING, "--release", "v1.1", "--request-id", "twice"]

        first, second = idle.begin(*arguments), idle.begin(*arguments)
        ended = [first.end(), second.end()]
        later = idle(*arguments)

        assert [ran.code for ran in (*ended, later)] == [0, 0, 0], ended
        assert len({ran.json["id"] for ran in (*ended, later)}) == 1
        assert "had been made before" in later.err
        assert len(idle.json("history", "staging", "--limit", "1000")) == count + 1


class TestGivenTheWorkerIsKilledTwice:
    def test_when_the_rollout_ends_then_each_platform_was_changed_once(self, production: Deck, deployed: Deployed):
        before = Scene.of(production)
        running = production.begin("deploy", "production", "--release", "v1.1", "--wait", "--format", "json")

        running.wait_for("▶ Deploy v1.1 to green")
        first = production.kill_worker()
        running.wait_for("backend: blue 50 % · green 50 %")
        second = production.kill_worker()
        ran = running.end()

        after = Scene.of(production)
        undisturbed = deployed.after.changes_since(deployed.before)
        # The very first build also turned off Vercel's automatic assignment of domains, and it stayed off.
        undisturbed["vercel"] -= 1
        # And what was taken back before left a hold, which this deployment lifts at its end.
        for lifted in (step for step in ran.json["steps"] if step["kind"] == "lift-hold"):
            undisturbed[lifted["provider"]] += 1
        assert ran.code == 0, ran.err
        assert ran.json["status"] == "succeeded"
        assert first != second
        assert after.weights == ran.json["traffic"][-1]["weights"] == {"blue": 0, "green": 100}
        assert after.releases == before.releases | {"backend": ("v1.1",), "worker": ("v1.1",)}
        assert after.migrations == before.migrations + 1
        assert after.changes_since(before) == undisturbed
        assert after.failed == before.failed, after.failures

        back = production("rollback", "production", "--wait", "--format", "json")

        assert back.code == 0, back.err
        assert Scene.of(production).lasting == before.lasting


def _read_until(master: int, words: str) -> None:
    said, deadline = b"", time.monotonic() + PATIENCE
    while words.encode() not in said:
        assert time.monotonic() < deadline, said.decode()
        if select.select([master], [], [], 1.0)[0]:
            with contextlib.suppress(OSError):
                said += os.read(master, 65536)
