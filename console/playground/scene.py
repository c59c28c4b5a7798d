"""The cast of the playground: every name and id that its parts have to agree on.

The product is a shop with four services in production and two in staging. Ids have the shapes of the real
platforms (`srv-` and 20 base-32 digits, `prj_…`, 20 lowercase letters for a Supabase project), and are the same in
every playground, so that a story told about one can be followed in another.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["api", "worker", "frontend"]
Platform = Literal["render", "vercel", "supabase", "github", "caddy"]
EMULATED: tuple[Platform, ...] = ("render", "vercel", "supabase", "github")

RENDER_OWNER = "tea-d4shopqdk7v1c9m2e5fg"
VERCEL_TEAM = "team_q7Dk2ShopHarbour4Mv9Lw1X"
REPOSITORY = "quarterdeck-demo/shop"
BRANCH = "main"
MIGRATIONS_PATH = "supabase/migrations"
FIRST_RELEASE = "v1.0"


@dataclass(frozen=True)
class PlatformService:
    """One service on Render or project on Vercel.

    `name` is the platform's name for it, and at the same time the service name that `Hosting` knows and the
    public name of its ingress. `service` is what the operator calls it.
    """

    id: str
    name: str
    platform: Literal["render", "vercel"]
    role: Role
    environment: str
    service: str
    arm: Literal["blue", "green"] | None = None
    starts_suspended: bool = False


@dataclass(frozen=True)
class PlatformDatabase:
    """One Supabase project; `database` is the name of its database in the playground's PostgreSQL server."""

    ref: str
    name: str
    environment: str
    database: str
    service: str = "database"


SERVICES = (
    PlatformService("srv-d4blue0k7v1c9m2e5fg0", "backend-blue", "render", "api", "production", "backend", "blue"),
    PlatformService(
        "srv-d4green0k7v1c9m2e5fg", "backend-green", "render", "api", "production", "backend", "green", True
    ),
    PlatformService("srv-d4work0k7v1c9m2e5fg0", "worker", "render", "worker", "production", "worker"),
    PlatformService("prj_Hk7Shop2Front9Deck4Mw1Xv6Qd3", "frontend", "vercel", "frontend", "production", "frontend"),
    PlatformService("srv-d4stag0k7v1c9m2e5fg0", "staging-backend", "render", "api", "staging", "backend"),
)

DATABASES = (
    PlatformDatabase("quarterdeckprodshopa", "shop", "production", "shop"),
    PlatformDatabase("quarterdeckstagshopb", "shop-staging", "staging", "shop_staging"),
)


def database_of(environment: str) -> PlatformDatabase:
    """Name the database that an environment's services use."""
    return next(database for database in DATABASES if database.environment == environment)


def environment_of(platform_name: str) -> str:
    """Name the environment in which a platform's service runs; a name not in the cast counts as production."""
    return next((service.environment for service in SERVICES if service.name == platform_name), "production")


def dsn_for(dsn: str, database: str) -> str:
    """Point a `postgresql://user:password@host:port/database` address at another database of the same server."""
    return f"{dsn.rpartition('/')[0]}/{database}"
