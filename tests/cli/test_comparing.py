"""`compare A B`: two deployments or releases side by side."""

from __future__ import annotations

import json

import pytest

from console.domain import events as ev
from console.domain.ids import ServiceName
from console.domain.plan import Wish
from console.domain.variables import ConfigurationRecord
from tests.cli.conftest import BAD_STORY, GOOD_STORY, PRODUCTION, SHIFT

FIRST, SECOND = "261122-061603-0001", "261122-061603-0002"


def configured(digest: str) -> ev.Payload:
    record = ConfigurationRecord(SHIFT, ServiceName("backend"), "srv-1", {"LOG_LEVEL": digest, "SAME": "aa"})
    return ev.ConfigurationRecorded(record)


@pytest.fixture
async def told(service, shell):
    for release, story, digest in (("v1.0", GOOD_STORY, "11"), ("v1.1", BAD_STORY, "22")):
        service.after_deploy = [story[0], configured(digest), *story[1:]]
        await service.deploy(Wish(PRODUCTION, release), release)
    return shell


class TestGivenAGoodDeploymentAndOneThatWasTakenBack:
    def test_when_compared_then_scripts_find_what_differs_and_every_step(self, told):
        ran = told("--format", "json", "compare", FIRST, SECOND)

        both = json.loads(ran.out)
        assert ran.code == 0
        assert (both["first"]["status"], both["second"]["status"]) == ("succeeded", "rolled_back")
        assert both["first"]["traffic"][0]["weights"] == {"blue": 90, "green": 10}
        assert (both["first"]["verdicts"], both["second"]["verdicts"]) == ({"pass": 1}, {"fail": 1})
        assert both["second"]["rollback"]["trigger"] == "automatic"
        assert both["second"]["figures"] == {"backend": {"requests": 80}}
        assert both["variables"] == [{"service": "backend", "name": "LOG_LEVEL", "first": ["11"], "second": ["22"]}]
        assert both["steps"][0]["first"]["status"] == both["steps"][0]["second"]["status"] == "succeeded"
        assert both["steps"][0]["name"] == "Give green of backend 10 % of traffic"
        assert {"release", "status", "rollback", "configuration"} <= set(both["differs"])

    def test_when_releases_are_named_then_their_newest_deployments_are_meant(self, told):
        ran = told("compare", "v1.0", "v1.1")

        assert FIRST in ran.out.splitlines()[0]
        assert "* " in ran.out
        assert "by itself: 7 errors in 80 requests." in ran.out

    def test_when_what_is_named_was_never_deployed_then_it_is_wrong_usage(self, told):
        ran = told("compare", FIRST, "v9")

        assert ran.code == 2
        assert "no release of that name was deployed either" in ran.err
