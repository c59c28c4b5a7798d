"""`audit show` and `verify`, and `dora`, as text and for scripts."""

from __future__ import annotations

import json
from typing import Any

from console.domain.audit import AuditCheck
from tests.cli.conftest import FakeService


class TestGivenARecord:
    def test_when_one_person_is_named_then_only_what_they_asked_for_is_shown(self, shell: Any) -> None:
        ran = shell("audit", "show", "--actor", "ben", "--format", "jsonl")

        assert [json.loads(line)["actor"] for line in ran.out.splitlines()] == ["ben"]

    def test_when_it_is_not_whole_then_verifying_ends_with_1_and_names_what_is_wrong(
        self, shell: Any, service: FakeService
    ) -> None:
        assert shell("audit", "verify").code == 0

        service.checked = AuditCheck(10, 1, 2, 3, problems=("1 of the numbers up to 11 have no event.",))
        text, data = shell("audit", "verify"), shell("audit", "verify", "--format", "json")

        assert (text.code, data.code) == (1, 1)
        assert "wrong     1 of the numbers up to 11 have no event." in text.out
        assert json.loads(data.out)["whole"] is False

    def test_when_delivery_is_measured_then_each_figure_stands_with_its_meaning(self, shell: Any) -> None:
        ran = shell("dora", "production")

        assert "2 h 00 m (of 3)" in ran.out
        assert "25.0%" in ran.out
        assert "change failure rate: of the deployments of releases that changed anything" in ran.out
