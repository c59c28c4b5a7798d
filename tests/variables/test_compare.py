"""Variables are compared by digests; what is missing, extra, different or drifted is told by name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.domain.ids import EnvironmentName, ServiceName
from console.domain.variables import ABSENT, UNREADABLE, VariableState
from console.variables.change import plan_change
from console.variables.compare import Wanted, build_report, compare_places, compare_with_wanted
from console.variables.digest import Masker

API = ServiceName("api")
PRODUCTION = EnvironmentName("production")
values = st.dictionaries(st.sampled_from(["A", "B", "C", "D"]), st.sampled_from(["one", "two", "three"]))


def states(lines) -> dict[str, str]:
    return {line.name: line.state.value for line in lines}


class TestGivenDigests:
    @given(st.text(), st.text())
    def test_when_values_are_equal_then_so_are_their_digests_and_only_then(self, one: str, other: str) -> None:
        masker = Masker(b"salt")

        assert (masker.mask(one) == masker.mask(other)) == (one == other)

    def test_when_another_home_masks_the_same_value_then_nothing_is_alike(self) -> None:
        assert Masker(b"one").mask("true") != Masker(b"two").mask("true")

    def test_when_the_platform_keeps_a_value_then_that_is_what_it_says(self) -> None:
        assert Masker(b"salt").mask_all({"KEY": None}) == {"KEY": UNREADABLE}
        assert "salt" not in repr(Masker(b"salt"))


class TestGivenAPlaceAndWhatIsWanted:
    def test_when_compared_then_each_name_has_its_state(self) -> None:
        wanted = Wanted({"SAME": "1", "OTHER": "2", "GONE": "3", "HIDDEN": "4"}, {"LOST": "There is no file x."})
        actual = {"SAME": "1", "OTHER": "9", "HIDDEN": UNREADABLE, "MORE": "5", "LOST": "6"}

        lines = compare_with_wanted(API, "blue", wanted, actual, None)

        assert states(lines) == {
            "GONE": "missing",
            "HIDDEN": "unreadable",
            "LOST": "unresolved",
            "MORE": "extra",
            "OTHER": "different",
            "SAME": "equal",
        }
        assert not any(line.drifted for line in lines)
        assert not build_report(PRODUCTION, lines).equal

    def test_when_nothing_is_configured_then_what_is_set_is_nobodys_difference(self) -> None:
        lines = compare_with_wanted(API, "", Wanted(), {"PORT": "1"}, {"PORT": "1"})

        assert states(lines) == {"PORT": "unmanaged"}
        assert build_report(PRODUCTION, lines).equal

    def test_when_something_changed_since_the_live_release_then_it_has_drifted(self) -> None:
        wanted = Wanted({"A": "2", "B": "1"})
        lines = compare_with_wanted(API, "", wanted, {"A": "2", "B": "1"}, {"A": "1", "B": "1", "C": "7"})

        assert {line.name: line.drifted for line in lines} == {"A": True, "B": False, "C": True}
        assert not build_report(PRODUCTION, lines).equal

    def test_when_a_place_cannot_be_read_then_nothing_counts_as_equal(self) -> None:
        assert not build_report(PRODUCTION, (), ["api could not be read."]).equal

    @given(values)
    def test_when_everything_is_as_wanted_then_it_is_equal(self, wished: dict[str, str]) -> None:
        digests = Masker(b"s").mask_all(wished)

        assert build_report(PRODUCTION, compare_with_wanted(API, "", Wanted(digests), digests, digests)).equal


class TestGivenTwoEnvironments:
    def test_when_compared_then_each_side_is_named(self) -> None:
        lines = compare_places(API, "", {"A": "1", "B": "1", "K": UNREADABLE}, {"B": "2", "C": "3", "K": "4"})

        assert states(lines) == {"A": "extra", "B": "different", "C": "missing", "K": "unreadable"}
        assert [line.state for line in compare_places(API, "", {"A": "1"}, {"A": "1"})] == [VariableState.EQUAL]


class TestGivenAChange:
    def test_when_planned_then_only_what_is_named_and_differs_changes(self) -> None:
        change = plan_change(Wanted({"A": "1", "B": "2"}), {"A": "1", "B": "9", "PORT": "7"}, None, lambda *_: False)

        assert [(c.name, c.before, c.after) for c in change.changes] == [("B", "9", "2")]
        assert change.back == {"B": "9"}
        assert change.lost == ()

    def test_when_a_reference_leads_nowhere_then_nothing_is_planned(self) -> None:
        change = plan_change(Wanted({"A": "1"}, {"B": "There is no file b."}), {}, None, lambda *_: False)

        assert not change.is_needed
        assert "B: There is no file b." in change.problem

    def test_when_the_old_value_cannot_be_read_then_it_is_named_as_lost(self) -> None:
        change = plan_change(Wanted({"KEY": "1"}), {"KEY": UNREADABLE}, None, lambda *_: False)

        assert [(c.before, c.after) for c in change.changes] == [(UNREADABLE, "1")]
        assert (change.back, change.lost) == ({}, ("KEY",))

    def test_when_an_unreadable_value_is_on_record_as_wanted_then_it_is_left_alone(self) -> None:
        change = plan_change(Wanted({"KEY": "1"}), {"KEY": UNREADABLE}, {"KEY": "1"}, lambda *_: False)

        assert not change.is_needed

    def test_when_a_sync_came_before_then_the_way_back_is_what_the_live_release_ran_with(self) -> None:
        wanted, actual, live = Wanted({"A": "2", "NEW": "5"}), {"A": "2", "NEW": "5"}, {"A": "1"}

        with_value = plan_change(wanted, actual, live, lambda name, digest: (name, digest) == ("A", "1"))
        without = plan_change(wanted, actual, live, lambda *_: False)

        assert (with_value.changes, with_value.back, with_value.lost) == ((), {"A": "1", "NEW": ABSENT}, ())
        assert (without.back, without.lost) == ({"NEW": ABSENT}, ("A",))

    def test_when_somebody_changed_what_nobody_configures_then_it_is_only_named(self) -> None:
        change = plan_change(Wanted({"A": "1"}), {"A": "1", "BY_HAND": "7"}, {"A": "1"}, lambda *_: True)

        assert (change.changes, change.back, change.lost) == ((), {}, ("BY_HAND",))

    @given(values, values, st.none() | values)
    def test_when_done_and_taken_back_then_the_live_releases_values_are_there_or_named_as_lost(
        self, wished: dict[str, str], now: dict[str, str], live: dict[str, str] | None
    ) -> None:
        masker = Masker(b"s")
        actual = masker.mask_all(now)
        then = None if live is None else masker.mask_all(live)
        change = plan_change(Wanted(masker.mask_all(wished)), actual, then, lambda *_: True)

        after = {**actual, **{c.name: c.after for c in change.changes}}
        assert {name: after[name] for name in wished} == masker.mask_all(wished)
        after |= change.back
        returned = {name: digest for name, digest in after.items() if digest != ABSENT and name not in change.lost}
        expected = actual if then is None else then
        assert returned == {name: digest for name, digest in expected.items() if name not in change.lost}
