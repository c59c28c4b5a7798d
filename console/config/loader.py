"""Read the configuration file: every fault in it at once, each with its line, and nothing half loaded."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from console.config.adapters import find_option_faults
from console.config.checks import find_faults
from console.config.faults import Fault, dotted, explain
from console.config.lines import find_lines, line_of
from console.config.mending import follows, mend
from console.config.pipeline_shape import Pipeline
from console.config.pipelines import load_pipelines
from console.config.settings import Settings
from console.domain.errors import ConfigError, ConfigProblem

PASSES = 4
_PLACE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)")


def load(path: Path) -> Settings:
    """Load and check the file.

    Raises:
        ConfigError: With every problem: the file cannot be read, is no TOML, or says something that cannot be.
    """
    text = _read(path)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError([_syntax_problem(path, text, problem)]) from problem
    faults, settings = _validate(data)
    custom: dict[str, Pipeline] = {}
    elsewhere: list[ConfigProblem] = []
    if settings is not None:
        names: Iterable[str] = ()
        if settings.pipelines.directory:
            directory = path.parent / Path(settings.pipelines.directory).expanduser()
            custom, elsewhere = load_pipelines(directory, settings.services, settings.environments)
            # A pipeline whose file is wrong is reported there; that an environment names it is right.
            names = {*custom, *(Path(problem.file).stem for problem in elsewhere)}
        wrong = {fault.key for fault in faults}
        further = [*find_option_faults(settings), *find_faults(settings, names)]
        faults += [fault for fault in further if not follows(fault, wrong)]
    if faults or elsewhere or settings is None:
        raise ConfigError([*_problems(path, text, faults), *elsewhere])
    return settings.located_at(path, custom)


def _validate(data: dict[str, Any]) -> tuple[list[Fault], Settings | None]:
    """Collect the faults of shape, and the settings without them, so that names can be checked all the same."""
    faults: list[Fault] = []
    for _ in range(PASSES):
        try:
            return faults, Settings.model_validate(data)
        except ValidationError as problem:
            faults += explain(problem, Settings)
            for error in reversed(problem.errors(include_url=False, include_context=False)):
                mend(data, error["loc"], missing=error["type"] == "missing")
    return faults, None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as problem:
        remedy = "Write one (config.example.toml shows every setting), or name another with --config."
        raise ConfigError([ConfigProblem(str(path), 0, "", "There is no such file.", remedy)]) from problem
    except UnicodeDecodeError as problem:
        what = f"It is no UTF-8 text (byte {problem.start})."
        raise ConfigError([ConfigProblem(str(path), 0, "", what, "Save it as UTF-8.")]) from problem
    except OSError as problem:
        what = f"It cannot be read: {problem.strerror}."
        raise ConfigError([ConfigProblem(str(path), 0, "", what, "Check its permissions.")]) from problem


def _syntax_problem(path: Path, text: str, problem: tomllib.TOMLDecodeError) -> ConfigProblem:
    message = str(problem)
    place = _PLACE.search(message)
    line = int(place.group(1)) if place and place.group(1) else text.count("\n") + 1
    what = f"This is no TOML: {_PLACE.sub('', message)}."
    return ConfigProblem(str(path), line, "", what, "Correct this line; nothing after it was read.")


def _problems(path: Path, text: str, faults: list[Fault]) -> list[ConfigProblem]:
    lines = find_lines(text)
    problems = [ConfigProblem(str(path), line_of(lines, f.key), dotted(f.key), f.what, f.remedy) for f in faults]
    return sorted(dict.fromkeys(problems), key=lambda problem: problem.line)
