"""Login roles that take turns: what is written about them is checked, and their admin is a secret like any other."""

from __future__ import annotations

from pathlib import Path

import pytest

from console.config.loader import load
from console.config.secrets import find_references
from console.domain.errors import ConfigError

CONFIG = """
[environments.production.logins.DATABASE_URL]
admin = "file:admin"
roles = ["shop", "{second}"]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


class TestGivenTwoRoles:
    def test_when_loaded_then_the_admin_is_among_the_secrets(self, file: Path) -> None:
        file.write_text(CONFIG.format(second="shop_b"))

        settings = load(file)

        assert settings.environments["production"].logins["DATABASE_URL"].roles == ("shop", "shop_b")
        key = ("environments", "production", "logins", "DATABASE_URL", "admin")
        assert list(find_references(settings)) == [(key, "file:admin")]

    @pytest.mark.parametrize(("written", "words"), [("shop", "one role"), ("", "at least 1"), ("x" * 64, "at most 63")])
    def test_when_they_cannot_take_turns_then_it_is_refused_by_key(self, file: Path, written: str, words: str) -> None:
        file.write_text(CONFIG.format(second=written))

        with pytest.raises(ConfigError) as refused:
            load(file)

        assert words in str(refused.value)
        assert "logins.DATABASE_URL.roles" in str(refused.value)

    def test_when_the_admin_is_written_in_the_open_then_it_is_refused_unquoted(self, file: Path) -> None:
        file.write_text(CONFIG.format(second="shop_b").replace("file:admin", "postgresql://boss:secret-0001@db/shop"))

        with pytest.raises(ConfigError) as refused:
            load(file)

        assert "secret-0001" not in str(refused.value)
