"""The emulated Storage keeps files as Supabase's does: its errors, its lists, its signed and resumable uploads."""

import base64
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from console.playground.emulators.supabase import Supabase
from console.playground.scene import DATABASES
from tests.playground.emulators.world import Excuse, Judged, ManualClock
from tests.support.openapi import SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

EXCUSES = (
    Excuse("status", "GET /object/", "200", "facts 3.1: downloads and infos, tried; the document names only 4XX"),
    Excuse("status", "GET /object/", "206", "facts 3.1: Range gives 206, tried"),
    Excuse("status", "GET /object/", "304", "facts 3.1: If-None-Match gives 304, tried"),
    Excuse("undeclared", "", "code", "facts 3.1: error bodies carry `code`, tried"),
    Excuse("media", "/object/list-v2/", "200", "facts 3.1: {hasNext,folders,objects,nextCursor}, tried"),
    *(
        Excuse(
            "status", "/upload/resumable/", status, "facts 3.1: TUS 1.0.0 answers, tried; the document names only 200"
        )
        for status in ("201", "204", "404", "409")
    ),
)


@pytest.fixture
def supabase(clock: ManualClock) -> Supabase:
    return Supabase("postgresql://postgres@127.0.0.1:1/postgres", clock.now(), "sbp_secret", "sb_secret", clock)


@pytest.fixture
async def call(supabase: Supabase) -> AsyncIterator[Judged]:
    document = Document.load(shared_spec("supabase-storage-v0.json"), "/storage/v1")
    headers = {"Authorization": "Bearer sb_secret", "apikey": "sb_secret"}
    client = Judged(supabase.app, document, headers, "/storage/v1")
    await client("POST", "/bucket/", 200, json={"name": "files"})
    yield client
    await client.close()
    assert client.unexcused(EXCUSES) == []


async def put(call: Judged, name: str, body: bytes = b"hello", **headers: str) -> httpx.Response:
    told = {"content-type": "text/plain", **{key.replace("_", "-"): value for key, value in headers.items()}}
    return await call("POST", f"/object/files/{name}", content=body, headers=told)


def refusal(answer: httpx.Response) -> tuple[int, str, str]:
    return answer.status_code, answer.json()["statusCode"], answer.json()["code"]


class TestGivenABucket:
    async def test_when_made_again_then_it_is_a_duplicate(self, call: Judged) -> None:
        assert refusal(await call("POST", "/bucket/", json={"name": "files"})) == (400, "409", "BucketAlreadyExists")

    async def test_when_limits_are_set_then_uploads_beyond_them_are_refused(self, call: Judged) -> None:
        await call("PUT", "/bucket/files", 200, json={"file_size_limit": "1kb", "allowed_mime_types": ["text/*"]})

        large = await put(call, "big", b"x" * 2000)
        image = await put(call, "image", content_type="image/png")

        assert refusal(large) == (400, "413", "EntityTooLarge")
        assert refusal(image) == (400, "415", "InvalidMimeType")
        assert (await call("GET", "/bucket/files", 200)).json()["file_size_limit"] == 1024

    async def test_when_deleted_while_full_then_refused_and_after_emptying_done(self, call: Judged) -> None:
        await put(call, "a")

        assert refusal(await call("DELETE", "/bucket/files")) == (400, "409", "ResourceNotEmpty")
        await call("POST", "/bucket/files/empty", 200)
        await call("DELETE", "/bucket/files", 200)
        assert (await call("GET", "/bucket/", 200)).json() == []


class TestGivenAnObject:
    async def test_when_uploaded_twice_then_only_upsert_replaces(self, call: Judged, supabase: Supabase) -> None:
        first = await put(call, "a/b.txt")
        second = await put(call, "a/b.txt", b"other")
        third = await put(call, "a/b.txt", b"other", x_upsert="true")

        assert first.json()["Key"] == "files/a/b.txt"
        assert refusal(second) == (400, "409", "KeyAlreadyExists")
        assert third.json()["Id"] == first.json()["Id"]
        await call("PUT", "/object/files/a/b.txt", 200, content=b"again")
        assert supabase.kinds == {"bucket": 1, "object": 3}

    async def test_when_downloaded_then_ranges_and_etags_are_kept(self, call: Judged) -> None:
        await put(call, "a.txt", b"0123456789")
        path = "/object/authenticated/files/a.txt"

        whole = await call("GET", path, 200)
        part = await call("GET", path, 206, headers={"Range": "bytes=2-4"})
        await call("GET", path, 304, headers={"If-None-Match": whole.headers["etag"]})

        assert (whole.content, part.content) == (b"0123456789", b"234")
        assert part.headers["content-range"] == "bytes 2-4/10"
        assert refusal(await call("GET", "/object/authenticated/files/none")) == (400, "404", "NoSuchKey")

    async def test_when_info_is_asked_then_size_type_and_own_metadata_come(self, call: Judged) -> None:
        await put(call, "a.txt", x_metadata=base64.b64encode(b'{"sha": "1"}').decode())

        info = (await call("GET", "/object/info/authenticated/files/a.txt", 200)).json()

        assert (info["size"], info["content_type"], info["metadata"]) == (5, "text/plain", {"sha": "1"})

    async def test_when_listed_then_folders_have_no_id_and_pages_go_on(self, call: Judged) -> None:
        for name in ("a.txt", "dir/b.txt", "dir/c.txt"):
            await put(call, name)

        top = (await call("POST", "/object/list/files", 200, json={"prefix": ""})).json()
        below = (await call("POST", "/object/list/files", 200, json={"prefix": "dir", "limit": 1, "offset": 1})).json()
        first = (await call("POST", "/object/list-v2/files", 200, json={"limit": 2})).json()
        wish = {"limit": 2, "cursor": first["nextCursor"]}
        rest = (await call("POST", "/object/list-v2/files", 200, json=wish)).json()
        wish = {"with_delimiter": True}
        folders = (await call("POST", "/object/list-v2/files", 200, json=wish)).json()["folders"]

        assert [(one["name"], one["id"] is None) for one in top] == [("dir", True), ("a.txt", False)]
        assert [one["name"] for one in below] == ["c.txt"]
        assert [one["name"] for one in [*first["objects"], *rest["objects"]]] == ["a.txt", "dir/b.txt", "dir/c.txt"]
        assert (rest["hasNext"], [one["name"] for one in folders]) == (False, ["dir/"])

    async def test_when_moved_copied_and_deleted_then_only_what_existed_is_told(self, call: Judged) -> None:
        await put(call, "a")
        where = {"bucketId": "files", "sourceKey": "a"}
        await call("POST", "/object/copy", 200, json={**where, "destinationKey": "b"})
        await call("POST", "/object/move", 200, json={**where, "destinationKey": "c"})
        gone = (await call("DELETE", "/object/files", 200, json={"prefixes": ["a", "b", "none"]})).json()

        assert [one["name"] for one in gone] == ["b"]
        missing = await call("POST", "/object/move", json={**where, "destinationKey": "d"})
        assert refusal(missing) == (400, "404", "NoSuchKey")
        await call("DELETE", "/object/files/c", 200)


class TestGivenSignedAddresses:
    async def test_when_signed_then_the_address_works_without_the_key_until_it_ends(
        self, call: Judged, clock: ManualClock
    ) -> None:
        await put(call, "a.txt")
        signed = (await call("POST", "/object/sign/files/a.txt", 200, json={"expiresIn": 60})).json()["signedURL"]

        assert signed.startswith("/object/sign/files/a.txt?token=")
        assert (await call("GET", signed, 200, headers={"Authorization": ""})).content == b"hello"
        await clock.advance(61)
        await call("GET", signed, 400)
        wish = {"expiresIn": 60, "paths": ["a.txt", "none"]}
        many = (await call("POST", "/object/sign/files", 200, json=wish)).json()
        assert [one["error"] is None for one in many] == [True, False]

    async def test_when_an_upload_is_signed_then_the_file_goes_to_that_address(self, call: Judged) -> None:
        told = (await call("POST", "/object/upload/sign/files/u.txt", 200)).json()

        await call("PUT", told["url"], 200, content=b"signed", headers={"Authorization": ""})

        assert (await call("GET", "/object/authenticated/files/u.txt", 200)).content == b"signed"


class TestGivenAResumableUpload:
    @staticmethod
    def headers(**more: str) -> dict[str, str]:
        named = {"bucketName": "files", "objectName": "big.bin", "contentType": "application/zip"}
        coded = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in named.items())
        return {"tus-resumable": "1.0.0", "upload-metadata": coded, **more}

    async def test_when_sent_in_pieces_then_it_goes_on_where_it_stopped(self, call: Judged) -> None:
        made = await call("POST", "/upload/resumable/", 201, headers=self.headers(**{"upload-length": "10"}))
        place = httpx.URL(made.headers["location"]).path.removeprefix("/storage/v1")
        piece: dict[str, Any] = {"tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream"}

        await call("PATCH", place, 204, content=b"01234", headers={**piece, "upload-offset": "0"})
        await call("PATCH", place, 409, content=b"xxxxx", headers={**piece, "upload-offset": "3"})
        at = (await call("HEAD", place, 200, headers=piece)).headers["upload-offset"]
        await call("PATCH", place, 204, content=b"56789", headers={**piece, "upload-offset": at})

        whole = await call("GET", "/object/authenticated/files/big.bin", 200)
        assert (at, whole.content, whole.headers["content-type"]) == ("5", b"0123456789", "application/zip")
        await call("POST", "/upload/resumable/", 409, headers=self.headers(**{"upload-length": "10"}))
        await call("HEAD", "/upload/resumable/none", 404, headers=piece)


class TestGivenTheDoor:
    async def test_when_the_key_is_missing_then_the_error_is_400_with_403_inside(self, call: Judged) -> None:
        assert refusal(await call("GET", "/bucket/", headers={"Authorization": ""}))[:2] == (400, "403")

    async def test_when_two_projects_are_used_then_each_has_its_own_files(
        self, call: Judged, supabase: Supabase
    ) -> None:
        transport = httpx.ASGITransport(app=supabase.app)
        key = {"Authorization": "Bearer sb_secret"}
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=key) as client:
            own = (await client.get(f"/{DATABASES[0].ref}/storage/v1/bucket")).json()
            other = (await client.get(f"/{DATABASES[1].ref}/storage/v1/bucket")).json()

        assert ([one["name"] for one in own], other) == (["files"], [])
