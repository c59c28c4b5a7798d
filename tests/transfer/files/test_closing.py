"""A folder that is closed takes nothing new from whoever may not write, and is opened again exactly as it was."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from console.transfer.files import closing
from console.transfer.files.closing import Touched, close_folder, open_folder


@pytest.fixture
def uploads(tmp_path: Path) -> Path:
    folder = tmp_path / "uploads"
    (folder / "2026").mkdir(parents=True)
    for name, mode in (("a.txt", 0o664), ("2026/b.txt", 0o600), ("2026/kept.txt", 0o444)):
        (folder / name).write_text(name)
        (folder / name).chmod(mode)
    (folder / "2026").chmod(0o2775)
    (folder / "link").symlink_to(tmp_path)
    return folder


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_mode & 0o7777 for path in (folder, *folder.rglob("*"))}


def writable(folder: Path) -> list[str]:
    return [name for name, mode in modes(folder).items() if mode & 0o222 and name != "link"]


class TestGivenAFolderOfUploads:
    def test_when_it_is_closed_and_opened_then_it_is_as_it_was(self, uploads: Path, tmp_path: Path):
        before = modes(uploads)

        touched: list[Touched] = []
        closed = close_folder(uploads, tmp_path / "work" / "closed.jsonl", touched=touched.append)
        held = writable(uploads)
        (uploads / "a.txt").chmod(0o640)
        opened = open_folder(tmp_path / "work" / "closed.jsonl")

        assert closed.count == 5
        assert held == []
        assert opened == 4
        assert {one.path for one in touched} == {"a.txt", "2026/b.txt", "2026/kept.txt"}
        assert modes(uploads) == before | {"a.txt": 0o640}
        assert tmp_path.stat().st_mode & 0o200

    def test_when_the_process_dies_in_its_middle_then_the_next_goes_on_and_nothing_stays_closed(
        self, uploads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ):
        before, journal = modes(uploads), tmp_path / "closed.jsonl"
        real, left = os.chmod, iter((2, 1))

        def dying(path: bytes, mode: int) -> None:
            if next(left, 0) == 0:
                raise KeyboardInterrupt
            real(path, mode)

        monkeypatch.setattr(closing.os, "chmod", dying)
        with pytest.raises(KeyboardInterrupt):
            close_folder(uploads, journal)
        monkeypatch.setattr(closing.os, "chmod", real)
        close_folder(uploads, journal)
        held = writable(uploads)
        open_folder(journal)

        assert held == []
        assert modes(uploads) == before
        assert open_folder(journal) == 0
