"""Read pipeline files: YAML, every fault with its line, and nothing that would leave traffic without a release.

```yaml
description: Straight to half, then all
steps:
  - { id: build, kind: deploy, service: backend, timeout: 20m }
  - { id: alive, kind: health, service: backend, needs: [build], retries: 5 }
  - { id: half, kind: shift, service: backend, weight: 50, needs: [alive] }
  - { id: hold, kind: bake, service: backend, duration: 10m, needs: [half] }
  - { id: all, kind: shift, service: backend, weight: 100, needs: [hold] }
```

The commit's checks, the environment's approvals and the announcements frame every pipeline; none can leave them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from console.config.faults import Fault, Key, dotted, explain, suggest
from console.config.graphs import ancestors, find_cycle
from console.config.lines import line_of
from console.config.pipeline_shape import Pipeline, PipelineStep
from console.domain.errors import ConfigProblem
from console.domain.plan import StepKind

SUFFIXES = (".yaml", ".yml")
NEEDS_SERVICE = frozenset(StepKind) - {StepKind.APPROVAL}
GIVES_TRAFFIC = frozenset({StepKind.SHIFT, StepKind.PROMOTE})


def load_pipelines(directory: Path, services: Mapping[str, Any]) -> tuple[dict[str, Pipeline], list[ConfigProblem]]:
    """Read every pipeline in a directory, by file name without suffix, and list what is wrong with them."""
    found: dict[str, Pipeline] = {}
    problems: list[ConfigProblem] = []
    try:
        files = sorted(path for path in directory.iterdir() if path.suffix in SUFFIXES)
    except OSError as problem:
        what = f"The directory of pipelines cannot be read: {problem.strerror}."
        return {}, [ConfigProblem(str(directory), 0, "pipelines.directory", what, "Correct pipelines.directory.")]
    for path in files:
        pipeline, faults = _load(path, services)
        problems += faults
        if pipeline is not None and not faults:
            found[path.stem] = pipeline
    return found, problems


def _load(path: Path, services: Mapping[str, Any]) -> tuple[Pipeline | None, list[ConfigProblem]]:
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError) as problem:
        return None, [ConfigProblem(str(path), 0, "", f"It cannot be read: {problem}.", "Check the file.")]
    except yaml.YAMLError as problem:
        return None, [_syntax_problem(path, problem)]
    lines = _find_lines(root)
    if not isinstance(data, dict):
        return None, [ConfigProblem(str(path), 1, "", "A pipeline is a table with steps.", "Begin with steps:")]
    try:
        pipeline = Pipeline.model_validate(data)
    except ValidationError as problem:
        return None, _problems(path, lines, explain(problem, Pipeline))
    return pipeline, _problems(path, lines, [*find_pipeline_faults(pipeline, services)])


def find_pipeline_faults(pipeline: Pipeline, services: Mapping[str, Any]) -> Iterator[Fault]:
    """What one step says about another: names, circles, and orders that would serve nobody."""
    by_id: dict[str, PipelineStep] = {}
    for number, step in enumerate(pipeline.steps):
        key: Key = ("steps", number)
        if step.id in by_id:
            yield Fault((*key, "id"), f"There are two steps {step.id}.", "Give each an id of its own.")
        by_id[step.id] = step
        yield from _check_step(step, key, services)
    known = {step.id for step in pipeline.steps}
    for number, step in enumerate(pipeline.steps):
        for place, need in enumerate(step.needs):
            if need not in known:
                key = ("steps", number, "needs", place)
                yield Fault(key, f"There is no step {need}.", suggest(need, known - {step.id}))
    graph = {step.id: tuple(need for need in step.needs if need in known) for step in pipeline.steps}
    cycle = find_cycle(graph)
    if cycle:
        number = [step.id for step in pipeline.steps].index(cycle[0])
        what = f"Steps need each other in a circle: {' → '.join(cycle)}."
        yield Fault(("steps", number, "needs"), what, "Remove one of these needs.")
    else:
        yield from _check_order(pipeline, by_id, graph)


def _check_step(step: PipelineStep, key: Key, services: Mapping[str, Any]) -> Iterator[Fault]:
    kind = step.step_kind
    if kind in NEEDS_SERVICE and not step.service:
        yield Fault(key, f"{step.id} names no service.", "Add service: …")
    if step.service and step.service not in services:
        yield Fault((*key, "service"), f"There is no service {step.service}.", suggest(step.service, services))
    if (step.weight is not None) != (kind is StepKind.SHIFT):
        what = "A shift needs a weight." if kind is StepKind.SHIFT else f"A {step.kind} has no weight."
        yield Fault((*key, "weight"), what, "Add weight: …" if kind is StepKind.SHIFT else "Remove it.")
    if step.duration is not None and kind not in {StepKind.BAKE, StepKind.VERIFY}:
        yield Fault((*key, "duration"), f"A {step.kind} has no duration.", "Use timeout, or remove it.")


def _check_order(
    pipeline: Pipeline, by_id: Mapping[str, PipelineStep], graph: Mapping[str, tuple[str, ...]]
) -> Iterator[Fault]:
    for number, step in enumerate(pipeline.steps):
        before = [by_id[name] for name in ancestors(graph, step.id) if by_id[name].service == step.service]
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


def _find_lines(node: yaml.Node | None, path: Key = ()) -> dict[Key, int]:
    """Lines of every key and list item, from the marks of the parser."""
    lines: dict[Key, int] = {}
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            key = (*path, str(name.value))
            lines[key] = name.start_mark.line + 1
            lines |= _find_lines(value, key)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            key = (*path, number)
            lines[key] = item.start_mark.line + 1
            lines |= _find_lines(item, key)
    return lines


def _problems(path: Path, lines: Mapping[Key, int], faults: list[Fault]) -> list[ConfigProblem]:
    return [ConfigProblem(str(path), line_of(lines, f.key), dotted(f.key), f.what, f.remedy) for f in faults]


def _syntax_problem(path: Path, problem: yaml.YAMLError) -> ConfigProblem:
    mark = getattr(problem, "problem_mark", None)
    words = getattr(problem, "problem", None) or "it cannot be read"
    line = mark.line + 1 if mark is not None else 0
    return ConfigProblem(str(path), line, "", f"This is no YAML: {words}.", "Correct this line.")
