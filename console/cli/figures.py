"""What a failover came to, or what a rehearsal of one expects, as lines of text. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from console.cli.words import say_length
from console.domain.deployment import Deployment
from console.domain.failover import read_figures


def figure_lines(deployment: Deployment) -> Iterator[str]:
    """What a failover came to, or what a rehearsal expects; nothing for any other deployment."""
    figures = read_figures(deployment)
    if figures is None:
        return
    yield ""
    if figures["rehearsal"]:
        yield f"expected recovery time  {_length(figures.get('expected_rto_s'))}"
        yield f"expected loss           {_loss(figures.get('expected_rpo_s'), 'at-most')}"
        return
    yield f"recovery time  {_length(figures['rto_s'])}{_promised(figures['promised_rto_s'])}"
    yield f"loss           {_loss(figures['rpo_s'], str(figures['rpo']))}{_promised(figures['promised_rpo_s'])}"
    if figures["resolvers_s"]:
        yield f"resolvers      may keep the old address for {_length(figures['resolvers_s'])}"


def _length(seconds: object) -> str:
    return say_length(seconds) if isinstance(seconds, int | float) else "not measured"


def _loss(seconds: object, how: str) -> str:
    if not isinstance(seconds, int | float):
        return "unknown"
    return "none" if how == "exact" else f"at most {say_length(seconds)} of writes"


def _promised(seconds: object) -> str:
    return f" (promised {say_length(seconds)})" if isinstance(seconds, int | float) else ""
