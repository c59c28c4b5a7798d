"""What one step of a pipeline says about another, and settings that do not belong to its kind."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from console.config.conditions import Condition
from console.config.faults import SECRET_NAME, Fault, Key, suggest
from console.config.graphs import ancestors, find_cycle
from console.config.pipeline_shape import (
    FIELDS,
    OWN_KINDS,
    TAKEN_BACK_BY_OWN,
    WITHOUT_SERVICE,
    OwnAct,
    Pipeline,
    PipelineStep,
)
from console.config.shape import LITERAL, is_reference
from console.domain.plan import StepKind

GIVES_TRAFFIC = frozenset({StepKind.SHIFT, StepKind.PROMOTE})
_HTTP = re.compile(r"https?://[^/\s]+\S*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def find_pipeline_faults(
    pipeline: Pipeline, services: Mapping[str, Any], environments: Mapping[str, Any], *, whole: bool = True
) -> Iterator[Fault]:
    """Names, circles, and orders that would serve nobody.

    Args:
        whole: Whether every step of the file is here; orders are judged only then.
    """
    by_id: dict[str, PipelineStep] = {}
    for number, step in enumerate(pipeline.steps):
        key: Key = ("steps", number)
        if step.id in by_id:
            yield Fault((*key, "id"), f"There are two steps {step.id}.", "Give each an id of its own.")
        by_id[step.id] = step
        yield from _check_step(step, key, services, environments)
    known = {step.id for step in pipeline.steps}
    for number, step in enumerate(pipeline.steps):
        for need in step.needs:
            other = by_id.get(need)
            if other is not None and other.outcome == "failed" and other.step_kind in OWN_KINDS:
                what = f"{need} is done only if the deployment is taken back; nothing can wait for it."
                yield Fault(("steps", number, "needs"), what, f"Remove {need} from its needs.")
    graph = {step.id: tuple(need for need in step.needs if need in known) for step in pipeline.steps}
    cycle = find_cycle(graph)
    if cycle:
        number = [step.id for step in pipeline.steps].index(cycle[0])
        what = f"Steps need each other in a circle: {' → '.join(cycle)}."
        yield Fault(("steps", number, "needs"), what, "Remove one of these needs.")
    elif whole:
        yield from find_order_faults(pipeline.steps, graph)


def find_order_faults(steps: Sequence[PipelineStep], graph: Mapping[str, tuple[str, ...]]) -> Iterator[Fault]:
    """Orders that would serve nobody, among steps of a graph that may hold more than these."""
    by_id = {step.id: step for step in steps}
    for number, step in enumerate(steps):
        earlier = [by_id[name] for name in ancestors(graph, step.id) if name in by_id]
        before = [other for other in earlier if other.service == step.service]
        kinds = {other.step_kind for other in before}
        key: Key = ("steps", number)
        if step.step_kind in GIVES_TRAFFIC and step.weight != 0 and StepKind.DEPLOY not in kinds:
            what = f"{step.id} gives traffic to what was not deployed."
            yield Fault(key, what, f"Let it need the deploy step of {step.service}.")
        if step.step_kind is StepKind.BAKE and StepKind.SHIFT not in kinds:
            yield Fault(key, f"{step.id} has nothing to judge.", f"Let it need a shift of {step.service}.")
        if step.step_kind is StepKind.SUSPEND and not any(other.weight == 100 for other in before):
            what = f"{step.id} would suspend an arm that still gets requests."
            yield Fault(key, what, f"Let it need the shift of {step.service} to 100.")


def _check_step(
    step: PipelineStep, key: Key, services: Mapping[str, Any], environments: Mapping[str, Any]
) -> Iterator[Fault]:
    kind = step.step_kind
    if kind not in WITHOUT_SERVICE and not step.service:
        yield Fault(key, f"{step.id} names no service.", "Add service: …")
    if step.service and step.service not in services:
        yield Fault((*key, "service"), f"There is no service {step.service}.", suggest(step.service, services))
    for name, (kinds, required) in FIELDS.items():
        written = name in step.model_fields_set and getattr(step, name) is not None
        if kind not in kinds and written:
            remedy = "Use timeout, or remove it." if name == "duration" else "Remove it."
            yield Fault((*key, name), f"{_a(step.kind)} has no {name}.", remedy)
        elif kind in kinds and required and not (written and getattr(step, name) != ""):
            yield Fault((*key, name), f"{_a(step.kind)} needs a {name}.", f"Add {name}: …")
    if step.when is not None:
        yield from _check_condition(step.when, (*key, "when"), services, environments)
    if step.outcome != "succeeded" and kind not in OWN_KINDS:
        what = f"{_a(step.kind)} cannot wait for things to fail: what is taken back is known from what was done."
        yield Fault((*key, "when", "outcome"), what, "Use a command or a request, or remove it.")
    if step.outcome != "succeeded" and step.undo.mode != "auto":
        what = "What is done when a deployment is taken back is not taken back itself."
        yield Fault((*key, "undo"), what, "Remove it.")
    if kind in OWN_KINDS:
        yield from _check_act(step.act, key, local=bool(step.service))
    if step.undo.mode == "own":
        yield from _check_undo(step, step.undo, (*key, "undo"))


def _check_undo(step: PipelineStep, undo: OwnAct, key: Key) -> Iterator[Fault]:
    if step.step_kind not in TAKEN_BACK_BY_OWN:
        what = f"How a {step.kind} is taken back is known; an act of yours in its place could lose requests."
        yield Fault(key, what, "Write undo: auto or none, and add a command of your own.")
    elif (undo.run is None) == (not undo.url):
        yield Fault(key, "An undo runs a program or sends a request, one of both.", "Write run: [...] or url: …")
    else:
        yield from _check_act(undo, key, local=bool(step.service))
        kind = StepKind.COMMAND if undo.run else StepKind.REQUEST
        for name in sorted(name for name in undo.model_fields_set if name in FIELDS and kind not in FIELDS[name][0]):
            yield Fault((*key, name), f"{_a(kind)} has no {name}.", "Remove it.")


def _check_act(act: OwnAct, key: Key, *, local: bool) -> Iterator[Fault]:
    """`local` says that a path alone is enough, since the service's new release has an address."""
    if (
        act.url
        and not is_reference(act.url)
        and not _HTTP.fullmatch(act.url)
        and not (local and act.url.startswith("/"))
    ):
        remedy = "Write https://…" if not local else "Write https://…, or a path from / for the new release."
        yield Fault((*key, "url"), f"{act.url!r} is no address.", remedy)
    if act.run and not act.run[0].strip():
        yield Fault((*key, "run", 0), "No program is named.", "Write run: [program, argument].")
    yield from _check_texts(act.variables, (*key, "variables"), _VARIABLE, "variable")
    yield from _check_texts(act.headers, (*key, "headers"), _HEADER, "header")


def _check_texts(texts: Mapping[str, str], key: Key, names: re.Pattern[str], word: str) -> Iterator[Fault]:
    for name, value in texts.items():
        if not names.fullmatch(name) or name.startswith("QUARTERDECK_"):
            yield Fault((*key, name), f"{name!r} is no name of a {word} of yours.", "Choose another.")
        plain = name.lower().replace("-", "_")
        secret = SECRET_NAME.search(plain) or plain in {"authorization", "cookie", "apikey"}
        if secret and not is_reference(value) and not value.startswith(LITERAL):
            what = "A secret is written here in the open; only a reference is accepted."
            remedy = f"Write env:NAME, file:PATH, keyring:SERVICE/NAME or command:COMMAND; {LITERAL}… if it is none."
            yield Fault((*key, name), what, remedy)


def _check_condition(
    condition: Condition, key: Key, services: Mapping[str, Any], environments: Mapping[str, Any]
) -> Iterator[Fault]:
    yield from _check_names(condition.environment, (*key, "environment"), "environment", environments)
    yield from _check_names(condition.service, (*key, "service"), "service", services)
    if condition.not_ is not None:
        yield from _check_condition(condition.not_, (*key, "not"), services, environments)
    for number, one in enumerate(condition.any or ()):
        yield from _check_condition(one, (*key, "any", number), services, environments)


def _check_names(names: Iterable[str] | None, key: Key, word: str, known: Mapping[str, Any]) -> Iterator[Fault]:
    for number, name in enumerate(names or ()):
        if name not in known:
            yield Fault((*key, number), f"There is no {word} {name}.", suggest(name, known))


def _a(kind: str) -> str:
    return f"{'An' if kind[0] in 'aeiou' else 'A'} {kind}"
