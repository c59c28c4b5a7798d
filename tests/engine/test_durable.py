"""The real durable engine, on its own file: a process is killed and another one goes on."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROGRAM = textwrap.dedent(
    """
    import asyncio, json, os, sys
    from pathlib import Path
    from console.engine.durable import DbosDurable

    home, kill_at = Path(sys.argv[1]), sys.argv[2]
    ended = asyncio.Event()
    home_loop = []

    def note(word):
        with open(home / "log", "a") as log:
            log.write(word + "\\n")
            log.flush()

    async def workflow(context, argument):
        async def work(name):
            assert asyncio.get_running_loop() is home_loop[0], "on another loop"
            note(name)
            if name == kill_at:
                os.kill(os.getpid(), 9)
            return {"did": name}

        first = await context.step("decide", lambda: work("one"))
        tasks = [asyncio.create_task(context.step(n, lambda n=n: work(n))) for n in ("left", "right")]
        await asyncio.sleep(0)
        again = await context.step("decide", lambda: work("two"))
        await asyncio.gather(*tasks)
        note(f"end {argument['deployment']} {first['did']} {again['did']}")
        return {}

    async def main():
        home_loop.append(asyncio.get_running_loop())
        durable = DbosDurable(database=home / "engine.db", worker="here", linger=0.0)
        durable.bind(workflow, lambda name: ended.set())
        await durable.ensure("d1", {"deployment": "d1"})
        await asyncio.wait_for(ended.wait(), 30)
        await durable.stop()

    asyncio.run(main())
    """
)

BROKEN = textwrap.dedent(
    """
    import asyncio, sqlite3, sys
    from pathlib import Path
    from console.engine.durable import DbosDurable

    home = Path(sys.argv[1])
    FULL = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
    runs = []

    async def main():
        ended = asyncio.Queue()

        async def workflow(context, argument):
            runs.append("run")
            if len(runs) == 1:
                fill = sqlite3.connect(home / "engine.db", isolation_level=None)
                fill.execute(f"CREATE TRIGGER one BEFORE INSERT ON operation_outputs {FULL}")
                fill.execute(f"CREATE TRIGGER two BEFORE UPDATE ON workflow_status {FULL}")
                fill.close()

            async def work():
                return {"did": "it"}

            await context.step("decide", work)
            return {}

        durable = DbosDurable(database=home / "engine.db", worker="here", linger=60.0)
        durable.bind(workflow, ended.put_nowait)
        await durable.ensure("d1", {})
        await asyncio.wait_for(ended.get(), 30)
        try:
            await durable.ensure("d1", {})
            print("began on a full disk")
        except Exception as problem:
            print("refused", "full" in str(problem))
        free = sqlite3.connect(home / "engine.db", isolation_level=None)
        free.execute("DROP TRIGGER one")
        free.execute("DROP TRIGGER two")
        free.close()
        await durable.ensure("d1", {})
        await asyncio.wait_for(ended.get(), 30)
        print("runs", len(runs))
        await durable.stop()

    asyncio.run(main())
    """
)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}


def run(home: Path, kill_at: str) -> int:
    command = [sys.executable, "-c", PROGRAM, str(home), kill_at]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode


@pytest.mark.e2e
class TestGivenAProcessThatIsKilled:
    @pytest.mark.parametrize("point", ["left", "two"])
    def test_when_another_starts_then_what_was_done_is_not_done_again(self, tmp_path, point):
        assert run(tmp_path, point) == -signal.SIGKILL
        assert run(tmp_path, "nowhere") == 0

        words = (tmp_path / "log").read_text().splitlines()
        assert words[-1] == "end d1 one two"
        assert words.count("one") == 1
        assert words.count(point) == 2

    def test_when_it_ends_and_is_wanted_again_then_a_second_one_runs_and_its_file_is_plain_json_for_us_alone(
        self, tmp_path
    ):
        assert run(tmp_path, "nowhere") == 0
        assert run(tmp_path, "nowhere") == 0

        assert (tmp_path / "log").read_text().splitlines().count("end d1 one two") == 2
        connection = sqlite3.connect(tmp_path / "engine.db")
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        outputs = connection.execute("SELECT output FROM operation_outputs ORDER BY function_id").fetchall()
        assert json.loads(outputs[0][0]) == {"did": "one"}
        assert oct((tmp_path / "engine.db").stat().st_mode & 0o777) == "0o600"


@pytest.mark.e2e
class TestGivenAFileThatCannotBeWrittenForAWhile:
    def test_when_it_can_be_again_then_what_broke_off_runs_again(self, tmp_path):
        command = [sys.executable, "-c", BROKEN, str(tmp_path)]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=90)

        assert done.stdout.splitlines() == ["refused True", "runs 2"], done.stderr
