"""A wrong configuration is told whole: every fault, its line, and what to write instead."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.config.lines import find_lines, line_of
from console.config.loader import load
from console.config.location import locate
from console.domain.errors import ConfigError, ConfigProblem
from tests.planning.stories import SHOP


@pytest.fixture
def write(tmp_path: Path):
    def write_text(text: str) -> Path:
        path = tmp_path / "config.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write_text


def faults_of(path: Path) -> tuple[ConfigProblem, ...]:
    with pytest.raises(ConfigError) as caught:
        load(path)
    return caught.value.problems


# The adapters check their own keys; here they are given what they need.
TOKENS = SHOP.replace('kind = "render"', 'kind = "render"\ntoken = "env:T"')
TOKENS = TOKENS.replace('kind = "vercel"', 'kind = "vercel"\ntoken = "env:T"')
TOKENS = TOKENS.replace('kind = "supabase"', 'kind = "supabase"\ntoken = "env:T"')
TOKENS = TOKENS.replace('kind = "github"', 'kind = "github"\ntoken = "env:T"\nrepository = "acme/shop"')


class TestGivenAGoodFile:
    def test_when_loaded_then_it_remembers_where_it_was(self, write) -> None:
        path = write(TOKENS)

        assert load(path).file == path


class TestGivenManyFaults:
    def test_when_loaded_then_all_are_told_at_once_in_the_order_of_the_file(self, write) -> None:
        text = TOKENS.replace('branch = "main"', "").replace('tier = "production"', 'tier = "prod"\nstages = [50, 10]')
        text = text.replace('provider = "vercel"', 'provider = "vercell"').replace('bake_time = "5s"', "bake_tme = 5")
        problems = faults_of(write(text))

        keys = [problem.key for problem in problems]
        assert keys == [
            "services.frontend.provider",
            "environments.production.tier",
            "environments.production.stages",
            "environments.production.bake_tme",
        ]
        lines = text.splitlines()
        for problem in problems:
            assert problem.key.rpartition(".")[2] in lines[problem.line - 1]
        assert "Did you mean vercel?" in problems[0].remedy
        assert "Did you mean bake_time?" in problems[3].remedy

    def test_when_shown_then_each_has_file_line_key_and_remedy(self, write) -> None:
        path = write("[engine]\nulr = 1\n")

        with pytest.raises(ConfigError) as caught:
            load(path)

        assert f"{path}:2 · engine.ulr: There is no setting ulr here. Did you mean url?" in str(caught.value)

    def test_when_a_name_is_only_wrong_because_of_another_fault_then_it_is_told_once(self, write) -> None:
        problems = faults_of(write(TOKENS.replace("traffic = {", "trafic = {")))

        assert [problem.key for problem in problems] == ["environments.production.services.backend.trafic"]


class TestGivenThingsThatContradictEachOther:
    @pytest.mark.parametrize(
        ("old", "new", "words"),
        [
            ('needs = ["database"]\nhealth', 'needs = ["databse"]\nhealth', "Did you mean database?"),
            ('needs = ["backend"]', 'needs = ["frontend"]', "frontend → frontend"),
            ('provider = "supabase"', 'provider = "supabase"\nneeds = ["frontend"]', "→"),
            ('router = "edge"', 'router = "render"', "does not route"),
            ('router = "edge"', 'router = "edg"', "Did you mean edge?"),
            ('green = { id = "srv-green", url = "http://green" }', "", "only one arm, blue"),
            ('id = "srv-green"', 'id = "srv-blue"', "Both arms are the same"),
            ('id = "srv-worker"', 'id = "srv-blue"', "is also production.backend"),
            ('id = "srv-worker"', "", "worker has no id"),
            ('id = "prj_front"', 'id = "prj_front"\nmigrations = "m"', "belongs to a database"),
            ('url = "http://green"', 'url = ""', "health of green cannot be asked"),
            ('kind = "caddy"', 'kind = "cady"', "Did you mean caddy?"),
            ('provider = "github"', 'provider = "render"', "holds no repository"),
            ('tier = "production"', 'tier = "production"\nstages = [10, 50]', "end at 100"),
            ('tier = "production"', 'tier = "production"\nstrategy = "blue-gren"', "Did you mean blue-green?"),
            ('bake_time = "5s"', 'bake_time = ["1m", "2m"]', "2 bake times for 3 stages"),
            ('green = { id = "srv-green"', 'stages = [50]\ngreen = { id = "srv-green"', "end at 100"),
            ('tier = "production"', 'tier = "production"\nkeep = "5 parsecs"', "30s"),
            ('id = "srv-worker"', 'id = "w"\nblue = { id = "b" }', "an id and arms"),
            ("[environments.production.services.worker]", "[environments.production.services.wrker]", "worker?"),
        ],
    )
    def test_when_loaded_then_the_fault_is_named_in_words(self, write, old: str, new: str, words: str) -> None:
        assert old in TOKENS
        problems = faults_of(write(TOKENS.replace(old, new, 1)))

        assert any(words in str(problem) for problem in problems), [str(problem) for problem in problems]

    def test_when_a_need_is_absent_in_an_environment_then_both_are_named(self, write) -> None:
        text = TOKENS.replace('[environments.production.services.database]\nid = "quarterdeckprodshopa"', "")
        text = text.replace('migrations = "supabase/migrations"\n', "")

        assert any("backend needs database, which production does not have" in str(p) for p in faults_of(write(text)))


class TestGivenASecretInTheOpen:
    @pytest.mark.parametrize(
        "line", ['token = "sk-very-secret"', 'api_key = "sk-very-secret"', 'admin_password = "sk-very-secret"']
    )
    def test_when_loaded_then_it_is_refused_without_being_repeated(self, write, line: str) -> None:
        path = write(TOKENS.replace('kind = "render"\ntoken = "env:T"', f'kind = "render"\n{line}', 1))

        with pytest.raises(ConfigError) as caught:
            load(path)

        assert any(problem.what.startswith("A secret is written here") for problem in caught.value.problems)
        assert "sk-very-secret" not in str(caught.value)

    def test_when_an_address_holds_a_password_then_it_is_refused_without_being_repeated(self, write) -> None:
        path = write('[engine]\nurl = "postgresql://me:sk-very-secret@db/engine"\n')

        with pytest.raises(ConfigError) as caught:
            load(path)

        assert "password in the open" in str(caught.value)
        assert "sk-very-secret" not in str(caught.value)

    def test_when_a_database_url_is_written_out_then_it_is_refused_without_being_repeated(self, write) -> None:
        text = TOKENS.replace('id = "quarterdeckprodshopa"', 'id = "q"\ndatabase_url = "postgresql://a:sk-very@h/d"')

        with pytest.raises(ConfigError) as caught:
            load(write(text))

        assert "reference" in str(caught.value)
        assert "sk-very" not in str(caught.value)


class TestGivenAFileThatCannotBeRead:
    def test_when_it_is_absent_then_the_remedy_says_how_to_get_one(self, tmp_path: Path) -> None:
        problem = faults_of(tmp_path / "none.toml")[0]

        assert problem.what == "There is no such file."
        assert "config.example.toml" in problem.remedy

    def test_when_it_is_a_directory_then_it_says_why(self, tmp_path: Path) -> None:
        assert "cannot be read" in faults_of(tmp_path)[0].what

    def test_when_it_is_no_text_then_it_says_so(self, tmp_path: Path) -> None:
        (tmp_path / "c.toml").write_bytes(b"\xff\xfe\x00")

        assert "UTF-8" in faults_of(tmp_path / "c.toml")[0].what

    def test_when_it_is_no_toml_then_the_line_is_named(self, write) -> None:
        problem = faults_of(write('[engine]\nurl = "x"\nworker = \n'))[0]

        assert problem.line == 3
        assert problem.what.startswith("This is no TOML")


class TestGivenSeveralPlaces:
    def test_when_nothing_is_said_then_the_home_comes_before_the_users_directory(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("QUARTERDECK_CONFIG", raising=False)
        monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
        home, users = tmp_path / "home", tmp_path / "xdg" / "quarterdeck"
        home.mkdir()
        users.mkdir(parents=True)

        assert locate(home) == home / "config.toml"
        (users / "config.toml").touch()
        assert locate(home) == users / "config.toml"
        (home / "config.toml").touch()
        assert locate(home) == home / "config.toml"

    def test_when_named_then_the_option_wins_over_the_variable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QUARTERDECK_CONFIG", "/elsewhere.toml")

        assert locate(tmp_path) == Path("/elsewhere.toml")
        assert locate(tmp_path, Path("/mine.toml")) == Path("/mine.toml")


class TestGivenToml:
    def test_when_scanned_then_every_way_to_write_a_key_has_its_line(self) -> None:
        text = "\n".join(
            [
                "# comment with = and [brackets]",
                "a.b = 1",
                '[t."quoted key"]',
                'text = """',
                "x = 1",
                '"""',
                "list = [ # why",
                "  { p = 1 },",
                "  { p = '#', q = [1,",
                "    2] },",
                "]",
                "[[rows]]",
                "n = 1",
                "[[rows]]",
                "n = 2",
                "[rows.deep]",
                "m = { k = 3 }",
            ]
        )
        lines = find_lines(text)

        assert tomllib.loads(text)
        assert lines[("a", "b")] == 2
        assert lines[("t", "quoted key", "text")] == 4
        assert lines[("t", "quoted key", "list", 1, "p")] == 9
        assert lines[("t", "quoted key", "list", 1, "q", 1)] == 10
        assert lines[("rows", 0, "n")] == 13
        assert lines[("rows", 1, "n")] == 15
        assert lines[("rows", 1, "deep", "m", "k")] == 17
        assert line_of(lines, ("rows", 1, "deep", "m", "absent")) == 17

    @given(
        st.dictionaries(
            st.from_regex(re.compile(r"[a-z]{1,6}", re.ASCII), fullmatch=True),
            st.one_of(st.integers(), st.text(alphabet="ab\"'#=[]{}\\,\n", max_size=8), st.lists(st.integers())),
            min_size=1,
            max_size=6,
        )
    )
    def test_when_values_hold_signs_of_structure_then_lines_are_still_right(self, values: dict[str, object]) -> None:
        rows = ["[top]"]
        expected = {}
        for key, value in values.items():
            expected[key] = len(rows) + 1
            rows.append(f"{key} = {_toml(value)}")
        lines = find_lines("\n".join(rows))

        assert tomllib.loads("\n".join(rows)) == {"top": values}
        assert {key: lines[("top", key)] for key in values} == expected


def _toml(value: object) -> str:
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    return str(value)


class TestGivenVariablesOfServices:
    def test_when_written_in_both_places_then_the_environments_word_counts(self, write) -> None:
        text = (
            TOKENS
            + """
[environments.production.services.worker.variables]
LOG_LEVEL = "warning"
SESSION_SECRET = "file:secrets/session"
"""
        )
        text = text.replace(
            "[services.frontend]",
            '[services.worker.variables]\nLOG_LEVEL = "info"\nA = "text:env:B"\n[services.frontend]',
        )

        variables = load(write(text)).variables_of("production", "worker")

        assert variables == {"LOG_LEVEL": "warning", "A": "text:env:B", "SESSION_SECRET": "file:secrets/session"}

    def test_when_a_secret_is_written_in_the_open_then_it_is_refused_and_not_repeated(self, write) -> None:
        text = (
            TOKENS
            + """
[environments.production.services.worker.variables]
API_TOKEN = "hunter2hunter2"
DB_PASSWORD = 123456
"0ODD" = "x"
[environments.production.services.database.variables]
A = "1"
"""
        )
        problems = faults_of(write(text))

        told = {problem.key.removeprefix("environments.production.services."): problem for problem in problems}
        assert "in the open" in told["worker.variables.API_TOKEN"].what
        assert "in quotes" in told["worker.variables.DB_PASSWORD"].what
        assert "no variables" in told["database.variables"].what
        assert any("0ODD" in key for key in told)
        assert not any("hunter2" in str(problem) or "123456" in str(problem) for problem in problems)
