"""Folders get into a bucket whole, each file once, and what does not go is told."""

import os
import random
from dataclasses import replace

import pytest

from console.domain.errors import StoreDamaged, Unauthorized, Unreachable, UsageError
from console.transfer.files.journal import State
from console.transfer.files.progress import Stopped
from console.transfer.files.report import to_lines, to_values
from console.transfer.files.run import Act

MIB = 1024 * 1024


def reasons(result):
    return {one.path: one.why.value for one in result.left}


class TestGivenAFolderOfManyKinds:
    @pytest.fixture
    def shipping(self, shipping):
        shipping.write("a.png", b"\x89PNG\r\n\x1a\n1")
        shipping.write("empty.txt", b"")
        shipping.write("東京/é.jpg", b"\xff\xd8\xffx")
        shipping.write("A.png", b"\x89PNG\r\n\x1a\n2")
        shipping.write("large.bin", random.Random(1).randbytes(7 * MIB))
        return shipping

    def test_when_it_goes_then_every_byte_is_there_once_and_verified(self, shipping):
        result = shipping.go()

        assert result.holds
        assert not result.left
        assert {key: stored.body for key, stored in shipping.stored.items()} == {
            "a.png": b"\x89PNG\r\n\x1a\n1",
            "A.png": b"\x89PNG\r\n\x1a\n2",
            "empty.txt": b"",
            "=E6=9D=B1=E4=BA=AC/=C3=A9.jpg": b"\xff\xd8\xffx",
            "large.bin": (shipping.folder / "large.bin").read_bytes(),
        }
        assert {one.path: one.verified_by for one in result.entries}["large.bin"] == "download"
        assert shipping.arrivals == 5
        assert [visit.problem for visit in result.visits] == [""] * 4

    def test_when_it_goes_again_then_nothing_is_sent(self, shipping):
        shipping.go()
        shipping.line.sent.clear()

        assert shipping.go().holds
        assert {path.rpartition("/storage/v1")[2] for method, path in shipping.line.sent if method != "GET"} == {
            "/object/list-v2/media"
        }

    def test_when_every_content_shall_be_read_back_then_no_digest_of_the_bucket_counts(self, shipping):
        result = shipping.go(download=True)

        assert {one.verified_by for one in result.entries} == {"download"}

    def test_when_it_is_only_tried_then_nothing_is_sent_and_all_is_told(self, shipping):
        result = shipping.go(act=Act.DRY_RUN)

        assert not shipping.stored
        assert result.count(State.PENDING) == 5
        assert {remark.about for remark in result.remarks} == {
            "empty",
            "names that differ in case only",
            "kept under a key that spells the name in ASCII",
        }
        assert any("5 pending" in line for line in to_lines(result))
        assert len(to_values(result)["files"]) == 5

    def test_when_a_file_of_ours_changes_then_only_it_goes_and_takes_the_place_of_the_old(self, shipping):
        shipping.go()
        shipping.write("a.png", b"\x89PNG\r\n\x1a\nnew")

        assert shipping.go().holds
        assert shipping.stored["a.png"].body == b"\x89PNG\r\n\x1a\nnew"
        assert shipping.arrivals == 6

    def test_when_it_is_compared_then_each_difference_has_its_letter(self, shipping):
        shipping.go()
        shipping.write("new.txt")
        stored = shipping.stored
        stored["a.png"].body = b"\x89PNG\r\n\x1a\n!"
        stored["stranger"] = replace(stored.pop("empty.txt"), name="stranger")

        letters = shipping.check()

        assert letters == {
            "A.png": "=",
            "a.png": "*",
            "empty.txt": "+",
            "large.bin": "=",
            "new.txt": "+",
            "stranger": "-",
            "東京/é.jpg": "=",
        }

    def test_when_a_byte_of_a_large_file_spoils_then_reading_back_finds_it(self, shipping):
        shipping.go()
        body = shipping.stored["large.bin"].body
        shipping.stored["large.bin"].body = body[:-1] + bytes([body[-1] ^ 1])

        assert shipping.check()["large.bin"] == "="
        assert shipping.check(download=True)["large.bin"] == "*"


class TestGivenWhatCannotGo:
    def test_when_it_is_met_then_each_is_told_with_its_reason(self, shipping):
        shipping.write("good.txt", "good")
        (shipping.folder / "link.txt").symlink_to("good.txt")
        (shipping.folder / "circle").symlink_to(".")
        os.mkfifo(shipping.folder / "pipe")

        result = shipping.go()

        assert reasons(result) == {"link.txt": "link", "circle": "link", "pipe": "special"}
        assert list(shipping.stored) == ["good.txt"]

    def test_when_links_are_followed_then_files_go_and_circles_do_not(self, shipping):
        shipping.write("good.txt", "good")
        (shipping.folder / "link.txt").symlink_to("good.txt")
        (shipping.folder / "circle").symlink_to(".")
        (shipping.folder / "itself").symlink_to("itself")

        result = shipping.go(follow_links=True)

        assert reasons(result) == {"circle": "link", "itself": "link"}
        assert shipping.stored["link.txt"].body == b"good"

    def test_when_the_bucket_has_limits_then_nothing_is_sent_that_it_refuses(self, shipping):
        shipping.add_bucket("media", file_size_limit=10, allowed_mime_types=["image/*"])
        shipping.write("long.png", b"\x89PNG\r\n\x1a\n" + bytes(10))
        shipping.write("note.txt", "hello")
        shipping.write("ok.png", b"\x89PNG\r\n\x1a\n")

        assert reasons(shipping.go()) == {"long.png": "too large", "note.txt": "type"}
        assert list(shipping.stored) == ["ok.png"]

    def test_when_another_file_has_its_place_then_it_stays_unless_asked(self, shipping):
        shipping.write("a.txt", "theirs")
        shipping.go(work=shipping.place / "other")
        shipping.write("a.txt", "ours, longer")

        refused = shipping.go()
        kept = shipping.stored["a.txt"].body
        replaced = shipping.go(replace=True)

        assert [one.error for one in refused.failed] == [
            "another file is at a.txt (6 bytes instead of 12); --replace takes its place"
        ]
        assert kept == b"theirs"
        assert replaced.holds
        assert shipping.stored["a.txt"].body == b"ours, longer"

    def test_when_folder_or_bucket_is_not_there_then_it_is_wrong_usage(self, shipping):
        with pytest.raises(UsageError, match="is no folder"):
            shipping.go(folder=shipping.place / "none")
        shipping.subject.project.storage.buckets.clear()
        with pytest.raises(UsageError, match="no such bucket"):
            shipping.go()

    def test_when_keys_cannot_begin_as_asked_then_it_is_wrong_usage(self, shipping):
        for prefix in ("é/", "a//b/", "../", "x" * 200 + "/"):
            with pytest.raises(UsageError, match="Keys cannot begin"):
                shipping.go(prefix=prefix)

    def test_when_our_own_state_lies_in_the_folder_then_it_stays(self, shipping):
        shipping.write("state/history.db")

        assert reasons(shipping.go(state=shipping.folder / "state")) == {"state": "ours"}

    def test_when_names_could_steer_a_terminal_then_they_are_shown_in_figures(self, shipping):
        shipping.write("a\n\x1b[31m.txt", b"")

        assert "  a\\n\\x1b[31m.txt" in list(to_lines(shipping.go()))

    def test_when_another_process_is_at_it_then_it_says_so(self, shipping):
        shipping.write("a.txt")
        with pytest.raises(UsageError, match="under way"):
            shipping.go(told=lambda progress: shipping.go())


class TestGivenWhatChangesMeanwhile:
    def test_when_a_file_changes_under_the_same_time_then_it_goes_again(self, shipping):
        file = shipping.write("a.txt", "old words")
        before = file.stat()
        shipping.go()
        file.write_text("new words")
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

        assert shipping.go().holds
        assert shipping.stored["a.txt"].body == b"new words"

    def test_when_a_large_file_changes_while_it_is_sent_then_it_is_told_and_the_next_run_mends_it(self, shipping):
        file = shipping.write("large.bin", bytes(7 * MIB))
        before = file.stat()

        def change(point):
            if point == "begun":
                file.write_bytes(b"1" * 7 * MIB)
                os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

        spoilt = shipping.go(reach=change)

        assert [one.error for one in spoilt.failed] == ["it changed while it was sent; the same command looks again"]
        assert shipping.go().holds
        assert shipping.stored["large.bin"].body == b"1" * 7 * MIB

    def test_when_a_file_was_away_for_a_run_then_it_takes_the_place_of_what_was_sent(self, shipping):
        file = shipping.write("a.txt", "old")
        shipping.go()
        file.unlink()
        away = shipping.go()
        shipping.write("a.txt", "new words")

        assert ("sent by an earlier run, and not in the folder any more", ("a.txt",)) in [
            (one.about, one.paths) for one in away.remarks
        ]
        assert shipping.go().holds
        assert shipping.stored["a.txt"].body == b"new words"

    def test_when_a_verified_file_vanishes_from_the_bucket_then_it_goes_again(self, shipping):
        shipping.write("a.txt", "words")
        shipping.go()
        shipping.stored.clear()

        assert shipping.go().holds
        assert shipping.stored["a.txt"].body == b"words"

    def test_when_the_journal_is_gone_then_what_is_there_is_found_and_not_sent(self, shipping):
        shipping.write("a.txt", "words")
        shipping.go()
        shipping.line.sent.clear()

        assert shipping.go(work=shipping.place / "other").holds
        assert not [path for _, path in shipping.line.sent if path.endswith("/object/media/a.txt")]

    def test_when_the_journal_is_damaged_then_it_is_said_in_words(self, shipping):
        shipping.write("a.txt")
        shipping.go()
        (shipping.place / "work" / "journal.db").write_bytes(b"no database" * 1000)

        with pytest.raises(StoreDamaged, match="journal of this transfer is damaged"):
            shipping.go()


class TestGivenALineThatBreaks:
    def test_when_answers_are_lost_then_no_file_is_there_twice_and_pieces_go_on(self, shipping):
        for number in range(6):
            shipping.write(f"{number}.txt", f"file {number}")
        shipping.write("large.bin", random.Random(2).randbytes(14 * MIB))
        lost = random.Random(3)
        shipping.line.breaks = lambda request, answered: answered and lost.random() < 0.3

        result = shipping.go()

        assert result.holds
        assert shipping.arrivals == 7
        assert shipping.stored["large.bin"].body == (shipping.folder / "large.bin").read_bytes()

    def test_when_the_bucket_is_away_then_it_ends_and_the_next_run_goes_on(self, shipping):
        for number in range(40):
            shipping.write(f"{number}.txt", f"file {number}")
        shipping.line.breaks = lambda request, answered: request.method == "POST"
        with pytest.raises(Unreachable):
            shipping.go()
        shipping.line.breaks = lambda request, answered: False

        assert shipping.go().holds
        assert shipping.arrivals == 40

    def test_when_the_token_is_refused_then_it_ends_at_once(self, shipping):
        shipping.write("a.txt")
        shipping.subject.project.storage.keys.clear()

        with pytest.raises(Unauthorized):
            shipping.go()

    def test_when_what_arrived_is_spoilt_then_it_is_sent_again(self, shipping):
        shipping.write("a.txt", "what was sent")

        def spoil(point):
            if point == "sent" and shipping.arrivals == 1:
                shipping.stored["a.txt"].body = b"what was kept"

        result = shipping.go(reach=spoil)

        assert result.holds
        assert shipping.stored["a.txt"].body == b"what was sent"

    def test_when_somebody_stops_it_then_the_next_run_goes_on(self, shipping):
        for number in range(20):
            shipping.write(f"{number}.txt", f"file {number}")
        with pytest.raises(Stopped):
            shipping.go(stopped=lambda: shipping.arrivals >= 5)
        arrived = shipping.arrivals

        assert 5 <= arrived < 20
        assert shipping.go().holds
        assert shipping.arrivals == 20
