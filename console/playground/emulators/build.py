"""Make all four control planes."""

from collections.abc import Mapping

from console.playground.emulators.clock import Clock, SystemClock
from console.playground.emulators.emulator import Emulator
from console.playground.emulators.github import GitHub
from console.playground.emulators.render import Render
from console.playground.emulators.supabase import Supabase
from console.playground.emulators.vercel import Vercel
from console.playground.hosting import Hosting
from console.playground.releases import Catalogue


def build_emulators(
    hosting: Hosting,
    postgres_dsn: str,
    releases: Catalogue,
    tokens: Mapping[str, str],
    speed: float = 1.0,
    clock: Clock | None = None,
    limit_scale: float = 1.0,
) -> dict[str, Emulator]:
    """Make the emulators, keyed `render`, `vercel`, `supabase`, `github`.

    Args:
        hosting: Runs the product's processes and leads public names to them.
        postgres_dsn: `postgresql://user:password@host:port/database`; every project's database is on that server.
        releases: What can be deployed.
        tokens: The token that each platform accepts, by the same keys. `supabase_key` is the service role's secret
            key for Storage and metrics; without it the Supabase token serves there too.
        speed: 2.0 makes builds and queues take half as long; not used with a `clock`.
        limit_scale: Multiplies every rate limit, for a playground that is driven harder than a real account.
    """
    moving = clock or SystemClock(speed)
    return {
        "render": Render(hosting, releases, tokens["render"], moving, limit_scale),
        "vercel": Vercel(hosting, releases, tokens["vercel"], moving, limit_scale),
        "supabase": Supabase(
            postgres_dsn,
            releases.first.created_at.timestamp(),
            tokens["supabase"],
            tokens.get("supabase_key", tokens["supabase"]),
            moving,
            limit_scale,
        ),
        "github": GitHub(releases, tokens["github"], moving, limit_scale),
    }
