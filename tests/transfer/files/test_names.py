"""Every name has a key that a bucket takes, and every file a type that can be told."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.playground.emulators.storage_state import KEY
from console.transfer.files.keys import to_key, to_path
from console.transfer.files.kinds import decide

NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"/" not in name and b"\0" not in name).map(os.fsdecode)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@given(st.lists(NAMES, min_size=1, max_size=3).map("/".join))
def test_a_key_is_one_that_buckets_take_and_leads_back_to_the_very_bytes(path):
    key = to_key(path)

    assert KEY.fullmatch(key)
    assert to_path(key) == path


@given(NAMES, NAMES)
def test_two_names_never_share_a_key(one, other):
    assert (to_key(one) == to_key(other)) == (one == other)


class TestGivenNamesThatBucketsDoNotTake:
    @pytest.mark.parametrize(
        ("path", "key"),
        [
            ("a b.png", "a b.png"),
            ("é/東.png", "=C3=A9/=E6=9D=B1.png"),
            ("100%=1#[x]~.txt", "100=25=3D1=23=5Bx=5D=7E.txt"),
            (" edge ", "=20edge=20"),
            ("q?1&=.gif", "q?1&=3D.gif"),
        ],
    )
    def test_when_they_are_spelt_then_only_what_is_not_taken_changes(self, path, key):
        assert to_key(path) == key

    def test_when_one_is_too_long_then_its_key_is_a_digest_that_keeps_the_ending(self):
        key = to_key("東" * 85 + "/" + "京" * 80 + ".jpeg")

        assert len(key) < 100
        assert key.endswith(".jpeg")
        assert to_path(key) is None


class TestGivenContentAndName:
    @pytest.mark.parametrize(
        ("name", "content", "kind"),
        [
            ("a.css", b"body { color: red }", "text/css"),
            ("a.svg", b"<svg xmlns='x'></svg>", "image/svg+xml"),
            ("a.docx", b"PK\x03\x04rest", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
            ("a.tar.gz", b"\x1f\x8b\x08", "application/gzip"),
            ("noending", PNG, "image/png"),
            ("noending", b"plain words", "text/plain"),
            ("noending", b"\x00\x01\x02", "application/octet-stream"),
            ("empty.png", b"", "image/png"),
            ("code.ts", b"const a: number = 1", "text/plain"),
            ("a.json", b'{"a": 1}', "application/json"),
            ("song.mp3", b"\xff\xfb\x90\x00", "audio/mpeg"),
        ],
    )
    def test_when_they_agree_or_one_says_more_then_that_counts_without_doubt(self, name, content, kind):
        found = decide(name, content)

        assert (found.content_type, found.doubt) == (kind, "")

    def test_when_a_picture_has_the_wrong_ending_then_the_content_counts_and_it_is_told(self):
        found = decide("a.jpg", PNG)

        assert found.content_type == "image/png"
        assert "image/jpeg" in found.doubt

    @pytest.mark.parametrize(
        ("name", "content", "kind"),
        [
            ("a.png", b"PK\x03\x04rest", "application/zip"),
            ("a.png", b"not found", "text/plain"),
            ("a.png", b"\x00\x01", "image/png"),
            ("a.txt", b"\x7fELF\x00", "application/octet-stream"),
        ],
    )
    def test_when_the_content_cannot_be_what_the_name_says_then_it_is_told(self, name, content, kind):
        found = decide(name, content)

        assert found.content_type == kind
        assert found.doubt.startswith("named as")

    def test_when_a_page_is_named_as_a_picture_then_nothing_makes_a_browser_run_it(self):
        found = decide("a.jpg", b"<html><script>alert(1)</script>")

        assert found.content_type == "image/jpeg"
        assert "text/html" in found.doubt
