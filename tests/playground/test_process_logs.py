import json
import os
from pathlib import Path

from console.playground.process_logs import KEEP_BYTES, read_newest, trim


def line(time: float, message: str) -> str:
    return json.dumps({"time": time, "level": "info", "message": message, "release": "v1.0"}) + "\n"


class TestGivenTheLogsOfTwoProcesses:
    def test_when_the_newest_are_asked_for_then_they_come_merged_and_oldest_first(self, tmp_path: Path):
        one, two = tmp_path / "one.log", tmp_path / "two.log"
        one.write_text("".join(line(moment, f"one {moment}") for moment in (1.0, 3.0, 5.0)))
        two.write_text("".join(line(moment, f"two {moment}") for moment in (2.0, 4.0)))

        records = read_newest([("one", one), ("two", two)], after=None, limit=3)

        assert [record.message for record in records] == ["one 3.0", "two 4.0", "one 5.0"]
        assert [record.instance for record in records] == ["one", "two", "one"]

    def test_when_a_moment_is_given_then_only_later_lines_come(self, tmp_path: Path):
        path = tmp_path / "one.log"
        path.write_text("".join(line(moment, str(moment)) for moment in (1.0, 2.0, 3.0)))

        assert [record.time for record in read_newest([("one", path)], after=1.0, limit=10)] == [2.0, 3.0]

    def test_when_lines_span_many_blocks_then_none_is_torn(self, tmp_path: Path):
        path = tmp_path / "one.log"
        path.write_text("".join(line(float(number), "x" * 200) for number in range(5000)))

        records = read_newest([("one", path)], after=None, limit=10_000)

        assert [record.time for record in records] == [float(number) for number in range(5000)]

    def test_when_a_line_is_still_being_written_then_it_is_left_out(self, tmp_path: Path):
        path = tmp_path / "one.log"
        path.write_text(line(1.0, "whole") + '{"time": 2.0, "mess')

        assert [record.message for record in read_newest([("one", path)], None, 10)] == ["whole"]

    def test_when_a_traceback_stands_between_then_it_is_kept_as_it_is(self, tmp_path: Path):
        path = tmp_path / "one.log"
        path.write_text(line(1.0, "before") + "Traceback (most recent call last):\n" + line(2.0, "after"))

        records = read_newest([("one", path)], None, 10)

        assert [record.message for record in records] == ["before", "Traceback (most recent call last):", "after"]
        assert records[1].level == "error"

    def test_when_there_is_no_file_then_there_are_no_lines(self, tmp_path: Path):
        assert read_newest([("one", tmp_path / "absent.log")], None, 10) == []

    def test_when_a_file_has_grown_too_large_then_it_is_emptied(self, tmp_path: Path):
        path = tmp_path / "one.log"
        path.touch()
        os.truncate(path, KEEP_BYTES + 1)

        trim(path)

        assert path.stat().st_size == 0
