"""A port that was free when it was chosen and is taken when it is used."""

import subprocess
import sys
from pathlib import Path

import pytest

from console.playground.home import PlaygroundHome

pytestmark = pytest.mark.e2e

PROGRAM = """
import importlib, socket, sys
held = socket.socket()
held.bind(("127.0.0.1", 0))
held.listen()
importlib.import_module(sys.argv.pop(1)).free_port = lambda: held.getsockname()[1]
from console.playground.supervisor import main
print("port", held.getsockname()[1], flush=True)
sys.exit(main())
"""


@pytest.mark.parametrize("where", ["console.playground.postgres", "console.playground.world"])
def test_when_somebody_else_has_the_port_then_it_is_named_and_nothing_stays_behind(where: str, tmp_path: Path):
    arguments = ["--home", str(tmp_path), "--rps", "10", "--speed", "1"]

    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, where, *arguments], capture_output=True, text=True, timeout=120
    )

    first, said = ran.stdout.split("\n", 1)
    assert ran.returncode != 0
    assert "did not start" in said
    assert "address already in use" in said.lower()
    assert first.removeprefix("port ") in said
    assert "Traceback" not in said + ran.stderr
    assert not PlaygroundHome(tmp_path).state.exists()
