"""Texts that stand for files are found in every way they are written, and nothing else is touched."""

from pathlib import Path

import pytest

from console.transfer.files.forms import Target, build_forms

BASE = "https://ref.supabase.co/storage/v1/object/public/media/"
FOLDER = Path("/srv/app/uploads")


def forms_of(*paths, unready=(), **more):
    made = [Target(path, BASE + path.replace(" ", "%20").replace("é", "%3DC3%3DA9")) for path in paths]
    return build_forms([*made, *(Target(path, "") for path in unready)], FOLDER, base=BASE, **more)


class TestGivenOneFile:
    @pytest.mark.parametrize(
        "old", ["2024/a.png", "/2024/a.png", "uploads/2024/a.png", "/uploads/2024/a.png", "/srv/app/uploads/2024/a.png"]
    )
    def test_when_a_value_is_its_name_in_any_form_then_it_becomes_the_address(self, old):
        reading = forms_of("2024/a.png").read(old)

        assert (reading.text, reading.whole, reading.named) == (f"{BASE}2024/a.png", True, ("2024/a.png",))

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('<img src="/uploads/a.png">', f'<img src="{BASE}a.png">'),
            ("![](/uploads/a.png)", f"![]({BASE}a.png)"),
            ("see /uploads/a.png. Then", f"see {BASE}a.png. Then"),
            ("/uploads/a.png?v=2", f"{BASE}a.png?v=2"),
            ('{"p": "\\/uploads\\/a.png"}', '{"p": "' + f"{BASE}a.png".replace("/", "\\/") + '"}'),
            ('"one\\n/uploads/a.png\\n"', f'"one\\n{BASE}a.png\\n"'),
            ("/uploads/a.png,uploads/a.png", f"{BASE}a.png,{BASE}a.png"),
        ],
    )
    def test_when_a_text_names_it_then_only_the_name_changes(self, old, new):
        assert forms_of("a.png").read(old).text == new

    @pytest.mark.parametrize(
        "text",
        [
            "/uploads/a.png.bak",
            "/old/uploads/a.png",
            "https://other.example/uploads/a.png",
            "/uploads/a.png/thumb",
            "my-uploads/a.png",
            "/uploads/ba.png",
            "the file a.png in a sentence",
        ],
    )
    def test_when_it_is_part_of_something_longer_then_nothing_changes(self, text):
        assert forms_of("a.png").read(text).text == text

    def test_when_an_old_address_is_told_then_it_counts_as_well(self):
        forms = forms_of("a.png", prefixes=["https://old.example/uploads"])

        assert forms.read("x https://old.example/uploads/a.png").text == f"x {BASE}a.png"

    def test_when_it_was_rewritten_then_it_is_known_and_stays(self):
        forms = forms_of("a.png")
        text = f"a {BASE}a.png b {BASE}gone.png"

        reading = forms.read(text)

        assert (reading.text, reading.named) == (text, ("a.png",))
        assert reading.dangling == (f"{BASE}gone.png",)


class TestGivenNamesInOtherBytes:
    def test_when_the_database_spells_the_same_letters_otherwise_then_it_is_the_same_file(self):
        forms = forms_of("e\u0301.png")

        assert forms.read("/uploads/\u00e9.png").named == ("e\u0301.png",)
        assert forms.read('"/uploads/%c3%a9.png"').named == ("e\u0301.png",)

    def test_when_both_spellings_are_files_then_each_is_its_own(self):
        forms = forms_of("e\u0301.png", "\u00e9.png")

        assert forms.read("/uploads/\u00e9.png").named == ("\u00e9.png",)


class TestGivenPrefixesWithinPrefixes:
    def test_when_the_longer_one_leads_to_nothing_then_the_shorter_one_counts(self):
        forms = forms_of("x/a.png", "b.png", prefixes=("https://old/", "https://old/x/"))

        assert forms.read("see https://old/x/a.png").named == ("x/a.png",)


class TestGivenSeveralFiles:
    def test_when_one_name_begins_another_then_the_longest_counts(self):
        forms = forms_of("a b.png", "a", "a b")

        assert forms.read("/uploads/a b.png /uploads/a").text == f"{BASE}a%20b.png {BASE}a"

    def test_when_a_form_stands_for_two_then_it_is_left(self):
        forms = forms_of("a.png", "uploads/a.png")

        for text in ("uploads/a.png", "/uploads/a.png", "./uploads/a.png", "see /uploads/a.png"):
            assert forms.read(text).text == text
        assert forms.read("/uploads/uploads/a.png").named == ("uploads/a.png",)

    def test_when_references_become_keys_then_each_place_has_its_writing(self):
        forms = build_forms([Target("a&b.png", "m/a&b.png"), Target("c d.png", "m/c d.png")], FOLDER)

        assert forms.read("see /uploads/a&b.png, /uploads/c%20d.png").text == "see m/a&b.png, m/c%20d.png"
        assert forms.read('<a href="/uploads/a&amp;b.png">').text == '<a href="m/a&amp;b.png">'

    def test_when_names_are_coded_then_each_coding_is_known(self):
        forms = forms_of("é &.png")
        new = f"{BASE}%3DC3%3DA9%20&.png"

        assert forms.read("/uploads/%C3%A9%20%26.png").text == new
        assert forms.read('<a href="/uploads/é &amp;.png">').text == f'<a href="{new.replace("&", "&amp;")}">'
        assert forms.read('["/uploads/\\u00e9 &.png"]').text == f'["{new}"]'

    def test_when_a_file_is_not_verified_then_its_references_stay_and_are_told(self):
        reading = forms_of("a.png", unready=["b.png"]).read("/uploads/a.png /uploads/b.png /uploads/c.png")

        assert reading.text == f"{BASE}a.png /uploads/b.png /uploads/c.png"
        assert (reading.named, reading.unready, reading.dangling) == (("a.png",), ("b.png",), ("/uploads/c.png",))
