"""Metrics in the configuration: every contradiction at once, each with its key and a remedy."""

from __future__ import annotations

from typing import Any

import pytest

from console.config.checks import find_faults
from console.config.metrics import metric_arguments
from console.config.settings import Settings

PROMQL = 'sum(rate(failures{color="{arm}"}[1m]))'


def settings(metrics: dict[str, dict[str, Any]], **providers: dict[str, Any]) -> Settings:
    arms = {"blue": {"id": "1", "url": "http://b"}, "green": {"id": "2", "url": "http://g"}}
    return Settings.model_validate(
        {
            "providers": {
                "edge": {"kind": "caddy", "admin_url": "http://edge"},
                "render": {"kind": "render", "token": "env:T"},
                "store": {"kind": "prometheus", "base_url": "http://store"},
                **providers,
            },
            "services": {"api": {"provider": "render"}, "jobs": {"provider": "render"}},
            "environments": {
                "production": {
                    "services": {
                        "api": {**arms, "traffic": {"router": "edge", "route": "api"}},
                        "jobs": {"id": "3"},
                    },
                    "metrics": metrics,
                }
            },
        }
    )


class TestGivenGoodMetrics:
    def test_when_one_provider_fits_then_it_is_found_and_the_plan_has_everything(self):
        found = settings({"failures": {"source": "prometheus", "query": PROMQL, "services": ["api"]}})

        assert find_faults(found) == []
        (arguments,) = metric_arguments(found, "production", "api")
        assert arguments["provider"] == "store"
        assert arguments["action"] == "pause"
        assert metric_arguments(found, "production", "jobs") == []

    def test_when_reports_are_counted_then_the_judge_says_what_follows(self):
        found = settings({"complaints": {"source": "reports"}}, desk={"kind": "reports", "file": "/tmp/x"})

        assert find_faults(found) == []
        assert metric_arguments(found, "production", "api")[0]["action"] == ""


WRONG = {
    "the same query for both arms": ({"source": "prometheus", "query": "up"}, "query"),
    "no query": ({"source": "prometheus"}, "query"),
    "an unknown figure": ({"source": "edge", "query": "p95"}, "query"),
    "no path": ({"source": "probe", "query": "health"}, "query"),
    "an unknown provider": ({"source": "prometheus", "provider": "prom", "query": PROMQL}, "provider"),
    "a provider of another kind": ({"source": "prometheus", "provider": "edge", "query": PROMQL}, "provider"),
    "a provider nobody asks": ({"source": "probe", "provider": "store"}, "provider"),
    "nobody who counts reports": ({"source": "reports"}, "source"),
    "an unknown service": ({"source": "prometheus", "query": PROMQL, "services": ["web"]}, 0),
    "a service in one place": ({"source": "prometheus", "query": PROMQL, "services": ["jobs"]}, 0),
}


class TestGivenContradictions:
    @pytest.mark.parametrize("name", WRONG)
    def test_when_checked_then_the_key_is_named_and_there_is_a_remedy(self, name):
        written, key = WRONG[name]

        (fault,) = find_faults(settings({"m": written}))

        assert fault.key[:4] == ("environments", "production", "metrics", "m")
        assert fault.key[-1] == key
        assert fault.remedy

    def test_when_there_are_several_then_all_are_told_at_once(self):
        faults = find_faults(settings({name: written for name, (written, _) in WRONG.items()}))

        assert len(faults) == len(WRONG)
