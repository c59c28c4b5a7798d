"""`judge --simulate` prints figures for people and for programs, and ends as they are."""

from __future__ import annotations

import json

from console.cli.main import main


class TestGivenTheSimulation:
    def test_when_asked_for_json_then_every_promised_figure_is_there(self, capsys):
        code = main(["judge", "--simulate", "--rollouts", "2", "--seed", "4", "--format", "json"])
        found = json.loads(capsys.readouterr().out)
        assert code == (0 if found["holds"] else 1)
        assert found["seed"] == 4
        assert 0.0 <= found["false_rollback_rate"] <= 1.0
        assert {"median", "p95", "detected"} <= set(found["detection"]["errors"]) & set(found["detection"]["latency"])
        assert found["silent_passes"] == 0
        assert {"held", "median_requests", "fair_alarms"} <= set(found["split"])
        assert all({"name", "value", "most", "holds"} == set(bar) for bar in found["bars"])

    def test_when_nothing_is_asked_then_it_says_what_to_write(self, capsys):
        assert main(["judge"]) == 2
        assert "judge --simulate" in capsys.readouterr().err
