"""The shape of a pipeline file: a strategy of one's own, from the kinds of steps that the built-in ones use.

`FIELDS` says which settings belong to which kind; checks and the schema for editors both read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from console.config.conditions import When
from console.config.shape import Duration, Section, VariableValue
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
    "command",
    "request",
]

OWN_KINDS = frozenset({StepKind.COMMAND, StepKind.REQUEST})
"""Steps whose work the file itself says."""
WITHOUT_SERVICE = frozenset({StepKind.APPROVAL, *OWN_KINDS})
"""Kinds that need not be about a service."""
TAKEN_BACK_BY_OWN = frozenset({StepKind.MIGRATE, *OWN_KINDS})
"""Kinds whose undo may be an act of the operator's; all others know how they are taken back."""

FIELDS: Mapping[str, tuple[frozenset[StepKind], bool]] = {
    "weight": (frozenset({StepKind.SHIFT}), True),
    "duration": (frozenset({StepKind.BAKE, StepKind.VERIFY}), False),
    "approvals": (frozenset({StepKind.APPROVAL}), False),
    "run": (frozenset({StepKind.COMMAND}), True),
    "url": (frozenset({StepKind.REQUEST}), True),
    **dict.fromkeys(("directory", "variables"), (frozenset({StepKind.COMMAND}), False)),
    **dict.fromkeys(
        ("method", "headers", "body", "expect_status", "expect_text"), (frozenset({StepKind.REQUEST}), False)
    ),
    **dict.fromkeys(("repeatable", "may_fail"), (OWN_KINDS, False)),
}
"""By setting: the kinds that have it, and whether they must."""

Matrix = Annotated[
    Mapping[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": {
                "include": {"type": "array", "items": {"type": "object"}},
                "exclude": {"type": "array", "items": {"type": "object"}},
            },
            "additionalProperties": {
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"type": ["string", "integer"]},
            },
        }
    ),
]


def _argument(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Argument = Annotated[str, BeforeValidator(_argument), WithJsonSchema({"type": ["string", "integer"]})]


def _listed(value: Any) -> Any:
    return (value,) if isinstance(value, int) else value


_STATUS: dict[str, Any] = {"type": "integer", "minimum": 100, "maximum": 599}
Statuses = Annotated[
    tuple[Annotated[int, Field(ge=100, le=599)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    WithJsonSchema({"anyOf": [_STATUS, {"type": "array", "items": _STATUS, "minItems": 1}]}),
]


class OwnAct(Section):
    """What an operator has done: a command of this host, or one HTTP request."""

    run: tuple[Argument, ...] | None = Field(None, min_length=1)
    """A program and its arguments; no shell reads them. Ends with 0 when it is good."""
    directory: str = ""
    """Where it runs, relative to the configuration file; empty for beside that file."""
    variables: Mapping[str, VariableValue] = Field(default_factory=dict)
    """What it finds in its environment besides `PATH`, `HOME` and `QUARTERDECK_…`; secrets by reference."""
    url: str = ""
    """Where the request goes, also by reference; a path alone goes to the new release of the step's service."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "POST"
    """How it asks."""
    headers: Mapping[str, VariableValue] = Field(default_factory=dict)
    """Headers of the request; secrets by reference."""
    body: str = ""
    """What it sends."""
    expect_status: Statuses | None = None
    """Statuses that are good; without it all from 200 to 299."""
    expect_text: str = ""
    """What must stand in the answer."""
    timeout: Duration = timedelta(minutes=5)
    """Longest time for one attempt."""


def _undo(value: Any) -> Any:
    if isinstance(value, str) and value in ("auto", "none"):
        return {"mode": value}
    if isinstance(value, str):
        raise ValueError("undo is auto, none, or an act of your own: { run: [program, argument] }")
    return value


class StepUndo(OwnAct):
    """How a step is taken back."""

    mode: Literal["auto", "none", "own"] = "own"
    """`auto` as the kind of step does it, `none` leaves in place what it did, `own` is the act written here."""


class PipelineStep(Section):
    """One step. Its arguments come from the settings of its service, as in the built-in strategies."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Name of the step, unique in the file."""
    kind: PipelineKind
    """What it does; `suspend` rests the arm that served before, `command` and `request` are your own."""
    service: str = ""
    """Which service it is about; approvals, commands and requests can do without."""
    name: str = ""
    """What it is called on screens and in reports; empty takes the usual words."""
    needs: tuple[str, ...] = ()
    """Steps that must have ended before; empty lets it begin at once."""
    when: When | None = None
    """What must hold for it to be done; without it, it always is."""
    matrix: Matrix | None = None
    """Values for which the step is there once each: `{ service: [api, worker] }`, with `include` and `exclude`."""
    max_parallel: int | None = Field(None, ge=1)
    """How many of a matrix run at once; without it, as many as the environment's limits let."""
    timeout: Duration | None = None
    """Longest time for it; without it the environment's limits hold."""
    retries: int | None = Field(None, ge=0, le=20)
    """Further attempts after a passing trouble; without it the environment's limits hold, for your own acts none."""
    undo: Annotated[StepUndo, BeforeValidator(_undo)] = StepUndo(mode="auto")
    """`none` leaves what it did in place when the deployment is rolled back; `{ run: [...] }` is an act of your own."""
    weight: int | None = Field(None, ge=0, le=100)
    """Percent of requests for the new release; a shift needs it."""
    duration: Duration | None = None
    """How long a bake or a verification lasts; without it the environment's own times hold."""
    approvals: int = Field(1, ge=1, le=10)
    """People that an approval waits for."""
    run: tuple[Argument, ...] | None = Field(None, min_length=1)
    """Command: a program and its arguments; no shell reads them. Ends with 0 when it is good."""
    directory: str = ""
    """Command: where it runs, relative to the configuration file; empty for beside that file."""
    variables: Mapping[str, VariableValue] = Field(default_factory=dict)
    """Command: what it finds in its environment besides `PATH`, `HOME` and `QUARTERDECK_…`; secrets by reference."""
    url: str = ""
    """Request: where it goes, also by reference; a path alone goes to the new release of its service."""
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    """Request: how it asks."""
    headers: Mapping[str, VariableValue] = Field(default_factory=dict)
    """Request: its headers; secrets by reference."""
    body: str = ""
    """Request: what it sends."""
    expect_status: Statuses | None = None
    """Request: statuses that are good; without it all from 200 to 299."""
    expect_text: str = ""
    """Request: what must stand in the answer."""
    repeatable: bool | None = None
    """Whether it does no harm to do it again when nobody knows how it ended. Default: only for GET and HEAD."""
    may_fail: bool = False
    """Whether the deployment goes on when it fails."""

    @property
    def step_kind(self) -> StepKind:
        return StepKind(self.kind)

    @property
    def outcome(self) -> str:
        return self.when.outcome if self.when else "succeeded"

    @property
    def act(self) -> OwnAct:
        """The work of a command or a request."""
        names = OwnAct.model_fields.keys() - {"timeout"}
        return OwnAct.model_construct(**{name: getattr(self, name) for name in names}, timeout=self.timeout or ACT_TIME)


ACT_TIME = timedelta(minutes=5)
"""Longest time of an act of one's own that names none."""


class Pipeline(Section):
    """One file."""

    description: str = ""
    """What it is for, in one line."""
    steps: tuple[PipelineStep, ...] = Field(min_length=1)
    """What is done, in any order; `needs` say what waits for what."""
