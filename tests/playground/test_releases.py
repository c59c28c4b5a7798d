import pytest

from console.playground.releases import build_catalogue, commit_of
from console.playground.scene import FIRST_RELEASE


class TestGivenTheCatalogue:
    def test_then_the_first_release_is_live_first_and_main_is_the_newest_good_one(self):
        catalogue = build_catalogue()

        assert catalogue.first.name == FIRST_RELEASE
        assert catalogue.main.name == "v1.7"

    def test_then_there_is_a_release_for_each_way_to_be_bad(self):
        behaviours = {release.name: release.behaviour for release in build_catalogue().releases}

        assert behaviours["v1.3-errors"].error_rate == pytest.approx(0.08)
        assert behaviours["v1.4-slow"].latency_ms == 150
        assert not behaviours["v1.5-crash"].starts

    def test_then_every_migration_has_its_way_back_and_none_is_ever_lost(self):
        earlier: set[str] = set()
        for release in build_catalogue().releases:
            files = set(release.migrations)
            ups = {name for name in files if not name.endswith(".down.sql")}

            assert {name.removesuffix(".sql") + ".down.sql" for name in ups} == files - ups
            assert earlier <= files
            if release.name != "v1.6-bad-migration":
                earlier = files

    @pytest.mark.parametrize("ref", ["v1.3-errors", "refs/tags/v1.3-errors", commit_of("v1.3-errors")])
    def test_when_it_is_asked_by_name_tag_or_commit_then_it_finds_the_release(self, ref):
        found = build_catalogue().find(ref)

        assert found is not None
        assert found.name == "v1.3-errors"

    def test_when_the_name_is_unknown_then_it_finds_none(self):
        assert build_catalogue().find("v9") is None
