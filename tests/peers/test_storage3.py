"""storage3, the client of Storage that others wrote, and our desk on one project: each reads what the other wrote."""

import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from providers.contract import OperationStatus
from providers.supabase.buckets import ChangeBucket, CreateBucket, DeleteBucket, EmptyBucket
from providers.supabase.fields import OfProject
from providers.supabase.objects import Files, OfFile, RemoveFiles, SignedUrl
from providers.supabase.uploads import PIECE, UploadFile
from tests.providers.supabase.conftest import Office
from tests.providers.supabase.wishes import REF

if TYPE_CHECKING:
    from storage3 import AsyncStorageClient

SMALL = "Signal flags, \u00e0 la carte\r\n\r\n--not-a-boundary\r\n".encode()


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    one = Office()
    yield one
    await one.connection.close()


@pytest.fixture
async def web(office: Office) -> AsyncIterator[httpx.AsyncClient]:
    """A client that carries no key."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=office.platform.app)) as client:
        yield client


@pytest.fixture
def peer(office: Office, web: httpx.AsyncClient) -> "AsyncStorageClient":
    from storage3 import AsyncStorageClient

    (key, *_) = office.project.storage.keys
    headers = {"authorization": f"Bearer {key}", "apikey": key}
    return AsyncStorageClient(f"http://supabase/{REF}/storage/v1/", headers, http_client=web)


@pytest.fixture
async def bucket(office: Office) -> str:
    await office.act("create-bucket", CreateBucket(REF, "logs"))
    return "logs"


def written(folder: Path, content: bytes, name: str = "file.bin") -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


class TestGivenWhatWeWrote:
    async def test_when_a_bucket_was_made_and_changed_then_storage3_sees_its_limits(self, office, peer):
        wish = CreateBucket(REF, "pictures", public=True, file_size_limit=5000, mime_types=("image/*",))
        await office.act("create-bucket", wish)
        await office.act("change-bucket", ChangeBucket(REF, "pictures", public=False, file_size_limit=6000))

        (seen,) = await peer.list_buckets()

        assert (seen.id, seen.public, seen.file_size_limit) == ("pictures", False, 6000)
        assert seen.allowed_mime_types == ["image/*"]

    async def test_when_a_small_file_was_uploaded_then_storage3_reads_the_same_bytes(
        self, office, peer, bucket, tmp_path
    ):
        wish = UploadFile(REF, bucket, "a b/flags.txt", written(tmp_path, SMALL), "text/plain", cache_seconds=60)
        done = await office.act("upload-file", wish)

        (listed,) = await peer.from_(bucket).list("a b")
        told = await peer.from_(bucket).info("a b/flags.txt")

        assert await peer.from_(bucket).download("a b/flags.txt") == SMALL
        assert (listed["name"], listed["metadata"]["size"]) == ("flags.txt", len(SMALL))
        assert (told["content_type"], told["cache_control"]) == ("text/plain", "max-age=60")
        assert told["metadata"] == {"sha256": done.outputs["sha256"]}

    async def test_when_a_large_file_went_in_pieces_then_storage3_reads_the_same_bytes(
        self, office, peer, bucket, tmp_path
    ):
        content = random.Random(3).randbytes(PIECE + 4321)
        done = await office.act("upload-file", UploadFile(REF, bucket, "large.bin", written(tmp_path, content)))

        found = await peer.from_(bucket).download("large.bin")

        assert done.status is OperationStatus.SUCCEEDED
        assert len(office.sent("PATCH", "/upload/resumable/")) == 2
        assert found == content

    async def test_when_we_signed_an_address_then_anybody_reads_it_as_with_the_peers(
        self, office, peer, web, bucket, tmp_path
    ):
        await office.act("upload-file", UploadFile(REF, bucket, "a b/flags.txt", written(tmp_path, SMALL)))

        ours = (await office.ask("signed-url", SignedUrl(REF, bucket, "a b/flags.txt", 60)))["url"]
        theirs = (await peer.from_(bucket).create_signed_url("a b/flags.txt", 60))["signedUrl"]

        assert [(await web.get(address)).content for address in (ours, theirs)] == [SMALL, SMALL]
        assert httpx.URL(ours).path == httpx.URL(theirs).path

    async def test_when_we_removed_and_emptied_then_storage3_finds_nothing(self, office, peer, bucket, tmp_path):
        for name in ("one.bin", "two.bin"):
            await office.act("upload-file", UploadFile(REF, bucket, name, written(tmp_path, SMALL)))

        await office.act("remove-files", RemoveFiles(REF, bucket, ("one.bin",)))
        left = [one["name"] for one in await peer.from_(bucket).list()]
        await office.act("empty-bucket", EmptyBucket(REF, bucket))
        await office.act("delete-bucket", DeleteBucket(REF, bucket))

        assert left == ["two.bin"]
        assert await peer.list_buckets() == []


class TestGivenWhatStorage3Wrote:
    async def test_when_it_made_a_bucket_then_we_list_it_and_make_no_second_one(self, office, peer):
        await peer.create_bucket("logs", options={"public": True, "file_size_limit": 10})
        again = await office.act("create-bucket", CreateBucket(REF, "logs"))

        (seen,) = await office.ask("buckets", OfProject(REF))

        assert again.status is OperationStatus.SUCCEEDED
        assert (seen["id"], seen["public"], seen["file_size_limit"]) == ("logs", True, 10)

    async def test_when_it_uploaded_then_we_list_read_and_remove_it(self, office, peer, web, bucket):
        options = {"content-type": "text/markdown", "cache-control": "90", "metadata": {"by": "storage3"}}
        await peer.from_(bucket).upload("a b/flags.md", SMALL, options)

        (listed,) = await office.ask("files", Files(REF, bucket, "a b"))
        told = await office.ask("file", OfFile(REF, bucket, "a b/flags.md"))
        signed = await office.ask("signed-url", SignedUrl(REF, bucket, "a b/flags.md"))
        content = (await web.get(signed["url"])).content
        await office.act("remove-files", RemoveFiles(REF, bucket, ("a b/flags.md",)))

        assert (listed["name"], listed["size"], listed["content_type"]) == ("flags.md", len(SMALL), "text/markdown")
        assert (told["cache_control"], told["metadata"]) == ("max-age=90", {"by": "storage3"})
        assert content == SMALL
        assert await peer.from_(bucket).exists("a b/flags.md") is False

    async def test_when_it_uploaded_by_a_signed_address_then_we_read_it(self, office, peer, bucket):
        permit = await peer.from_(bucket).create_signed_upload_url("late.txt")
        await peer.from_(bucket).upload_to_signed_url("late.txt", permit["token"], SMALL)

        assert (await office.ask("file", OfFile(REF, bucket, "late.txt")))["size"] == len(SMALL)

    async def test_when_it_replaced_our_file_then_ours_counts_as_gone(self, office, peer, bucket, tmp_path):
        wish = UploadFile(REF, bucket, "x.bin", written(tmp_path, SMALL))
        done = await office.act("upload-file", wish)
        await peer.from_(bucket).update("x.bin", bytes(reversed(SMALL)))

        assert (await office.see("upload-file", done)).status is OperationStatus.LOST

    async def test_when_it_moved_our_file_then_we_find_it_at_its_new_place(self, office, peer, bucket, tmp_path):
        await office.act("upload-file", UploadFile(REF, bucket, "old.bin", written(tmp_path, SMALL)))
        await peer.from_(bucket).move("old.bin", "new.bin")

        assert [one["name"] for one in await office.ask("files", Files(REF, bucket))] == ["new.bin"]
