"""`doctor`: host, configuration, worker and platforms, each line with what to do."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from console.cli.doctor import finding_lines
from console.cli.words import counted
from console.domain.errors import UsageError
from console.domain.exchange import Condition, Finding

GITHUB = """
[providers.code]
kind = "github"
repository = "acme/shop"
base_url = "{url}"
token = "env:QD_TEST_TOKEN"
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("QUARTERDECK_HOME", str(tmp_path))
    monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)
    (tmp_path / "config.toml").write_text("")
    return tmp_path


@contextmanager
def platform(status: int, body: object) -> Iterator[str]:
    """Something on loopback that answers every question alike; its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("x-oauth-scopes", "gist")
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def topics(ran) -> dict[str, dict]:
    return {finding["topic"]: finding for finding in json.loads(ran.out)["findings"]}


class TestGivenAWorkerThatRuns:
    def test_when_all_is_well_then_it_says_so(self, shell, service, home):
        service.findings = (Finding("lamps", "token", Condition.GOOD, "works, as ann"),)

        ran = shell("doctor")

        assert ran.code == 0
        lines = ran.out.splitlines()
        assert lines[0] == "host"
        assert any(line.startswith("  ✓ good  python ") for line in lines)
        assert any(line.endswith("works, as ann") for line in lines)

    def test_when_a_token_is_too_narrow_then_the_remedy_stands_below_and_the_code_is_one(self, shell, service, home):
        service.findings = (Finding("lamps", "scopes", Condition.BAD, "the token lacks repo", "Make another."),)

        ran = shell("doctor")

        assert ran.code == 1
        lines = ran.out.splitlines()
        at = next(number for number, line in enumerate(lines) if "✗ bad" in line)
        assert lines[at].endswith("the token lacks repo")
        assert lines[at + 1].strip() == "→ Make another."
        assert "1 bad" in ran.err

    def test_when_it_is_of_another_version_then_that_is_pointed_out(self, shell, service, home, monkeypatch):
        monkeypatch.setattr("importlib.metadata.version", lambda name: "9.9.9")

        version = topics(shell("doctor", "--format", "json"))["version"]

        assert (version["condition"], version["what"]) == ("warn", "it is 0.1.0, and this command 9.9.9")

    def test_when_it_started_before_the_configuration_was_changed_then_that_is_pointed_out(self, shell, service, home):
        os.utime(home / "config.toml", (4e9, 4e9))

        found = topics(shell("doctor", "--format", "json"))

        assert "changed after the worker had started" in found["configuration"]["what"]

    def test_when_it_is_too_old_to_examine_then_that_is_a_finding(self, shell, service, home):
        async def no_such_thing(providers=()):
            raise UsageError("There is no such thing to ask.", "GET /v1/examination")

        service.examine = no_such_thing

        ran = shell("doctor", "--format", "json")

        assert (ran.code, topics(ran)["examination"]["condition"]) == (1, "bad")

    def test_when_platforms_are_named_then_only_they_are_examined(self, shell, service, home):
        (home / "config.toml").write_text(GITHUB.format(url="http://127.0.0.1:1"))

        shell("doctor", "code")

        assert service.examined == [("code",)]


class TestGivenNoWorker:
    @pytest.fixture(autouse=True)
    def _none_runs(self, shell):
        shell.worker_runs = False

    def test_when_the_configuration_is_wrong_then_every_problem_is_a_line_and_the_code_is_two(self, shell, home):
        (home / "config.toml").write_text('[services.api]\nprovider = "rendr"\nneeds = ["nothing"]\n')

        ran = shell("doctor", "--format", "json")

        assert ran.code == 2
        bad = [f for f in json.loads(ran.out)["findings"] if f["condition"] == "bad"]
        assert [finding["topic"] for finding in bad] == ["services.api.provider", "services.api.needs[0]"]
        assert "config.toml:2" in bad[0]["what"]

    def test_when_a_token_is_missing_then_its_line_is_named_and_the_others_are_examined(self, shell, home, monkeypatch):
        monkeypatch.setenv("QD_TEST_TOKEN", "a-token-that-works")
        with platform(200, {"login": "ann"}) as url:
            other = GITHUB.format(url=url).replace("code", "other").replace("QD_TEST_TOKEN", "QD_NO_SUCH_TOKEN")
            (home / "config.toml").write_text(GITHUB.format(url=url) + other)

            ran = shell("doctor", "--format", "json")

        assert ran.code == 2
        found = topics(ran)
        assert "The variable QD_NO_SUCH_TOKEN is not set." in found["providers.other.token"]["what"]
        assert found["token"]["what"] == "works, as ann"
        assert found["scopes"]["what"] == "the token lacks repo_deployment"
        assert found["process"]["condition"] == "warn"

    def test_when_the_token_is_refused_then_it_is_told_without_the_token(self, shell, home, monkeypatch):
        monkeypatch.setenv("QD_TEST_TOKEN", "a-token-that-is-wrong")
        with platform(401, {"message": "Bad credentials"}) as url:
            (home / "config.toml").write_text(GITHUB.format(url=url))

            ran = shell("doctor")

        assert ran.code == 1
        assert "Bad credentials" in ran.out
        assert "a-token-that-is-wrong" not in ran.out + ran.err

    def test_when_a_platform_is_mistyped_then_it_is_wrong_usage(self, shell, home):
        (home / "config.toml").write_text(GITHUB.format(url="http://127.0.0.1:1"))

        ran = shell("doctor", "cod")

        assert ran.code == 2
        assert "There is no provider 'cod'." in ran.err


class TestGivenFindingsInAnyOrder:
    def test_when_they_are_shown_then_each_subject_has_one_place(self):
        told = [Finding(subject, "x", Condition.GOOD, "fine") for subject in ("host", "configuration", "worker")]

        lines = list(finding_lines([*told, Finding("configuration", "token", Condition.BAD, "not set", "Set it.")]))

        assert [line for line in lines if not line.startswith(" ")] == ["host", "configuration", "worker"]
        assert lines.index("worker") > next(number for number, line in enumerate(lines) if "not set" in line)


class TestGivenAnotherNumberOfThings:
    @pytest.mark.parametrize(("number", "words"), [(0, "0 services"), (1, "1 service"), (2, "2 services")])
    def test_then_the_word_fits_it(self, number, words):
        assert counted(number, "service") == words
