"""The reader of official documents must judge recorded traffic as the facts describe it, before it judges ours."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.openapi import CODEC_FREE, SHARED, Document, shared_spec

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the official documents is absent")

DOCUMENTS = (
    "render-public-api.json",
    "vercel-rest-api.json",
    "supabase-management-v1.json",
    "supabase-storage-v0.json",
    "supabase-storage-core.json",
    "github-rest-trimmed.json",
)


@pytest.fixture
def render() -> Document:
    return Document.load(shared_spec("render-public-api.json"))


def recorded(name: str) -> Iterator[dict[str, Any]]:
    with (SHARED / "recordings" / name).open() as lines:
        yield from map(json.loads, lines)


class TestGivenEveryOfficialDocument:
    @pytest.mark.parametrize("name", DOCUMENTS)
    def test_when_read_then_every_schema_can_be_translated(self, name: str) -> None:
        document = Document.load(shared_spec(name))

        for template, item in document.raw["paths"].items():
            for method in set(item) & {"get", "put", "post", "delete", "patch"}:
                for response in item[method]["responses"].values():
                    for content in document.resolve(response).get("content", {}).values():
                        document.schema(content.get("schema", {}))
                assert document.operation(method, document.base + template.replace("{*}", "a/b")) is not None


class TestGivenRecordedRenderTraffic:
    def test_when_judged_then_only_the_known_departures_remain(self, render: Document) -> None:
        found: Counter[str] = Counter()
        for exchange in recorded("render-api.jsonl"):
            body = exchange["response"] if exchange["response"] != "" else None
            for violation in render.check_response(exchange["method"], exchange["path"], exchange["status"], body):
                found[f"{violation.kind} {violation.operation} {violation.where}"] += 1

        assert found["answer POST /services/{serviceId}/deploys $.commit"] == 4
        assert found["answer POST /services/{serviceId}/deploys $.finishedAt"] == 6
        assert found["answer GET /services/{serviceId} $"] == 0
        assert not any(key.startswith("status") and "/services" in key for key in found)


class TestGivenAClientRequest:
    def test_when_a_query_name_is_unknown_then_it_is_named(self, render: Document) -> None:
        [violation] = render.check_request("GET", "/v1/services?nome=x")

        assert (violation.kind, violation.where) == ("query", "nome")

    def test_when_an_array_is_joined_by_commas_as_documented_then_it_passes(self, render: Document) -> None:
        assert render.check_request("GET", "/v1/services", {"type": "web_service,cron_job", "limit": 20}) == []

    def test_when_an_array_is_repeated_as_documented_then_it_passes(self, render: Document) -> None:
        query = [("status", "live"), ("status", "queued")]
        assert render.check_request("GET", "/v1/services/srv-1/deploys", query) == []

    def test_when_a_field_is_not_in_the_document_then_it_is_undeclared(self, render: Document) -> None:
        [violation] = render.check_request("POST", "/v1/services/srv-1/deploys", {}, {"commit": "abc"})

        assert (violation.kind, violation.where) == ("undeclared", "$.commit")

    def test_when_a_number_is_out_of_range_then_the_place_is_named(self, render: Document) -> None:
        [violation] = render.check_request("POST", "/v1/services/srv-1/scale", {}, {"numInstances": "two"})

        assert (violation.kind, violation.where) == ("body", "$.numInstances")


class TestGivenAnAnswer:
    def test_when_its_status_is_not_documented_then_the_documented_ones_are_listed(self, render: Document) -> None:
        [violation] = render.check_response("POST", "/v1/services/srv-1/suspend", 200, None)

        assert violation.kind == "status"
        assert "202" in violation.what

    def test_when_a_parameter_spans_segments_then_the_operation_is_found(self) -> None:
        github = Document.load(shared_spec("github-rest-trimmed.json"))
        storage = Document.load(shared_spec("supabase-storage-v0.json"), base="/storage/v1")

        contents = github.operation("GET", "/repos/o/r/contents/supabase/migrations")
        upload = storage.operation("POST", "/storage/v1/object/files/a/b.txt")

        assert contents is not None
        assert contents.template == "/repos/{owner}/{repo}/contents/{path}"
        assert upload is not None
        assert upload.template == "/object/{bucketName}/{*}"

    def test_when_null_is_documented_as_nullable_then_it_passes(self) -> None:
        github = Document.load(shared_spec("github-rest-trimmed.json"))
        violations = github.check_response("GET", "/repos/o/r/commits/main/status", 200, {"state": None})

        assert any("None is not of type 'string'" in violation.what for violation in violations)
        assert github.check_response("GET", "/repos/o/r/zipball/main", 200, CODEC_FREE)[0].kind == "operation"
