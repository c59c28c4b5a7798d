"""The shape of a pipeline file: a strategy of one's own, from the kinds of steps that the built-in ones use."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from console.config.shape import Duration, Section
from console.domain.plan import StepKind

PipelineKind = Literal[
    "approval",
    "migrate",
    "resume",
    "deploy",
    "health",
    "integration",
    "benchmark",
    "shift",
    "bake",
    "promote",
    "verify",
    "suspend",
]


class PipelineStep(Section):
    """One step. Its arguments come from the settings of its service, as in the built-in strategies."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Name of the step, unique in the file."""
    kind: PipelineKind
    """What it does; `suspend` rests the arm that served before."""
    service: str = ""
    """Which service it is about; only an approval has none."""
    name: str = ""
    """What it is called on screens and in reports; empty takes the usual words."""
    needs: tuple[str, ...] = ()
    """Steps that must have ended before; empty lets it begin at once."""
    timeout: Duration | None = None
    """Longest time for it; without it the environment's limits hold."""
    retries: int | None = Field(None, ge=0, le=20)
    """Further attempts after a passing trouble; without it the environment's limits hold."""
    undo: Literal["auto", "none"] = "auto"
    """`none` leaves what it did in place when the deployment is rolled back."""
    weight: int | None = Field(None, ge=0, le=100)
    """Percent of requests for the new release; a shift needs it."""
    duration: Duration | None = None
    """How long a bake or a verification lasts; without it the environment's own times hold."""
    approvals: int = Field(1, ge=1, le=10)
    """People that an approval waits for."""

    @property
    def step_kind(self) -> StepKind:
        return StepKind(self.kind)


class Pipeline(Section):
    """One file."""

    description: str = ""
    """What it is for, in one line."""
    steps: tuple[PipelineStep, ...] = Field(min_length=1)
    """What is done, in any order; `needs` say what waits for what."""
