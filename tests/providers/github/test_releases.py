"""Releases: made once a tag, with files that are hung on once, published once."""

import hashlib

import httpx
import pytest

from console.domain.errors import Rejected, UnexpectedReply, UsageError
from console.playground.emulators.github_releases import Asset
from providers.github.publishing import CreateRelease, PublishRelease, UploadArtifact
from providers.github.releases import ListReleases, ShowRelease, WriteNotes


@pytest.fixture
def sbom(tmp_path):
    file = tmp_path / "sbom.json"
    file.write_text('{"parts": 7}')
    return file


class TestGivenADraft:
    async def test_when_files_are_hung_on_and_it_is_published_then_everyone_sees_both(self, hand, sbom):
        await hand.act("create-release", CreateRelease("v9.0", draft=True, generate_notes=True, notes="Calm seas"))
        uploaded = await hand.act("upload-artifact", UploadArtifact("v9.0", str(sbom), label="Parts"))
        await hand.act("publish-release", PublishRelease("v9.0", latest=True))

        shown = await hand.ask("release", ShowRelease("v9.0"))

        assert (shown.draft, shown.notes.splitlines()[0]) == (False, "Calm seas")
        assert [(one.name, one.label, one.size) for one in shown.assets] == [("sbom.json", "Parts", 12)]
        assert uploaded.outputs["digest"] == f"sha256:{hashlib.sha256(sbom.read_bytes()).hexdigest()}"

    async def test_when_it_is_made_again_then_there_is_one(self, hand, github):
        first = await hand.act("create-release", CreateRelease("v9.0", draft=True))
        again = await hand.act("create-release", CreateRelease("v9.0", draft=True))

        assert again.reference == first.reference
        assert [one.tag for one in github.emulator.releases.all].count("v9.0") == 1


class TestGivenAFileOfThatName:
    async def test_when_it_has_another_content_then_github_refuses(self, hand, sbom):
        await hand.act("create-release", CreateRelease("v9.0"))
        await hand.act("upload-artifact", UploadArtifact("v9.0", str(sbom)))
        sbom.write_text('{"parts": 8}')

        with pytest.raises(Rejected, match="already_exists"):
            await hand.act("upload-artifact", UploadArtifact("v9.0", str(sbom)))

    async def test_when_its_upload_broke_off_then_it_is_replaced(self, hand, github, sbom):
        await hand.act("create-release", CreateRelease("v9.0"))
        github.emulator.releases.all[0].assets.append(Asset(5, "sbom.json", None, "x/y", b"", 0.0, state="open"))

        await hand.act("upload-artifact", UploadArtifact("v9.0", str(sbom)))

        assert [asset.content for asset in github.emulator.releases.all[0].assets] == [sbom.read_bytes()]

    async def test_when_the_file_is_not_there_then_nothing_is_asked(self, hand, github, tmp_path):
        with pytest.raises(UsageError, match=r"nothing\.txt cannot be read"):
            await hand.act("upload-artifact", UploadArtifact("v1.1", str(tmp_path / "nothing.txt")))

        assert github.faults.sent == []


class TestGivenWhereFilesGo:
    async def upload_to(self, scripted, file, address):
        asked = []

        def handle(request: httpx.Request) -> httpx.Response:
            asked.append(str(request.url))
            if request.method == "POST":
                asset = {"id": 1, "name": file.name, "state": "uploaded", "size": 12}
                return httpx.Response(201, json=asset)
            return httpx.Response(200, json={"id": 7, "tag_name": "v1", "assets": [], "upload_url": address})

        hand = scripted(handle)
        actuator = hand.connection.desk.actions["upload-artifact"].actuator
        await actuator.start(UploadArtifact("v1", str(file)), None)
        return asked[-1]

    async def test_when_it_is_githubs_host_for_uploads_then_they_go_there(self, scripted, sbom):
        address = "https://uploads.github.com/repos/o/r/releases/7/assets{?name,label}"

        assert await self.upload_to(scripted, sbom, address) == f"{address.partition('{')[0]}?name=sbom.json"

    @pytest.mark.parametrize("address", ["https://uploads.example/x", "https://api.github.com.example/x", ""])
    async def test_when_it_is_somebody_elses_then_the_token_stays_here(self, scripted, sbom, address):
        with pytest.raises(UnexpectedReply, match="does not belong to its API"):
            await self.upload_to(scripted, sbom, address)


class TestGivenReleases:
    async def test_when_they_are_listed_then_drafts_are_among_them(self, hand):
        await hand.act("create-release", CreateRelease("v9.0", draft=True))

        listed = await hand.ask("releases", ListReleases(limit=2))

        assert [(one.tag, one.draft) for one in listed] == [("v9.0", True), (listed[1].tag, False)]

    async def test_when_one_is_unknown_then_that_is_said(self, hand):
        with pytest.raises(Rejected, match="no release of the tag 'v0'"):
            await hand.ask("release", ShowRelease("v0"))

    async def test_when_notes_are_asked_for_then_nothing_is_saved(self, hand, github):
        notes = await hand.ask("release-notes", WriteNotes("v1.2", previous="v1.0"))

        assert "Let customers leave a note" in notes.body
        assert github.emulator.changes == 0
