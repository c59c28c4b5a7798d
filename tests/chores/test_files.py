"""Uploads that people go on working with: what moves is no fault at first, and in the end nothing is left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.chores.files import LOOKS, bring_files
from console.chores.lines import Done, Failed, Order
from console.chores.pace import Pace
from console.chores.tasks import Asked
from console.transfer.files import run as running
from console.transfer.files.journal import Entry, State
from console.transfer.files.request import Act, Request, Result
from console.transfer.files.scan import Found, Left, Why


def entry(name: str, state: State = State.VERIFIED, *, digest: str = "a") -> Entry:
    return Entry(Found(name, 1, 1, digest, digest, "text/plain"), name, state)


def looked(*entries: Entry, left: tuple[Left, ...] = ()) -> Result:
    return Result(Act.TRANSFER, None, entries, left)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "there.txt").write_text("x")
    return tmp_path


def bring(folder: Path, monkeypatch: pytest.MonkeyPatch, looks: Iterator[Result], **more: Any) -> tuple[Any, int]:
    """The outcome, and how often the folder was looked at."""
    seen: list[Request] = []

    def run(request: Request, **_: Any) -> Result:
        seen.append(request)
        return next(looks)

    monkeypatch.setattr(running, "run", run)
    order = Order("files", str(folder / "work" / "d1"), {"files": str(folder), "bucket": "media", **more})
    return bring_files(Asked(order, Pace(lambda told: None), lambda: False)), len(seen)


class TestGivenAFolderThatPeopleWorkWith:
    def test_when_files_go_or_change_under_the_first_look_then_it_goes_on(self, folder, monkeypatch):
        moving = (Left("gone.txt", Why.UNREADABLE, "no such file"), Left("there.txt", Why.CHANGING, "written to"))

        ended, _ = bring(folder, monkeypatch, iter([looked(entry("a"), entry("b", State.FAILED), left=moving)]))

        assert isinstance(ended, Done), ended
        assert ended.detail == "1 files, 1 bytes, each read back as it is"

    @pytest.mark.parametrize("left", [Left("big", Why.TOO_LARGE, "9 GB"), Left("there.txt", Why.UNREADABLE, "denied")])
    def test_when_one_cannot_go_at_all_then_it_is_said_at_once(self, folder, monkeypatch, left):
        ended, _ = bring(folder, monkeypatch, iter([looked(entry("a"), left=(left,))]))

        assert isinstance(ended, Failed)
        assert left.path in ended.what

    def test_when_files_came_meanwhile_then_it_looks_until_nothing_is_new(self, folder, monkeypatch):
        looks = [looked(entry("a")), looked(entry("a"), entry("b")), looked(entry("a"), entry("b", digest="c"))]
        looks += [looks[-1]]

        ended, count = bring(folder, monkeypatch, iter(looks), until_still=True)

        assert isinstance(ended, Done)
        assert count == 4
        assert ended.outputs["files"] == 2

    def test_when_they_never_end_then_it_says_so(self, folder, monkeypatch):
        looks = (looked(*(entry(str(n)) for n in range(number))) for number in range(LOOKS))

        ended, count = bring(folder, monkeypatch, looks, until_still=True)

        assert isinstance(ended, Done)
        assert count == LOOKS
        assert "files keep coming" in ended.detail
