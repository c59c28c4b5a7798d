"""The schemas for editors accept what the loader accepts and refuse what an editor should underline."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from console.config.editor_schema import config_schema, pipeline_schema
from console.config.pipelines import parse_pipeline
from tests.config.test_pipeline_files import ENVIRONMENTS, HOOKS, LADDER, SERVICES
from tests.config.test_pipelines import CAREFUL
from tests.planning.stories import SHOP

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = (ROOT / "config.example.toml").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
FILES = [text for text in EXAMPLES if "steps:" in text]


def refused(schema: dict[str, Any], data: Any) -> list[str]:
    return [error.json_path for error in Draft7Validator(schema).iter_errors(data)]


class TestGivenTheSchemaOfPipelines:
    @pytest.mark.parametrize("text", [CAREFUL, LADDER, HOOKS, *FILES], ids=itertools.count())
    def test_when_a_good_file_is_checked_then_it_is_accepted_by_schema_and_loader(self, text: str) -> None:
        data = yaml.safe_load(text)
        _, faults = parse_pipeline(data, SERVICES, ENVIRONMENTS)

        assert refused(pipeline_schema(), data) == []
        assert faults == []

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("kind: health", "kind: helth"),
            ("kind: bake", "kind: bake\n    weight: 10"),
            ('    weight: "{weight}"\n', ""),
            ("service: backend, needs: [build]", "servic: backend, needs: [build]"),
            ("needs: [build]", "needs: build"),
            ("needs: [build]", "needs: [build], timeout: soon"),
            ("needs: [build]", "needs: [build], when: { weekday: monday }"),
            ("needs: [build]", "needs: [build], undo: later"),
            ("needs: [build]", "needs: [build], undo: { run: [x], url: y }"),
            ("[10, 50]", "10"),
        ],
    )
    def test_when_a_file_is_wrong_then_the_schema_refuses_it_as_the_loader_does(self, old: str, new: str) -> None:
        assert old in LADDER
        data = yaml.safe_load(LADDER.replace(old, new, 1))
        _, faults = parse_pipeline(data, SERVICES, ENVIRONMENTS)

        assert refused(pipeline_schema(), data)
        assert faults

    def test_when_shown_then_every_setting_is_explained(self) -> None:
        properties = pipeline_schema()["$defs"]["PipelineStep"]["properties"]

        assert [name for name, about in properties.items() if not about.get("description")] == []


class TestGivenTheSchemaOfTheConfiguration:
    @pytest.mark.parametrize("text", [EXAMPLE, SHOP], ids=["example", "shop"])
    def test_when_a_good_file_is_checked_then_it_is_accepted(self, text: str) -> None:
        assert refused(config_schema(), tomllib.loads(text)) == []

    @pytest.mark.parametrize(
        ("old", "new", "path"),
        [
            ('bake_time = "5s"', 'bake_tme = "5s"', "$.environments.production"),
            ('tier = "production"', 'tier = "prod"', "$.environments.production.tier"),
            ('kind = "caddy"', 'kind = "cady"', "$.providers.edge.kind"),
            ('bake_time = "5s"', "bake_time = 5", "$.environments.production.bake_time"),
        ],
    )
    def test_when_a_file_is_wrong_then_the_place_is_refused(self, old: str, new: str, path: str) -> None:
        assert path in refused(config_schema(), tomllib.loads(SHOP.replace(old, new, 1)))

    def test_when_defaults_are_times_then_they_are_written_as_people_write_them(self) -> None:
        assert config_schema()["$defs"]["HistorySettings"]["properties"]["keep_logs"]["default"] == "30d"
