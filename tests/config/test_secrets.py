"""Secrets come from where they are kept, are refused where others can read them, and never show themselves."""

from __future__ import annotations

import os
import pickle
import sys
import types
from pathlib import Path

import pytest

from console.config.secrets import Secret, SecretMissing, resolve, resolve_all
from console.config.settings import Settings
from console.domain.errors import ConfigError


def settings_with(**options: str) -> Settings:
    return Settings.model_validate({"providers": {"mine": {"kind": "other", **options}}})


class TestGivenASecret:
    def test_when_shown_in_any_way_then_it_stays_hidden(self) -> None:
        secret = Secret("hunter2")

        for shown in (str(secret), repr(secret), f"{secret}", f"{secret:>20}", repr([secret]), f"{secret!r}"):
            assert "hunter2" not in shown
        with pytest.raises(TypeError):
            pickle.dumps(secret)
        assert secret.reveal() == "hunter2"


class TestGivenAVariable:
    def test_when_set_then_it_is_the_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MY_TOKEN", "abc\n")

        assert resolve("env:MY_TOKEN").reveal() == "abc"

    def test_when_not_set_or_empty_then_it_says_which(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EMPTY", "")

        with pytest.raises(SecretMissing, match="NOT_THERE is not set"):
            resolve("env:NOT_THERE")
        with pytest.raises(SecretMissing, match="is empty"):
            resolve("env:EMPTY")


class TestGivenAFile:
    @pytest.mark.parametrize("mode", [0o600, 0o400])
    def test_when_only_its_owner_can_read_it_then_it_is_the_secret(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "token"
        path.write_text("abc\n")
        path.chmod(mode)

        assert resolve(f"file:{path}").reveal() == "abc"
        assert resolve("file:token", base=tmp_path).reveal() == "abc"

    @pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
    def test_when_others_can_read_it_then_it_is_refused_with_the_cure(self, tmp_path: Path, mode: int) -> None:
        path = tmp_path / "token"
        path.write_text("abc")
        path.chmod(mode)

        with pytest.raises(SecretMissing, match=f"mode {mode:04o}") as caught:
            resolve(f"file:{path}")
        assert caught.value.remedy == f"Run: chmod 600 {path}"

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_when_it_belongs_to_another_user_then_it_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "token"
        path.write_text("abc")
        path.chmod(0o600)
        os.chown(path, 65534, 65534)

        with pytest.raises(SecretMissing, match="belongs to another user"):
            resolve(f"file:{path}")

    def test_when_it_is_absent_or_no_file_then_it_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(SecretMissing, match="There is no file"):
            resolve(f"file:{tmp_path}/none")
        with pytest.raises(SecretMissing, match="no plain file"):
            resolve(f"file:{tmp_path}")


class TestGivenACommand:
    def test_when_it_succeeds_then_its_first_line_is_the_secret(self) -> None:
        assert resolve("command:printf 'abc\\nrest'").reveal() == "abc"

    def test_when_it_fails_then_neither_its_words_nor_its_arguments_are_repeated(self) -> None:
        with pytest.raises(SecretMissing) as caught:
            resolve("command:sh -c 'echo sk-very-secret >&2; exit 3'")

        assert "sh ended with 3" in caught.value.what
        assert "sk-very-secret" not in caught.value.what + caught.value.remedy

    def test_when_there_is_no_such_program_then_it_is_named(self) -> None:
        with pytest.raises(SecretMissing, match="no program not-a-program"):
            resolve("command:not-a-program x")

    def test_when_it_hangs_then_it_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("console.config.secrets.COMMAND_TIMEOUT", 0.05)

        with pytest.raises(SecretMissing, match="took longer"):
            resolve("command:sleep 5")

    def test_when_there_is_no_shell_then_nothing_is_expanded(self) -> None:
        assert resolve("command:echo $HOME;ls").reveal() == "$HOME;ls"


class TestGivenAKeyring:
    def test_when_it_has_the_entry_then_it_is_the_secret(self, monkeypatch: pytest.MonkeyPatch) -> None:
        entries = {("quarterdeck", "render"): "abc"}
        module = types.ModuleType("keyring")
        module.get_password = lambda service, name: entries.get((service, name))
        monkeypatch.setitem(sys.modules, "keyring", module)

        assert resolve("keyring:quarterdeck/render").reveal() == "abc"
        with pytest.raises(SecretMissing, match="has no quarterdeck/vercel"):
            resolve("keyring:quarterdeck/vercel")

    def test_when_it_is_not_installed_then_the_extra_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "keyring", None)

        with pytest.raises(SecretMissing) as caught:
            resolve("keyring:a/b")
        assert "quarterdeck[keyring]" in caught.value.remedy


class TestGivenAConfiguration:
    def test_when_all_are_there_then_options_come_with_them(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A", "abc")
        settings = settings_with(token="env:A", base_url="http://x")

        secrets = resolve_all(settings)

        assert secrets.options_of(settings, "mine") == {"token": "abc", "base_url": "http://x"}
        assert secrets.texts() == {"abc"}
        assert "abc" not in repr(secrets)

    def test_when_one_is_inside_a_table_then_it_is_found_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("A", "abc")
        headers = {"x-bypass": "env:A", "accept": "text/plain"}
        settings = Settings.model_validate({"providers": {"web": {"kind": "web", "headers": headers}}})

        options = resolve_all(settings).options_of(settings, "web")

        assert options["headers"] == {"x-bypass": "abc", "accept": "text/plain"}

    def test_when_several_are_missing_then_all_are_told_with_their_keys_and_lines(self, tmp_path: Path) -> None:
        path = tmp_path / "config.toml"
        path.write_text('[engine]\nurl = "env:NO_URL"\n[providers.mine]\nkind = "x"\ntoken = "env:NO_TOKEN"\n')
        settings = Settings.model_validate(
            {"engine": {"url": "env:NO_URL"}, "providers": {"mine": {"kind": "x", "token": "env:NO_TOKEN"}}}
        ).located_at(path)

        with pytest.raises(ConfigError) as caught:
            resolve_all(settings)

        assert [(p.key, p.line) for p in caught.value.problems] == [("engine.url", 2), ("providers.mine.token", 5)]

    def test_when_a_secret_belongs_to_a_database_then_it_is_found_by_its_key(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("DB", "postgresql://a:b@c/d")
        placement = {"id": "p", "database_url": "env:DB"}
        settings = Settings.model_validate({"environments": {"production": {"services": {"db": placement}}}})

        found = resolve_all(settings).find("environments.production.services.db.database_url")

        assert found is not None
        assert found.reveal() == "postgresql://a:b@c/d"
