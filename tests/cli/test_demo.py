"""The whole demo as an operator runs it, on real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.e2e
class TestGivenAFreshHome:
    def test_when_the_demo_runs_headless_then_it_holds_and_leaves_only_reports(self, tmp_path):
        home = tmp_path / "home"
        ran = subprocess.run(
            [sys.executable, "-m", "console.cli.main", "--home", str(home), "demo", "--headless", "--format", "json"],
            capture_output=True,
            text=True,
            timeout=420,
            env={**os.environ, "HOME": str(tmp_path)},
        )
        told = json.loads(ran.stdout)
        good, erring, by_hand = told["parts"]

        assert told["held"], told["broken"]
        assert ran.returncode == 0
        assert (good["status"], good["failed"]) == ("succeeded", 0)
        assert good["requests"] >= 2000
        assert (erring["status"], erring["trigger"]) == ("rolled_back", "automatic")
        assert (by_hand["status"], by_hand["trigger"]) == ("rolled_back", "manual")
        for part in told["parts"]:
            assert "<html" in Path(part["report"]).read_text(encoding="utf-8")
        assert not (home / "playground" / "state.json").exists()
