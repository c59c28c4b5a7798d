"""Files come from Storage whole and checked, or not at all; moving and copying takes no other file's place."""

import hashlib
from pathlib import Path

import pytest

from console.domain.errors import Rejected, UnexpectedReply, Unreachable, UsageError
from console.playground.emulators.storage_state import Stored
from providers.contract import OperationStatus
from providers.supabase.downloads import PIECE, DownloadFile
from providers.supabase.relocating import CopyFile, MoveFile
from tests.providers.supabase.wishes import REF, START, with_bucket

CONTENT = bytes(range(256)) * (36 * 1024)


@pytest.fixture
def office(office):
    with_bucket(office.platform, office.project)
    put(office, "backup/large.bin", CONTENT)
    return office


def put(office, name: str, body: bytes, **metadata: str) -> Stored:
    stored = Stored("files", name, body, "application/octet-stream", "max-age=60", metadata, START, START)
    office.project.storage.buckets["files"].objects[name] = stored
    return stored


def wish(place: Path, name="backup/large.bin", replace=False) -> DownloadFile:
    return DownloadFile(REF, "files", name, str(place), replace)


class TestGivenALargeFileToDownload:
    async def test_when_it_is_downloaded_then_it_comes_in_pieces_and_is_checked(self, office, tmp_path):
        done = await office.act("download-file", wish(tmp_path / "here.bin"))

        asked = [one.headers["range"] for one in office.sent("GET", "/object/authenticated/")]
        assert asked == [f"bytes=0-{PIECE - 1}", f"bytes={PIECE}-{len(CONTENT) - 1}"]
        assert (done.status, done.outputs["checked"]) == (OperationStatus.SUCCEEDED, True)
        assert (tmp_path / "here.bin").read_bytes() == CONTENT
        assert (tmp_path / "here.bin").stat().st_mode & 0o777 == 0o600

    async def test_when_the_platform_goes_away_halfway_then_nothing_of_it_is_left(self, office, tmp_path):
        office.line.breaks = lambda request, answered: request.headers.get("range", "bytes=0").startswith("bytes=8")

        with pytest.raises(Unreachable):
            await office.act("download-file", wish(tmp_path / "here.bin"))

        assert list(tmp_path.iterdir()) == []

    async def test_when_it_changes_meanwhile_then_nothing_of_it_is_left(self, office, tmp_path):
        def breaks(request, answered):
            if answered and "range" in request.headers:
                put(office, "backup/large.bin", CONTENT[::-1])
            return False

        office.line.breaks = breaks
        with pytest.raises(UnexpectedReply, match="changed while"):
            await office.act("download-file", wish(tmp_path / "here.bin"))

        assert list(tmp_path.iterdir()) == []

    async def test_when_its_digest_is_another_then_nothing_of_it_is_left(self, office, tmp_path):
        put(office, "other.txt", b"hello", sha256=hashlib.sha256(b"what we uploaded").hexdigest())

        with pytest.raises(UnexpectedReply, match="digest"):
            await office.act("download-file", wish(tmp_path / "here.txt", "other.txt"))

        assert list(tmp_path.iterdir()) == []


class TestGivenADestination:
    async def test_when_another_file_is_there_then_it_stays_unless_it_shall_be_replaced(self, office, tmp_path):
        place = tmp_path / "here.bin"
        place.write_text("mine")

        with pytest.raises(UsageError, match="not overwritten") as refused:
            await office.act("download-file", wish(place))
        assert place.read_text() == "mine"
        assert "replace=yes" in refused.value.remedy

        await office.act("download-file", wish(place, replace=True))
        assert place.read_bytes() == CONTENT

    async def test_when_one_appears_while_it_comes_then_that_one_stays(self, office, tmp_path):
        place = tmp_path / "here.bin"

        def breaks(request, answered):
            if "range" in request.headers:
                place.write_text("mine")
            return False

        office.line.breaks = breaks
        with pytest.raises(UsageError, match="cannot be written"):
            await office.act("download-file", wish(place))

        assert [(one.name, one.read_text()) for one in tmp_path.iterdir()] == [("here.bin", "mine")]

    async def test_when_it_is_no_place_for_a_file_then_it_is_wrong_usage(self, office, tmp_path):
        for place in (tmp_path, tmp_path / "none" / "here.bin", Path("relative.bin")):
            with pytest.raises(UsageError):
                await office.act("download-file", wish(place))

    async def test_when_storage_has_no_such_file_then_it_says_where_to_look(self, office, tmp_path):
        with pytest.raises(Rejected, match="no file none") as refused:
            await office.act("download-file", wish(tmp_path / "here", "none"))

        assert "`files`" in refused.value.remedy

    async def test_when_the_file_is_empty_then_it_is_made_all_the_same(self, office, tmp_path):
        put(office, "empty", b"")

        done = await office.act("download-file", wish(tmp_path / "here", "empty"))

        assert (done.status, (tmp_path / "here").read_bytes()) == (OperationStatus.SUCCEEDED, b"")


class TestGivenAFileToMoveOrCopy:
    def names(self, office):
        return sorted(office.project.storage.buckets["files"].objects)

    async def test_when_it_is_moved_and_copied_then_it_lies_there(self, office):
        moved = await office.act("move-file", MoveFile(REF, "files", "backup/large.bin", "old/large.bin"))
        copied = await office.act("copy-file", CopyFile(REF, "files", "old/large.bin", "new.bin"))

        assert {moved.status, copied.status} == {OperationStatus.SUCCEEDED}
        assert self.names(office) == ["new.bin", "old/large.bin"]

    @pytest.mark.parametrize(("name", "asked"), [("move-file", MoveFile), ("copy-file", CopyFile)])
    async def test_when_another_file_has_the_place_then_it_is_refused_and_both_stay(self, office, name, asked):
        put(office, "taken", b"another")

        with pytest.raises(Rejected, match="already exists"):
            await office.act(name, asked(REF, "files", "backup/large.bin", "taken"))

        assert self.names(office) == ["backup/large.bin", "taken"]

    @pytest.mark.parametrize(("name", "asked"), [("move-file", MoveFile), ("copy-file", CopyFile)])
    async def test_when_there_is_nothing_to_take_then_it_is_refused(self, office, name, asked):
        with pytest.raises(Rejected, match="not found"):
            await office.act(name, asked(REF, "files", "none", "there"))
