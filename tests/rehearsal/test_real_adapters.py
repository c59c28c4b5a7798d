"""The adapters of Render, Vercel and GitHub send nothing but GET while a deployment on all three is rehearsed."""

from __future__ import annotations

from typing import Any

from console.config.settings import Settings
from console.domain.deployment import DeploymentStatus
from console.domain.ids import EnvironmentName
from console.domain.plan import Wish
from console.engine.variables import WantedValues
from console.rehearsal.run import rehearse
from console.rehearsal.troubles import Fault, Troubles
from providers.registry import open_provider
from tests.providers.subjects import github, render, vercel

SETTINGS: dict[str, Any] = {
    "providers": {"render": {"kind": "render"}, "vercel": {"kind": "vercel"}, "code": {"kind": "github"}},
    "source": {"provider": "code"},
    "services": {
        "api": {"provider": "render", "variables": {"LEVEL": "high"}},
        "site": {"provider": "vercel", "needs": ["api"], "health": {}},
    },
    "environments": {
        "production": {
            "tier": "production",
            "verify_time": "10s",
            "gates": {"checks": "warn"},
            "services": {
                "api": {"id": render.BLUE},
                "site": {"id": vercel.FRONTEND, "url": "https://shop.invalid"},
            },
        }
    },
}


class TestGivenThreeRealAdapters:
    async def test_when_rehearsed_with_faults_then_their_platforms_are_only_read(self) -> None:
        async with render.subject() as one, vercel.subject() as two, github.subject() as three:
            subjects = (one, two, three)
            web = open_provider("web", {"kind": "web"}, clock=one.now)
            connections = {"render": one.open(), "vercel": two.open(), "code": three.open(), "web": web}
            for subject in subjects:
                subject.faults.sent.clear()

            found = await rehearse(
                Settings.model_validate(SETTINGS),
                Wish(EnvironmentName("production"), release="v1.1"),
                connections,
                began=one.now(),
                troubles=Troubles((Fault("status", 0.1), Fault("lose-replies", 0.3))),
                resolve=lambda environment, service: WantedValues({"LEVEL": "high"} if service == "api" else {}, {}),
            )
            for connection in connections.values():
                await connection.close()

        assert found.deployment.status is DeploymentStatus.SUCCEEDED, found.stuck or found.deployment.failure
        assert {call.provider for call in found.calls} == {"render", "vercel", "code"}
        assert all(subject.faults.sent for subject in subjects)
        assert {request.method for subject in subjects for request in subject.faults.sent} == {"GET"}
