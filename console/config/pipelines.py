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
A file is checked whole: steps with faults of shape are taken out or mended, and the others are checked all the same.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from console.config.faults import Fault, Key, dotted, explain
from console.config.lines import line_of
from console.config.matrix import ExpandedStep, expand
from console.config.mending import follows, mend
from console.config.pipeline_checks import find_pipeline_faults
from console.config.pipeline_shape import Pipeline, PipelineStep
from console.config.yaml_text import read_yaml
from console.domain.errors import ConfigProblem

SUFFIXES = (".yaml", ".yml")
PASSES = 4


def load_pipelines(
    directory: Path, services: Mapping[str, Any], environments: Mapping[str, Any]
) -> tuple[dict[str, Pipeline], list[ConfigProblem]]:
    """Read every pipeline in a directory, by file name without suffix, and list what is wrong with them."""
    found: dict[str, Pipeline] = {}
    problems: list[ConfigProblem] = []
    try:
        files = sorted(path for path in directory.iterdir() if path.suffix in SUFFIXES)
    except OSError as problem:
        what = f"The directory of pipelines cannot be read: {problem.strerror}."
        return {}, [ConfigProblem(str(directory), 0, "pipelines.directory", what, "Correct pipelines.directory.")]
    seen: dict[str, Path] = {}
    for path in files:
        if path.stem in seen:
            what = f"{seen[path.stem].name} is the pipeline {path.stem} already."
            problems.append(ConfigProblem(str(path), 0, "", what, "Rename one of them."))
        seen[path.stem] = path
        pipeline, faults = _load(path, services, environments)
        problems += faults
        if pipeline is not None and not faults:
            found[path.stem] = pipeline
    return found, problems


def _load(
    path: Path, services: Mapping[str, Any], environments: Mapping[str, Any]
) -> tuple[Pipeline | None, list[ConfigProblem]]:
    text = read_yaml(path)
    if isinstance(text, ConfigProblem):
        return None, [text]
    if not isinstance(text.data, dict):
        return None, [ConfigProblem(str(path), 1, "", "A pipeline is a table with steps.", "Begin with steps:")]
    pipeline, faults = parse_pipeline(text.data, services, environments)
    return pipeline, _problems(path, text.lines, [*text.faults, *faults])


def parse_pipeline(
    data: Mapping[str, Any], services: Mapping[str, Any], environments: Mapping[str, Any]
) -> tuple[Pipeline | None, list[Fault]]:
    """Check the data of one file, with every step of a matrix written out. Keys of faults are those of the file."""
    written = data.get("steps")
    items = written if isinstance(written, list) else []
    expanded, of_matrix = expand(items)
    steps: list[PipelineStep] = []
    origins: list[int] = []
    shape: list[Fault] = _faults_of_header(data, items)
    dropped = 0
    for one in expanded:
        step, faults = _validate(one)
        shape += faults
        if step is None:
            dropped += 1
        else:
            steps.append(step)
            origins.append(one.origin)
    told = {fault.key for fault in of_matrix}
    faults = [*of_matrix, *(fault for fault in dict.fromkeys(shape) if fault.key not in told)]
    if not steps:
        return None, faults
    pipeline = Pipeline.model_construct(description=str(data.get("description", "")), steps=tuple(steps))
    whole = not dropped and not faults
    wrong = {fault.key for fault in faults}
    for fault in find_pipeline_faults(pipeline, services, environments, whole=whole):
        at = replace(fault, key=("steps", origins[_number(fault)], *fault.key[2:]))
        if not follows(at, wrong) and at not in faults:
            faults.append(at)
    return pipeline, faults


def _number(fault: Fault) -> int:
    number = fault.key[1]
    assert isinstance(number, int)
    return number


def _faults_of_header(data: Mapping[str, Any], items: list[Any]) -> list[Fault]:
    """Everything but the steps, which are checked one by one."""
    sample = {"id": "sample", "kind": "approval"}
    steps = [sample if isinstance(item, dict) else item for item in items] if items else data.get("steps")
    try:
        Pipeline.model_validate({**data, **({"steps": steps} if "steps" in data else {})})
    except ValidationError as problem:
        return [_in_yaml(fault) for fault in explain(problem, Pipeline)]
    return []


def _validate(one: ExpandedStep) -> tuple[PipelineStep | None, list[Fault]]:
    """The step, mended where its shape has faults; None where nothing can be made of it."""
    prefix: Key = ("steps", one.origin)
    data, faults = copy.deepcopy(one.data), list[Fault]()
    for _ in range(PASSES):
        try:
            return PipelineStep.model_validate(data), faults
        except ValidationError as problem:
            told = {fault.key for fault in faults}
            found = [_in_yaml(fault) for fault in explain(problem, PipelineStep, prefix)]
            faults += [fault for fault in found if not follows(fault, told)]
            for error in reversed(problem.errors(include_url=False, include_context=False)):
                mend(data, error["loc"], missing=error["type"] == "missing")
    return None, faults


def _in_yaml(fault: Fault) -> Fault:
    return replace(fault, remedy=fault.remedy.replace(" = …", ": …"))


def _problems(path: Path, lines: Mapping[Key, int], faults: list[Fault]) -> list[ConfigProblem]:
    found = [ConfigProblem(str(path), line_of(lines, f.key), dotted(f.key), f.what, f.remedy) for f in faults]
    return sorted(dict.fromkeys(found), key=lambda problem: problem.line)
