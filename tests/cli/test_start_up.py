"""What a command loads before it does anything, and how the process ends: asked of real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"httpx", "textual", "dbos", "pydantic", "starlette", "uvicorn", "sqlalchemy", "jinja2", "sqlite_utils"}

PROGRAM = """
import json, sys
from console.cli.main import main
code = main({arguments!r})
print(json.dumps([code, sorted(name for name in sys.modules if "." not in name)]), file=sys.stderr)
"""


def loaded_by(tmp_path, *arguments: str) -> tuple[int, set[str]]:
    """Run a command in a process of its own; returns its code and the top-level modules that it had loaded."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(arguments=list(arguments))],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QUARTERDECK_HOME": str(tmp_path / "home")},
    )
    code, modules = json.loads(ran.stderr.splitlines()[-1])
    return code, set(modules)


class TestGivenAProcessOfItsOwn:
    @pytest.mark.parametrize("arguments", [["--help"], ["deploy", "--help"], ["--version"], ["deploy"]])
    def test_when_only_words_are_wanted_then_nothing_heavy_is_loaded(self, tmp_path, arguments):
        _, modules = loaded_by(tmp_path, *arguments)
        assert not HEAVY & modules

    def test_when_the_status_is_asked_then_neither_textual_nor_dbos_is_loaded(self, tmp_path):
        program = (
            "import json, sys\n"
            "import console.cli.main, console.cli.looking, console.cli.reach, console.client.http, httpx\n"
            "from console.cli.reach import SocketReach\n"
            "print(json.dumps(sorted(sys.modules)))"
        )
        ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
        modules = set(json.loads(ran.stdout))
        assert not {"textual", "dbos", "sqlalchemy", "starlette", "uvicorn"} & modules

    def test_when_no_worker_runs_then_its_status_fails_in_words(self, tmp_path):
        code, modules = loaded_by(tmp_path, "worker", "status")
        assert code == 1
        assert not {"textual", "dbos"} & modules

    def test_when_the_reader_goes_away_then_there_is_no_traceback(self, tmp_path):
        program = (
            "import sys\n"
            "import console.cli.main as m\n"
            "import console.cli.looking as looking\n"
            "def flood(session):\n"
            "    while True:\n"
            "        print('line ' * 200, file=session.out)\n"
            "looking.status = flood\n"
            "sys.exit(m.main(['status']))"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        told = process.stderr.read()
        process.stderr.close()
        assert process.wait(30) == 141
        assert told == ""

    def test_when_it_is_not_a_terminal_then_the_console_says_so(self, tmp_path):
        ran = subprocess.run(
            [sys.executable, "-m", "console.cli.main", "--home", str(tmp_path)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 2
        assert ran.stderr.startswith("The console needs a terminal.")
        assert ran.stdout == ""

    def test_when_the_configuration_is_wrong_then_each_problem_is_a_line_and_the_code_is_two(self, tmp_path):
        (tmp_path / "config.toml").write_text('[environments.production]\ntier = "moon"\nstages = [50, 10]\n')
        ran = subprocess.run(
            [sys.executable, "-m", "console.cli.main", "--home", str(tmp_path), "config", "check"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 2
        assert "config.toml:2" in ran.stderr
        assert "problem" in ran.stderr.splitlines()[0]
        assert ran.stdout == ""

    def test_when_the_configuration_is_good_then_it_is_shown_setting_by_setting(self, tmp_path):
        (tmp_path / "config.toml").write_text("")
        ran = subprocess.run(
            [sys.executable, "-m", "console.cli.main", "--home", str(tmp_path), "config", "show", "--format", "json"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        assert json.loads(ran.stdout)["history"]["keep_deployments"] == 500
