from pathlib import Path

import pytest

from console.config.loader import load
from console.domain.errors import ConsoleError
from console.playground.config_file import Addresses, check_replaceable, render_config
from console.playground.scene import SERVICES


@pytest.fixture
def config(tmp_path: Path) -> Path:
    secrets = {name: tmp_path / name for name in ("render", "vercel", "supabase", "github")}
    secrets |= {name: tmp_path / name for name in ("database-url", "staging-database-url")}
    for path in secrets.values():
        path.write_text("secret")
        path.chmod(0o600)
    apis = dict.fromkeys(("render", "vercel", "supabase", "github", "caddy"), "http://127.0.0.1:1")
    public = {service.name: "http://127.0.0.1:2" for service in SERVICES}
    path = tmp_path / "config.toml"
    path.write_text(render_config(Addresses(apis, public, secrets, "http://127.0.0.1:3")))
    return path


class TestGivenTheConfigurationOfAPlayground:
    def test_then_the_ordinary_loader_accepts_it(self, config: Path):
        settings = load(config)

        assert set(settings.environments) == {"production", "staging"}
        assert set(settings.environments["production"].services) == {"database", "backend", "worker", "frontend"}
        assert set(settings.environments["production"].services["backend"].arms) == {"blue", "green"}

    def test_then_the_next_playground_may_replace_it(self, config: Path):
        check_replaceable(config)


class TestGivenAConfigurationOfSomebodyElse:
    def test_then_it_is_not_replaced(self, tmp_path: Path):
        path = tmp_path / "config.toml"
        path.write_text("[source]\n")

        with pytest.raises(ConsoleError, match="did not write"):
            check_replaceable(path)
