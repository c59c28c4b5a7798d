"""A commit is shown by the name that people know it by."""

from __future__ import annotations

import asyncio

import pytest

from console.domain.errors import Unreachable
from console.domain.release import Release
from console.watch.naming import ASK_AGAIN_SECONDS, Names
from providers.contract import Unsupported

OLD, NEW = "a" * 40, "b" * 40


class FakeTags:
    def __init__(self) -> None:
        self.tags = {OLD: "v1.0"}
        self.asked = 0
        self.answers = True

    async def fetch_tags(self):
        self.asked += 1
        if not self.answers:
            raise Unreachable("github", "GitHub does not answer.")
        return dict(self.tags)


@pytest.fixture
def tags():
    return FakeTags()


@pytest.fixture
def names(tags, clock):
    return Names(tags, clock)


class TestGivenASourceWithTags:
    async def test_then_a_live_commit_has_its_tags_name(self, names):
        await names.look_up(["", OLD])
        assert names.name(OLD) == "v1.0"
        assert names.name(NEW) == NEW[:8]

    async def test_when_all_names_are_known_then_it_is_not_asked_again(self, names, tags, clock):
        await names.look_up([OLD])
        clock.pass_time(10 * ASK_AGAIN_SECONDS)
        await names.look_up([OLD])
        assert tags.asked == 1

    async def test_when_a_commit_stays_unknown_then_it_is_asked_seldom(self, names, tags, clock):
        for _ in range(4):
            await names.look_up([NEW])
        assert tags.asked == 1
        tags.tags[NEW] = "v2.0"
        clock.pass_time(ASK_AGAIN_SECONDS)
        await names.look_up([NEW])
        await asyncio.sleep(0)
        await names.close()
        assert names.name(NEW) == "v2.0"

    async def test_when_it_does_not_answer_then_commits_are_shortened(self, names, tags):
        tags.answers = False
        await names.look_up([OLD])
        assert names.name(OLD) == OLD[:8]

    async def test_when_a_commit_is_shortened_then_it_is_found_all_the_same(self, names):
        await names.look_up([OLD])
        assert names.names_of([OLD[:8], "nothing", NEW[:8]]) == {
            OLD[:8]: "v1.0",
            "nothing": "nothing",
            NEW[:8]: NEW[:8],
        }


class TestGivenAHistory:
    async def test_then_its_word_comes_before_the_tag(self, names):
        names.learn(Release(OLD, "hotfix"))
        await names.look_up([OLD])
        assert names.name(OLD) == "hotfix"

    async def test_when_it_named_only_the_commit_then_the_tag_counts(self, names):
        names.learn(Release(OLD, OLD[:10]))
        await names.look_up([OLD])
        assert names.name(OLD) == "v1.0"


class TestGivenNoSource:
    async def test_then_commits_are_shortened(self, clock):
        names = Names(Unsupported("No source is configured."), clock)
        await names.look_up([OLD])
        assert names.name(OLD) == OLD[:8]
