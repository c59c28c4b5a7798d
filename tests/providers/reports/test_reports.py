"""Issues that users report, by Sentry's count and by a collector's file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from console.domain.errors import Rejected
from providers.contract import ReportSource, Unsupported
from providers.reports.adapter import open_connection
from providers.reports.settings import ReportsSettings
from tests.providers.reports.fake import Issue
from tests.providers.subjects.reports import ReportsSubject

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


class TestGivenSentry:
    async def test_when_issues_are_of_other_releases_or_older_then_they_are_not_told(self):
        world = ReportsSubject()
        world.sentry.issues = [
            Issue("1", "v2", NOON + minutes(1)),
            Issue("2", "v2", NOON - minutes(1)),
            Issue("3", "v7", NOON + minutes(1)),
            Issue("4", "v2", NOON + minutes(1), project="other"),
            Issue("5", "v1", NOON),
        ]
        connection = world.open()

        found = await connection.capabilities.reports.fetch_reports("shop", ("v1", "v2"), NOON)

        assert {(one.id, one.release) for one in found} == {("issue-1", "v2"), ("issue-5", "v1")}
        await connection.close()

    async def test_when_there_are_several_pages_then_all_are_read(self):
        world = ReportsSubject()
        world.sentry.issues = [Issue(str(number), "v2", NOON + minutes(number)) for number in range(5)]
        connection = world.open()

        found = await connection.capabilities.reports.fetch_reports("", ("v2",), NOON)

        assert (len(found), world.sentry.pages) == (5, 3)
        await connection.close()


def line(name: str, at: datetime = NOON, **more: str) -> str:
    return json.dumps({"id": name, "at": at.isoformat(), "release": "v2", **more}) + "\n"


class TestGivenAFile:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return tmp_path / "reports.jsonl"

    @pytest.fixture
    def reports(self, path: Path) -> ReportSource:
        offered = open_connection("support", ReportsSettings(file=str(path)), clock=lambda: NOON).capabilities.reports
        assert not isinstance(offered, Unsupported)
        return offered

    async def read(self, reports: ReportSource, project: str = "") -> set[str]:
        return {one.id for one in await reports.fetch_reports(project, (), NOON - minutes(60))}

    async def test_when_there_is_none_then_it_is_refused_with_what_to_do(self, reports):
        with pytest.raises(Rejected, match="cannot be read") as raised:
            await self.read(reports)

        assert "collector" in raised.value.remedy

    async def test_when_lines_are_appended_twice_or_late_then_each_counts_once(self, reports, path):
        path.write_text(line("a") + line("a") + line("old", NOON - minutes(90)))
        assert await self.read(reports) == {"a"}

        with path.open("a") as file:
            file.write(line("late", NOON - minutes(30)) + line("a"))
        assert await self.read(reports) == {"a", "late"}

    async def test_when_a_line_is_half_written_then_it_waits_for_its_end(self, reports, path):
        whole = line("b")
        path.write_text(line("a") + whole[:9])
        assert await self.read(reports) == {"a"}

        path.write_text(line("a") + whole)
        assert await self.read(reports) == {"a", "b"}

    async def test_when_lines_make_no_sense_then_the_others_are_read(self, reports, path):
        path.write_text("no json\n[1]\n" + json.dumps({"id": "x", "at": "noon"}) + "\n" + line("a"))

        assert await self.read(reports) == {"a"}

    async def test_when_the_file_is_rotated_then_the_old_reports_stay_known(self, reports, path):
        path.write_text(line("a"))
        assert await self.read(reports) == {"a"}

        path.rename(path.with_suffix(".1"))
        path.write_text(line("b"))
        assert await self.read(reports) == {"a", "b"}

    async def test_when_lines_name_a_project_then_others_are_left_out(self, reports, path):
        path.write_text(line("a", project="shop") + line("b", project="desk") + line("c"))

        assert await self.read(reports, "shop") == {"a", "c"}


class TestGivenSettings:
    @pytest.mark.parametrize(
        "wrong", [{}, {"organization": "acme"}, {"file": "relative.jsonl"}, {"file": "/a", "organization": "acme"}]
    )
    def test_when_there_is_not_one_whole_source_then_they_are_refused(self, wrong):
        with pytest.raises(ValidationError):
            ReportsSettings.model_validate(wrong)
