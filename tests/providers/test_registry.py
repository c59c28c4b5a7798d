"""The composition point of the adapters."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from console.domain.errors import ConfigError, UsageError
from providers.registry import KINDS, open_provider

SECRET = "sbp_0123456789abcdef0123456789abcdef01234567"
SETTINGS = {
    "render": {"token": SECRET},
    "vercel": {"token": SECRET},
    "supabase": {"token": SECRET},
    "github": {"token": SECRET, "repository": "quarterdeck-demo/shop"},
    "caddy": {},
    "haproxy": {},
    "cloudflare": {"token": SECRET, "account": "0" * 32},
    "web": {},
    "postgres": {"databases": {"shop": f"postgresql://me:{SECRET}@127.0.0.1:1/shop"}},
    "prometheus": {"base_url": "http://prometheus", "token": SECRET},
    "reports": {"organization": "acme", "token": SECRET},
}


def now() -> datetime:
    return datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


class TestGivenEveryKind:
    @pytest.mark.parametrize("adapter", KINDS)
    async def test_when_it_is_opened_then_the_connection_knows_its_name_and_kind(self, adapter):
        connection = open_provider("mine", {"kind": adapter, **SETTINGS[adapter]}, clock=now)
        await connection.close()

        assert (connection.name, connection.kind) == ("mine", adapter)
        assert SECRET not in repr(connection)

    def test_when_the_registry_is_imported_then_no_adapter_is(self):
        script = "import sys, providers.registry; print(*[m for m in sys.modules if m.startswith('providers.')])"
        loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout

        assert {name.split(".")[1] for name in loaded.split()} == {"registry", "contract"}


class TestGivenWrongSettings:
    def test_when_the_kind_is_unknown_then_the_known_ones_are_named(self):
        with pytest.raises(UsageError) as raised:
            open_provider("mine", {"kind": "heroku"}, clock=now)
        assert "render, vercel, supabase, github, caddy, haproxy, cloudflare, web" in raised.value.remedy

    def test_when_keys_are_wrong_then_each_is_named_and_no_value_is(self):
        with pytest.raises(ConfigError) as raised:
            open_provider("mine", {"kind": "render", "tokn": SECRET, "poll_interval": -1, "token": SECRET}, clock=now)
        assert {problem.key for problem in raised.value.problems} == {"tokn", "poll_interval"}
        assert SECRET not in str(raised.value)
