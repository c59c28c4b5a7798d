"""`secrets rotate`: show the rollout of a new secret, ask, start it, and stay until it has ended."""

from __future__ import annotations

from console.cli.session import Session
from console.cli.submitting import carry_out
from console.domain.ids import EnvironmentName, ServiceName
from console.domain.plan import Wish
from console.domain.rotation import Rotation


async def rotate(session: Session) -> int:
    """Nothing is made before somebody agreed; what was shown is what is done."""
    options = session.options
    services = tuple(ServiceName(name) for name in options.service)
    strategy = Rotation(options.kind, options.name, options.provider).strategy
    wish = Wish(EnvironmentName(options.environment), strategy=strategy, services=services, reason=options.reason)
    return await carry_out(session, await session.service(), wish, wait=options.wait)
