"""Files get to Storage whole, once, and go on where they stopped."""

import hashlib
import json
from pathlib import Path

import pytest

from console.domain.errors import Rejected, Unauthorized, Unreachable, UsageError
from console.playground.emulators.supabase_state import ApiKey
from providers.contract import OperationKey, OperationStatus
from providers.supabase.buckets import CreateBucket
from providers.supabase.fields import OfProject
from providers.supabase.objects import Files, OfFile, SignedUrl
from providers.supabase.uploads import PIECE, UploadFile
from tests.providers.supabase.wishes import REF, START, with_bucket


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.zip"
    path.write_bytes(bytes(range(256)) * (13 * 4096))
    return path


@pytest.fixture
def office(office):
    with_bucket(office.platform, office.project)
    return office


def stored(office, path="backup/large.zip"):
    return office.project.storage.buckets["files"].objects[path]


class TestGivenALargeFile:
    def wish(self, large: Path) -> UploadFile:
        return UploadFile(REF, "files", "backup/large.zip", str(large))

    async def test_when_it_is_uploaded_then_it_goes_in_pieces_and_carries_its_digest(self, office, large):
        done = await office.act("upload-file", self.wish(large))

        pieces = office.sent("PATCH", "/upload/resumable/")
        assert done.status is OperationStatus.SUCCEEDED
        assert [len(one.content) for one in pieces] == [PIECE, PIECE, large.stat().st_size - 2 * PIECE]
        assert stored(office).body == large.read_bytes()
        assert stored(office).user_metadata == {"sha256": hashlib.sha256(large.read_bytes()).hexdigest()}
        assert stored(office).content_type == "application/zip"

    async def test_when_an_answer_is_lost_halfway_then_it_goes_on_where_it_stopped(self, office, large):
        lost = []

        def breaks(request, answered):
            is_piece = request.method == "PATCH" and answered and len(lost) < 2
            lost.extend([request] if is_piece else [])
            return is_piece

        office.line.breaks = breaks
        done = await office.act("upload-file", self.wish(large))

        assert done.status is OperationStatus.SUCCEEDED
        assert stored(office).body == large.read_bytes()
        assert [one.headers["upload-offset"] for one in office.sent("PATCH")] == ["0", str(PIECE), str(2 * PIECE)]

    async def test_when_the_platform_is_away_then_the_next_start_finishes_the_same_upload(self, office, large):
        office.line.breaks = lambda request, answered: request.headers.get("upload-offset", "0") != "0"
        with pytest.raises(Unreachable):
            await office.act("upload-file", self.wish(large))
        office.line.breaks = lambda request, answered: False
        done = await office.act("upload-file", self.wish(large))

        assert done.status is OperationStatus.SUCCEEDED
        assert len(office.sent("POST", "/upload/resumable")) == 1
        assert office.platform.kinds["object"] == 1

    async def test_when_what_had_arrived_is_too_old_then_it_begins_anew(self, office, large):
        office.line.breaks = lambda request, answered: request.headers.get("upload-offset", "0") != "0"
        with pytest.raises(Unreachable):
            await office.act("upload-file", self.wish(large))
        office.line.breaks = lambda request, answered: False
        await office.clock.sleep(90_000)
        done = await office.act("upload-file", self.wish(large))

        assert done.status is OperationStatus.SUCCEEDED
        assert len(office.sent("POST", "/upload/resumable")) == 2
        assert stored(office).body == large.read_bytes()

    async def test_when_somebody_else_asks_later_then_the_content_tells(self, office, large):
        wish, key = self.wish(large), OperationKey("later", office.subject.now())
        await office.act("upload-file", wish)

        assert (await office.actuator("upload-file").find(wish, key)).status is OperationStatus.SUCCEEDED
        large.write_bytes(b"something else")
        assert await office.actuator("upload-file").find(wish, key) is None


class TestGivenASmallFile:
    async def test_when_another_file_has_its_place_then_it_is_refused_unless_it_shall_be_replaced(
        self, office, tmp_path
    ):
        path = tmp_path / "note.txt"
        for text, replace in (("one", False), ("two", True)):
            path.write_text(text)
            await office.act("upload-file", UploadFile(REF, "files", "note.txt", str(path), replace=replace))
        path.write_text("three")

        with pytest.raises(Rejected, match="already exists"):
            await office.act("upload-file", UploadFile(REF, "files", "note.txt", str(path)))
        assert stored(office, "note.txt").body == b"two"

    async def test_when_it_is_not_there_then_it_is_wrong_usage(self, office, tmp_path):
        for place in (str(tmp_path / "none"), "relative.txt", str(tmp_path)):
            with pytest.raises(UsageError):
                await office.act("upload-file", UploadFile(REF, "files", "x", place))
        assert office.sent("POST") == []

    async def test_when_it_is_signed_then_the_address_is_whole_and_reads_it(self, office, tmp_path):
        path = tmp_path / "a note.txt"
        path.write_text("hello")
        await office.act("upload-file", UploadFile(REF, "files", "notes/a note.txt", str(path)))

        signed = await office.ask("signed-url", SignedUrl(REF, "files", "notes/a note.txt", 60))
        told = await office.ask("file", OfFile(REF, "files", "notes/a note.txt"))
        listed = await office.ask("files", Files(REF, "files", "notes"))

        assert signed["url"].startswith(f"http://supabase/{REF}/storage/v1/object/sign/files/notes/a")
        assert (told["size"], told["content_type"]) == (5, "text/plain")
        assert [(one["name"], one["size"], one["folder"]) for one in listed] == [("a note.txt", 5, False)]


class TestGivenStorageThatHidesItsStatus:
    def answer(self, office, status: str) -> None:
        body = {"statusCode": status, "error": "x", "message": "no", "code": "x"}
        office.faults.answer(400, body, to="/bucket/")

    @pytest.mark.parametrize(("status", "error"), [("403", Unauthorized), ("409", Rejected), ("500", Unreachable)])
    async def test_when_it_refuses_then_the_error_is_the_true_one(self, office, status, error):
        self.answer(office, status)

        with pytest.raises(error):
            await office.ask("buckets", OfProject(REF))

    async def test_when_the_key_was_rotated_then_it_is_asked_for_again(self, office):
        await office.ask("buckets", OfProject(REF))
        office.project.storage.keys.clear()
        with pytest.raises(Unauthorized):
            await office.ask("buckets", OfProject(REF))

        office.project.api_keys["new"] = ApiKey("new", "secret", "default", "sb_secret_of_today", START)
        office.project.api_keys.pop(next(iter(office.project.api_keys)))
        office.project.storage.keys.add("sb_secret_of_today")

        assert await office.ask("buckets", OfProject(REF))

    async def test_when_no_key_can_be_seen_then_it_says_what_to_do(self, office):
        office.project.api_keys.clear()

        with pytest.raises(Rejected) as raised:
            await office.act("create-bucket", CreateBucket(REF, "pictures"))

        assert "create-api-key" in raised.value.remedy

    async def test_when_a_key_is_known_then_no_error_shows_it(self, office):
        await office.ask("buckets", OfProject(REF))
        key = next(iter(office.project.storage.keys))
        office.faults.answer(400, {"statusCode": "409", "message": f"bad {key} here", "error": key}, to="/bucket/")

        with pytest.raises(Rejected) as raised:
            await office.ask("buckets", OfProject(REF))

        assert key not in json.dumps([str(raised.value), raised.value.what, repr(raised.value)])
