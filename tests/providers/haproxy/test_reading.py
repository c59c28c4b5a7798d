"""Reading what HAProxy writes, and writing what it takes."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from providers.haproxy.arms import MOST, divide, find_arms, read_percent
from providers.haproxy.settings import BOUNDS_MS, HAProxySettings
from providers.haproxy.wire import (
    Server,
    build_buckets,
    estimate_sum,
    parse_figures,
    parse_process,
    parse_servers,
    parse_table,
)
from providers.wire import ShapeError
from tests.providers.haproxy.real import latency_rules

PAGE = "# pxname,svname,scur,req_tot,hrsp_5xx,econ,eresp,wredis,status,rtime,\n"
DOCS = Path(__file__).resolve().parents[3] / "docs"


class TestGivenFigures:
    def test_when_columns_are_new_or_in_another_order_then_names_count(self):
        _, (server,) = parse_figures(PAGE + "app,blue,2,10,1,3,4,2,UP,12,\n")

        assert (server.requests, server.errors, server.mean_s) == (19, 10, 0.012)

    @pytest.mark.parametrize("text", ["", "<html>", PAGE + "app,blue,2,10", "No such proxy."])
    def test_when_they_are_cut_or_none_then_that_is_said(self, text):
        with pytest.raises(ShapeError):
            parse_figures(text)

    @pytest.mark.parametrize("parse", [parse_servers, parse_table, parse_process])
    @pytest.mark.parametrize("text", ["", "<html>", "2\n# be_id\n", "Unknown command"])
    def test_when_an_answer_is_something_else_then_that_is_said(self, parse, text):
        with pytest.raises(ShapeError):
            parse(text)


class TestGivenLatencies:
    def test_when_counters_are_cumulative_then_the_sum_is_from_the_middles(self):
        buckets = build_buckets([1, 3, 4], [10, 20])

        assert buckets == {0.01: 1, 0.02: 3, math.inf: 4}
        assert estimate_sum(buckets) == pytest.approx(0.005 + 2 * 0.015 + 0.02)

    def test_when_nothing_was_counted_yet_then_it_is_nothing(self):
        assert set(build_buckets([], BOUNDS_MS).values()) == {0}


class TestGivenSettings:
    @pytest.mark.parametrize("socket", ["unix:///run/h.sock", "unix:/run/h.sock", "tcp://127.0.0.1:9999"])
    def test_when_the_address_is_one_then_it_is_taken(self, socket):
        assert HAProxySettings(socket=socket).socket == socket

    @pytest.mark.parametrize("wrong", [{"socket": "/run/h.sock"}, {"socket": "tcp://h"}, {"latency_bounds_ms": (5, 5)}])
    def test_when_they_are_wrong_then_they_are_refused(self, wrong):
        with pytest.raises(ValidationError):
            HAProxySettings(**wrong)


class TestGivenArms:
    def test_when_two_arms_claim_a_server_then_it_is_named(self):
        with pytest.raises(ValueError, match="several arms: x"):
            find_arms(["x"], ["blue", "green"], "*")


counts = st.integers(1, 12)


@given(st.integers(0, 100), counts, counts)
def test_any_share_is_divided_exactly_and_read_back(weight, blues, greens):
    arms = {"blue": [f"b{n}" for n in range(blues)], "green": [f"g{n}" for n in range(greens)]}
    wanted = {"blue": 100 - weight, "green": weight}

    written = divide(wanted, arms)

    assert all(0 <= value <= MOST for value in written.values())
    sums = {arm: sum(written[name] for name in names) for arm, names in arms.items()}
    assert sums["green"] * (100 - weight) == sums["blue"] * weight
    assert read_percent([Server(name, value, 0) for name, value in written.items()], arms) == wanted


@given(st.lists(st.integers(0, MOST), min_size=2, max_size=5))
def test_any_weights_read_as_whole_percent(weights):
    servers = [Server(f"s{n}", weight, 0) for n, weight in enumerate(weights)]
    percent = read_percent(servers, {server.name: [server.name] for server in servers})

    assert sum(percent.values()) == (100 if sum(weights) else 0)


class TestGivenTheManual:
    def test_when_its_rules_are_copied_then_they_count_in_the_bounds_that_we_read(self):
        manual = (DOCS / "haproxy.md").read_text()

        assert latency_rules() in manual
        assert f"store gpc({len(BOUNDS_MS) + 1})" in manual
