"""What Prometheus answers, read into samples that can be compared."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from pydantic import ValidationError

from console.domain.errors import Rejected, Unauthorized
from providers.contract import QuerySource, Unsupported
from providers.prometheus.settings import PrometheusSettings
from tests.providers.subjects.prometheus import PrometheusSubject

STEP = timedelta(seconds=15)


@pytest.fixture
def world() -> PrometheusSubject:
    return PrometheusSubject()


@pytest.fixture
async def queries(world: PrometheusSubject) -> AsyncIterator[QuerySource]:
    connection = world.open()
    offered = connection.capabilities.queries
    assert not isinstance(offered, Unsupported)
    yield offered
    await connection.close()


class TestGivenASeries:
    async def test_when_its_value_is_asked_for_then_it_is_the_newest(self, world, queries):
        world.prometheus.add("failures", "green", 2.0, at=world.clock.now() - 60)
        world.prometheus.add("failures", "green", 4.0, at=world.clock.now() - 30)

        assert (await queries.fetch_value('failures{arm="green"}')).value == 4.0

    async def test_when_it_is_stale_then_there_is_no_value(self, world, queries):
        await world.clock.advance(600)

        assert await queries.fetch_value('sum(failures{arm="blue"})') is None

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    async def test_when_it_is_no_number_then_there_is_no_value(self, world, queries, value):
        world.prometheus.add("failures", "green", value)

        assert await queries.fetch_value('failures{arm="green"}') is None

    async def test_when_a_span_is_asked_for_then_its_times_are_whole_steps_and_the_same_again(self, world, queries):
        await world.clock.advance(100)
        now = world.now()

        first = await queries.fetch_series('failures{arm="blue"}', now - timedelta(seconds=61), now, STEP)
        again = await queries.fetch_series('failures{arm="blue"}', now - timedelta(seconds=47), now, STEP)

        assert all(sample.at.timestamp() % 15 == 0 for sample in first)
        assert {sample.at for sample in again} <= {sample.at for sample in first}
        assert len(first) == 4

    async def test_when_it_begins_in_the_middle_of_a_span_then_what_was_before_is_missing(self, world, queries):
        await world.clock.advance(60)
        world.prometheus.add("queue", "blue", 1.0)
        await world.clock.advance(30)

        found = await queries.fetch_series('queue{arm="blue"}', world.now() - timedelta(minutes=2), world.now(), STEP)

        assert 1 <= len(found) <= 3

    async def test_when_a_span_holds_no_whole_step_then_nothing_is_asked(self, world, queries):
        at = world.now().replace(second=1, microsecond=0)

        assert await queries.fetch_series("failures", at, at + timedelta(seconds=5), STEP) == ()
        assert world.faults.sent == []


class TestGivenAQueryThatCannotBeCompared:
    async def test_when_it_is_not_understood_then_the_words_are_prometheus_own(self, queries):
        with pytest.raises(Rejected, match="parse error"):
            await queries.fetch_value("%")

    async def test_when_it_has_several_series_then_it_says_how_many_and_what_to_do(self, world, queries):
        world.prometheus.add("failures", "green", 1.0)

        with pytest.raises(Rejected, match="2 series") as raised:
            await queries.fetch_value("failures")

        assert "sum" in raised.value.remedy


class TestGivenSettings:
    @pytest.mark.parametrize(
        "wrong",
        [{"token": "t", "username": "u", "password": "p"}, {"username": "u"}, {"password": "p"}, {"base_url": "prom"}],
    )
    def test_when_they_contradict_each_other_then_they_are_refused(self, wrong):
        with pytest.raises(ValidationError):
            PrometheusSettings.model_validate({"base_url": "http://prometheus", **wrong})

    async def test_when_the_token_is_wrong_then_it_is_unauthorized(self, world, queries):
        world.prometheus._token = "another"

        with pytest.raises(Unauthorized):
            await queries.fetch_value("failures")
