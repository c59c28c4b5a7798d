"""The configuration that the playground writes for the ordinary commands; they cannot tell it from a real one."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from console.domain.errors import ConsoleError
from console.playground.edge import FRONTEND_ID
from console.playground.scene import (
    BRANCH,
    DATABASES,
    MIGRATIONS_PATH,
    RENDER_OWNER,
    REPOSITORY,
    SERVICES,
    VERCEL_TEAM,
    PlatformService,
)

MARK = "# Written by `quarterdeck playground up`; the next `up` replaces it."


@dataclass(frozen=True)
class Addresses:
    """Where everything is: API base URLs by platform, public URLs by platform service, secret files by name."""

    apis: Mapping[str, str]
    public: Mapping[str, str]
    secrets: Mapping[str, Path]
    edge: str


def check_replaceable(path: Path) -> None:
    """Refuse to replace a configuration that somebody else wrote.

    Raises:
        ConsoleError: There is one.
    """
    try:
        first = path.read_text(encoding="utf-8").partition("\n")[0]
    except FileNotFoundError:
        return
    if first != MARK:
        raise ConsoleError(
            "This home already has a configuration that the playground did not write.",
            str(path),
            "Give the playground a home of its own: quarterdeck --home DIR playground up",
        )


def render_config(addresses: Addresses) -> str:
    """Write the configuration as TOML: two environments, production by blue-green behind the edge."""
    secret = {name: _text(f"file:{path}") for name, path in addresses.secrets.items()}
    api = {name: _text(url) for name, url in addresses.apis.items()}
    production, staging = DATABASES
    return f"""{MARK}

[roles]
admin = ["root", "{os.getuid()}"]

[providers.render]
kind = "render"
base_url = {api["render"]}
token = {secret["render"]}
owner = "{RENDER_OWNER}"

[providers.vercel]
kind = "vercel"
base_url = {api["vercel"]}
token = {secret["vercel"]}
team = "{VERCEL_TEAM}"
url_scheme = "http"

[providers.supabase]
kind = "supabase"
base_url = {api["supabase"]}
token = {secret["supabase"]}

[providers.github]
kind = "github"
base_url = {api["github"]}
token = {secret["github"]}
repository = "{REPOSITORY}"

[providers.edge]
kind = "caddy"
admin_url = {api["caddy"]}

[source]
provider = "github"
branch = "{BRANCH}"

[services.database]
provider = "supabase"

[services.backend]
provider = "render"
needs = ["database"]
health = {{ path = "/health", interval = "250ms" }}
integration = [{{ path = "/api/items" }}, {{ path = "/api/version", expect_text = "{{commit}}" }}]
benchmark = {{ path = "/api/items", requests = 60, concurrency = 4 }}

[services.worker]
provider = "render"
needs = ["database"]

[services.frontend]
provider = "vercel"
needs = ["backend"]
health = {{ path = "/health", interval = "250ms" }}

[environments.production]
tier = "production"
strategy = "blue-green"
bake_time = "5s"
verify_time = "5s"

[environments.production.services.database]
id = "{production.ref}"
database_url = {secret["database-url"]}
migrations = "{MIGRATIONS_PATH}"

[environments.production.services.backend]
blue = {_arm(addresses, "backend", "blue")}
green = {_arm(addresses, "backend", "green")}
url = {_text(addresses.edge)}
traffic = {{ router = "edge", route = "backend", metrics = "backend-{{arm}}" }}

[environments.production.services.worker]
id = "{_find("production", "worker").id}"

[environments.production.services.frontend]
id = "{_find("production", "frontend").id}"
url = {_text(addresses.public["frontend"])}
page = {{ router = "edge", route = "{FRONTEND_ID}" }}

[environments.staging]
tier = "staging"
strategy = "blue-green"
bake_time = "2s"
verify_time = "2s"

[environments.staging.services.database]
id = "{staging.ref}"
database_url = {secret["staging-database-url"]}
migrations = "{MIGRATIONS_PATH}"

[environments.staging.services.backend]
id = "{_find("staging", "backend").id}"
url = {_text(addresses.public["staging-backend"])}
"""


def _arm(addresses: Addresses, service: str, arm: str) -> str:
    found = _find("production", service, arm)
    return f"{{ id = {_text(found.id)}, url = {_text(addresses.public[found.name])} }}"


def _find(environment: str, service: str, arm: str | None = None) -> PlatformService:
    return next(one for one in SERVICES if one.environment == environment and one.service == service and one.arm == arm)


def _text(value: str) -> str:
    # A JSON string is a TOML basic string as well.
    return json.dumps(value)
