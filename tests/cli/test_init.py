"""`init`, against the emulated platforms in this process."""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import stat
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import httpx
import pytest

from console.cli.asking import parse_numbers
from console.cli.init import Initialising, write_new
from console.cli.main import main
from console.cli.proposal import Place, propose, settle
from console.cli.session import Session
from console.config.loader import load
from console.config.secrets import resolve_all
from console.domain.errors import UsageError
from console.playground.emulators.build import build_emulators
from console.playground.releases import build_catalogue
from console.playground.scene import REPOSITORY, SERVICES
from providers.contract import Connection
from providers.discovery import Belonging, fetch_belongings
from providers.registry import KINDS
from tests.cli.conftest import START, FakeReach
from tests.playground.emulators.world import FakeHosting, ManualClock
from tests.providers.subject import Faults

TOKENS = {name: f"{name}-0123456789abcdef" for name in ("render", "vercel", "supabase", "github")}
VARIABLES = {
    "RENDER_API_KEY": TOKENS["render"],
    "VERCEL_TOKEN": TOKENS["vercel"],
    "SUPABASE_ACCESS_TOKEN": TOKENS["supabase"],
    "GITHUB_TOKEN": TOKENS["github"],
    "GITHUB_REPOSITORY": REPOSITORY,
}


CUT = {"/user/repos"}
"""Not in the trimmed document of GitHub; `tests/peers/test_githubkit.py` judges it."""


class Emulated:
    """The way to emulators instead of platforms; `lists` replaces what a token sees."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        nowhere = "postgresql://nobody:nothing@127.0.0.1:1/none"
        self.emulators = build_emulators(
            FakeHosting(self.clock), nowhere, build_catalogue(), TOKENS, clock=self.clock, limit_scale=100
        )
        self.lines = {kind: Faults(httpx.ASGITransport(app=one.app)) for kind, one in self.emulators.items()}
        self.lists: dict[str, Sequence[Belonging]] = {}
        self.asked: list[str] = []

    def address(self, kind: str) -> str:
        return f"http://{kind}/v1" if kind in {"render", "supabase"} else f"http://{kind}"

    async def belongings(self, kind: str, token: str) -> Sequence[Belonging]:
        self.asked.append(kind)
        if kind in self.lists:
            return self.lists[kind]
        return await fetch_belongings(kind, token, self.address(kind), self._transport(kind))

    def open(self, kind: str, options: Mapping[str, str]) -> Connection:
        model = getattr(import_module(f"providers.{kind}.settings"), KINDS[kind])
        opened: Connection = import_module(f"providers.{kind}.adapter").open_connection(
            kind,
            model.model_validate(options),
            clock=lambda: datetime.fromtimestamp(self.clock.now(), UTC),
            sleep=self.clock.advance,
            transport=self._transport(kind),
        )
        return opened

    def _transport(self, kind: str) -> Faults:
        return self.lines[kind]


class Run:
    """Runs `init` and keeps what it said."""

    def __init__(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home = home
        self.platforms = Emulated()
        self._monkeypatch = monkeypatch
        self.file = home / "config.toml"
        self.out, self.err = io.StringIO(), io.StringIO()

    def __call__(self, *answers: str, yes: bool = False, form: str = "text", output: str = "") -> int:
        self._monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{answer}\n" for answer in answers)))
        options = argparse.Namespace(home=str(self.home), config_file="", format=form, yes=yes, output=output)
        session = Session(options, FakeReach(None), self.out, self.err, lambda: START)
        return asyncio.run(Initialising(session, self.platforms).run())

    @property
    def text(self) -> str:
        return self.file.read_text()


@pytest.fixture
def run(tmp_path, monkeypatch) -> Run:
    for name in ("GH_TOKEN", "RENDER_TOKEN", "GITHUB_API_URL", "QUARTERDECK_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    return Run(tmp_path, monkeypatch)


def id_of(name: str) -> str:
    return next(one.id for one in SERVICES if one.name == name)


class TestGivenTheOfficialDocuments:
    @pytest.mark.parametrize("kind", TOKENS)
    def test_when_a_platform_is_asked_then_its_document_knows_every_request(self, run, kind):
        run(yes=True)

        sent = run.platforms.lines[kind].sent
        judged = [request for request in sent if request.url.path not in CUT]
        assert judged
        assert import_module(f"tests.providers.subjects.{kind}").strangers(judged) == []


class TestGivenNoQuestionsAsked:
    def test_when_every_token_is_there_then_what_is_sure_is_written_and_accepted(self, run):
        assert run(yes=True) == 0

        settings = load(run.file)
        assert list(settings.providers) == ["render", "vercel", "supabase", "github"]
        assert (settings.source.provider, settings.source.branch) == ("github", "main")
        production = settings.environments["production"].services
        assert production["worker"].id == id_of("worker")
        assert production["frontend"].id == id_of("frontend")
        assert production["database"].id == "quarterdeckprodshopa"
        staging = settings.environments["staging"].services
        assert staging["backend"].id == id_of("staging-backend")
        assert staging["backend"].url.endswith("/staging-backend")
        assert staging["database"].id == "quarterdeckstagshopb"
        assert {name: one.tier.value for name, one in settings.environments.items()} == {
            "production": "production",
            "staging": "staging",
        }

    def test_when_a_pair_has_no_router_then_it_is_a_comment_that_says_so(self, run):
        run(yes=True)

        assert "backend" not in load(run.file).environments["production"].services
        assert "# Not sure: blue and green need a router" in run.text
        assert f'# blue = {{ id = "{id_of("backend-blue")}"' in run.text
        assert '# traffic = { router = "edge", route = "backend" }' in run.text
        assert "Only as a comment: backend-blue" in run.err.getvalue()

    def test_then_no_token_is_in_the_file_or_in_any_word(self, run):
        run(yes=True)

        assert 'token = "env:RENDER_API_KEY"' in run.text
        for token in TOKENS.values():
            assert token not in run.text + run.out.getvalue() + run.err.getvalue()
        assert stat.S_IMODE(run.file.stat().st_mode) == 0o600
        assert set(resolve_all(load(run.file)).texts()) == set(TOKENS.values())

    def test_when_the_workspace_and_the_team_are_the_only_ones_then_they_are_named(self, run):
        run(yes=True)

        options = {name: block.options for name, block in load(run.file).providers.items()}
        assert options["render"]["owner"].startswith("tea-")
        assert options["vercel"]["team"].startswith("team_")
        assert options["github"]["repository"] == REPOSITORY

    def test_when_the_repository_keeps_migrations_then_their_directory_is_suggested(self, run):
        run(yes=True)

        assert '# migrations = "supabase/migrations"' in run.text

    def test_when_comments_are_taken_in_then_the_suggestions_are_right_as_well(self, run):
        run(yes=True)
        text = run.text.replace("# [providers.edge]", "[providers.edge]")
        for line in ('kind = "caddy"', "admin_url", "[environments.production.services.backend]", "blue =", "green =",
                     "traffic =", "[services.backend]", "migrations = ", "database_url"):  # fmt: skip
            text = text.replace(f"# {line}", line)
        run.file.write_text(text)

        production = load(run.file).environments["production"].services
        assert set(production["backend"].arms) == {"blue", "green"}

    def test_when_a_token_is_wrong_then_the_others_are_written_and_that_one_says_why(self, run, monkeypatch):
        monkeypatch.setenv("VERCEL_TOKEN", "vercel-that-is-wrong")

        assert run(yes=True) == 0

        assert list(load(run.file).providers) == ["render", "supabase", "github"]
        assert "# Vercel could not be asked: Vercel does not let this token" in run.text
        assert "vercel-that-is-wrong" not in run.text + run.err.getvalue()

    def test_when_there_is_no_token_then_nothing_is_written_and_the_variables_are_named(self, run, monkeypatch):
        for name in VARIABLES:
            monkeypatch.delenv(name)

        with pytest.raises(UsageError, match="No platform could be asked") as refusal:
            run(yes=True)

        assert "RENDER_API_KEY, VERCEL_TOKEN, SUPABASE_ACCESS_TOKEN, GITHUB_TOKEN" in refusal.value.remedy
        assert not run.file.exists()

    def test_when_several_repositories_are_there_then_none_is_taken(self, run, monkeypatch):
        monkeypatch.setenv("GITHUB_REPOSITORY", "")
        monkeypatch.chdir(run.home)
        run.platforms.lists["github"] = [Belonging("repository", name, name) for name in ("acme/shop", "acme/site")]

        run(yes=True)

        assert "github" not in load(run.file).providers
        assert '# repository = "acme/shop"' in run.text
        assert "# Several repositories are there; take one of those below." in run.text

    def test_when_a_script_asks_then_it_learns_what_was_placed_and_left_out(self, run):
        run(yes=True, form="json")

        told = json.loads(run.out.getvalue())
        assert told["file"] == str(run.file)
        assert {"environment": "staging", "service": "backend", "arm": "", "id": id_of("staging-backend")} in told[
            "placed"
        ]
        assert set(told["left_out"]) == {"backend-blue", "backend-green"}


class TestGivenAFileThatIsThere:
    def test_then_it_is_not_overwritten_and_no_platform_is_asked(self, run):
        run.file.write_text("# mine\n")

        with pytest.raises(UsageError, match="not overwritten"):
            run(yes=True)

        assert run.text == "# mine\n"
        assert run.platforms.asked == []

    def test_when_another_is_named_then_that_is_written(self, run):
        run.file.write_text("# mine\n")

        assert run(yes=True, output=str(run.home / "deep" / "other.toml")) == 0

        assert load(run.home / "deep" / "other.toml").providers

    def test_when_it_appears_meanwhile_then_it_is_left_alone(self, run):
        run.file.write_text("# theirs\n")

        with pytest.raises(UsageError, match="not overwritten"):
            write_new(run.file, "")

        assert run.text == "# theirs\n"
        assert [path.name for path in run.home.iterdir()] == ["config.toml"]


class TestGivenSomebodyWhoAnswers:
    def test_when_they_take_everything_and_name_a_router_then_the_pair_is_in_force(self, run):
        code = run("", "", "", "", "", "", "", "", "http://127.0.0.1:2019")

        assert code == 0
        settings = load(run.file)
        backend = settings.environments["production"].services["backend"]
        assert (backend.blue.id, backend.green.id) == (id_of("backend-blue"), id_of("backend-green"))
        assert (backend.traffic.router, settings.providers["edge"].kind) == ("edge", "caddy")

    def test_when_they_choose_and_correct_then_that_is_written(self, run):
        # Render: only the worker and staging's backend. No Vercel, no Supabase. GitHub as found.
        code = run("y", "3,4", "n", "n", "y", "2 qa api", "")

        assert code == 0
        settings = load(run.file)
        assert list(settings.providers) == ["render", "github"]
        assert set(settings.environments) == {"production", "qa"}
        assert list(settings.environments["qa"].services) == ["api"]

    def test_when_they_paste_a_token_then_it_is_neither_kept_nor_shown(self, run, monkeypatch):
        monkeypatch.delenv("RENDER_API_KEY")

        run("rnd_pasted_0123456789", "", "n", "n", "", "")

        assert "rnd_pasted_0123456789" not in run.text + run.err.getvalue()
        assert "That is no reference." in run.err.getvalue()

    def test_when_the_token_is_in_a_file_then_the_reference_is_written(self, run, monkeypatch):
        monkeypatch.delenv("RENDER_API_KEY")
        (run.home / "secret").write_text(TOKENS["render"])
        (run.home / "secret").chmod(0o600)

        run("file:secret", "", "n", "n", "n", "", "")

        assert load(run.file).providers["render"].options["token"] == "file:secret"

    def test_when_several_repositories_are_there_then_they_choose_by_number(self, run, monkeypatch):
        monkeypatch.setenv("GITHUB_REPOSITORY", "")
        monkeypatch.chdir(run.home)
        run.platforms.lists["github"] = [
            Belonging("repository", "acme/site", "acme/site"),
            Belonging("repository", REPOSITORY, REPOSITORY, "main"),
        ]

        run("n", "n", "n", "", "2")

        assert load(run.file).providers["github"].options["repository"] == REPOSITORY

    def test_when_they_stop_answering_then_nothing_is_written(self, run):
        with pytest.raises(UsageError, match="not answered to the end"):
            run("y")

        assert not run.file.exists()


class TestGivenNames:
    @pytest.mark.parametrize(
        ("kind", "name", "environment", "service", "arm"),
        [
            ("render", "api", "production", "api", ""),
            ("render", "shop-api-staging", "staging", "shop-api", ""),
            ("render", "prod_worker", "production", "worker", ""),
            ("render", "dev", "development", "backend", ""),
            ("vercel", "Shop.Live", "production", "shop", ""),
            ("vercel", "blue-site", "production", "blue-site", ""),
            ("supabase", "shop-dr", "disaster-recovery", "database", ""),
        ],
    )
    def test_then_they_are_read_as_people_mean_them(self, kind, name, environment, service, arm):
        (placing,) = propose([Place(kind, kind, "id", name)])

        assert (placing.environment, placing.service, placing.arm) == (environment, service, arm)
        assert not placing.doubt

    def test_when_an_arm_is_alone_then_it_is_the_service(self):
        (placing,) = propose([Place("render", "render", "srv-1", "api-blue")])

        assert (placing.service, placing.arm, placing.doubt) == ("api", "", "")

    def test_when_two_places_are_named_alike_then_the_second_is_doubtful(self):
        first, second = propose([Place("render", "render", "srv-1", "api"), Place("render", "render", "srv-2", "API")])

        assert not first.doubt
        assert "production · api is named already" in second.doubt

    def test_when_two_platforms_use_a_name_then_each_gets_its_own(self):
        found = propose([Place("render", "render", "srv-1", "shop"), Place("vercel", "vercel", "prj_1", "shop")])

        assert [placing.service for placing in found] == ["shop", "shop-vercel"]

    def test_when_a_pair_stands_beside_a_plain_one_then_the_pair_is_doubtful(self):
        names = ("api", "api-blue", "api-green")
        found = propose([Place("render", "render", f"srv-{name}", name) for name in names])

        assert [bool(placing.doubt) for placing in settle(found, "edge")] == [False, True, True]


class TestGivenNumbers:
    @pytest.mark.parametrize(("text", "chosen"), [("", [0, 1, 2, 3]), ("0", []), ("1,3-4", [0, 2, 3]), ("2 2", [1])])
    def test_when_they_are_right_then_they_are_read(self, text: str, chosen: list[int]):
        assert parse_numbers(text, 4) == chosen

    @pytest.mark.parametrize("text", ["5", "3-1", "x", "-1", "1-"])
    def test_when_they_are_wrong_then_they_are_refused(self, text: str):
        with pytest.raises(ValueError):
            parse_numbers(text, 4)


class TestGivenTheCommand:
    def test_when_it_refuses_then_the_code_says_wrong_usage(self, run, capsys):
        run.file.write_text("")

        code = main(["--home", str(run.home), "init", "--yes"], FakeReach(None))

        assert code == 2
        assert "not overwritten" in capsys.readouterr().err
