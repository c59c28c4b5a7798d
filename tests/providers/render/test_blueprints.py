"""A `render.yaml` is read, held against the workspace, and becomes configuration."""

import tomllib
from typing import Any

import pytest

from console.domain.errors import Rejected
from providers.contract import OperationKey
from providers.opened import Opened
from providers.render.blueprint_readings import BlueprintText
from providers.render.blueprints import BlueprintError, Difference, read_blueprint, write_configuration
from providers.render.onevariable import SetVariable
from providers.render.services import ServiceDetail, parse_detail
from tests.providers.subjects.render import BLUE, RenderSubject

NESTED = """
databases:
  - {name: reports, plan: basic-1gb}
services:
  - {type: keyvalue, name: cache, plan: starter}
projects:
  - name: shop
    environments:
      - name: production
        services:
          - type: web
            name: api
            runtime: python
            healthCheckPath: /health
            envVars:
              - {key: FLAG, value: "on"}
              - {key: WORKER, fromService: {type: worker, name: mailer, property: host}}
          - {type: worker, name: mailer, runtime: python}
          - {type: cron, name: nightly, schedule: "0 3 * * *"}
      - name: staging
        services:
          - {type: web, name: "api staging", runtime: static}
          - {type: pserv, name: unknown-there, runtime: python}
"""


def service(name: str, type_: str, url: str = "") -> ServiceDetail:
    told = {"id": f"srv-{name}", "name": name, "type": type_, "serviceDetails": {"url": url}}
    return parse_detail(told)


class TestGivenABlueprintWithProjects:
    def test_when_it_is_read_then_every_resource_has_its_type_and_environment(self) -> None:
        found = {one.name: (one.type, one.environment) for one in read_blueprint(NESTED)}

        assert found == {
            "reports": ("postgres", "production"),
            "cache": ("key_value", "production"),
            "api": ("web_service", "production"),
            "mailer": ("background_worker", "production"),
            "nightly": ("cron_job", "production"),
            "api staging": ("static_site", "staging"),
            "unknown-there": ("private_service", "staging"),
        }

    def test_when_it_becomes_configuration_then_ids_and_needs_are_those_of_the_workspace(self) -> None:
        workspace = [
            service("api", "web_service", "https://api.onrender.com"),
            service("mailer", "background_worker"),
            service("api staging", "static_site"),
        ]

        text = write_configuration(read_blueprint(NESTED), {one.name: one for one in workspace})

        assert tomllib.loads(text) == {
            "services": {
                "api": {"provider": "render", "needs": ["mailer"], "health": {"path": "/health"}},
                "mailer": {"provider": "render"},
                "api staging": {"provider": "render"},
            },
            "environments": {
                "production": {
                    "tier": "production",
                    "services": {
                        "api": {"id": "srv-api", "url": "https://api.onrender.com"},
                        "mailer": {"id": "srv-mailer"},
                    },
                },
                "staging": {"tier": "staging", "services": {"api staging": {"id": "srv-api staging"}}},
            },
        }
        assert "# Left out: unknown-there (not in the workspace)." in text
        assert "# Left out: nightly (cron job)." in text

    @pytest.mark.parametrize("text", ["services: [", "just words", "", "- a\n- list"])
    def test_when_it_is_none_then_that_is_said(self, text: str) -> None:
        with pytest.raises(BlueprintError):
            read_blueprint(text)


class TestGivenAWorkspaceThatWentItsOwnWay:
    async def ask(self, connection: Opened, reading: str, text: str) -> Any:
        offered: Any = connection.desk.readings[reading]
        return await offered.fetch(BlueprintText(text))

    async def test_when_it_is_held_against_the_blueprint_then_only_what_differs_is_told(
        self, render: RenderSubject, connection: Opened
    ) -> None:
        action: Any = connection.desk.actions["set-variable"]
        await action.actuator.start(SetVariable(BLUE, "FLAG", "a-secret-value"), OperationKey("k", render.now()))
        text = """
databases: [{name: reports, plan: pro-4gb}, {name: lost, plan: free}]
services:
  - {type: web, name: backend-blue, plan: standard, numInstances: 1, healthCheckPath: /health, autoDeploy: false,
     scaling: {minInstances: 1, maxInstances: 3}, envVars: [{key: FLAG, value: "on"}, {key: NEW, value: "1"}]}
  - {type: pserv, name: search, image: {url: docker.io/acme/search:1.4.0}}
  - {type: worker, name: gone}
"""

        drift = await self.ask(connection, "blueprint-drift", text)

        assert set(drift) == {
            Difference("reports", "plan", "pro_4gb", "basic_1gb"),
            Difference("lost", "postgres", "postgres", "missing"),
            Difference("backend-blue", "plan", "standard", "starter"),
            Difference("backend-blue", "autoDeploy", "false", "true"),
            Difference("backend-blue", "scaling", "1 to 3", "none"),
            Difference("backend-blue", "variable FLAG", "the Blueprint's value", "another value"),
            Difference("backend-blue", "variable NEW", "set", "missing"),
            Difference("gone", "service", "background_worker", "missing"),
        }

    async def test_when_render_judges_a_text_then_its_errors_name_their_place(self, connection: Opened) -> None:
        good = await self.ask(connection, "validate-blueprint", NESTED)
        bad = await self.ask(connection, "validate-blueprint", "services: [{type: moon, name: x}]")
        broken = await self.ask(connection, "validate-blueprint", "services: [")

        assert (good.valid, good.creates) == (True, {"databases": ("reports",), "keyValue": ("cache",)})
        assert (bad.valid, bad.errors) == (False, ("services[0].type: unknown type moon",))
        assert (broken.valid, broken.errors) == (False, ("line 1: invalid YAML",))

    async def test_when_the_text_is_no_blueprint_then_the_question_is_refused(self, connection: Opened) -> None:
        with pytest.raises(Rejected, match="it is not YAML in line 1"):
            await self.ask(connection, "import-blueprint", "services: [")

    async def test_when_it_is_imported_then_the_text_has_the_ids(self, connection: Opened) -> None:
        text = await self.ask(connection, "import-blueprint", "services: [{type: web, name: backend-blue}]")

        placed = tomllib.loads(text)["environments"]["production"]["services"]
        assert placed == {"backend-blue": {"id": BLUE, "url": "http://127.0.0.1/backend-blue"}}
