"""Read YAML for people: the data, the line of every key, and what YAML itself lets pass without a word.

Keys written twice, texts that refer to themselves and aliases that grow without end are faults here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from console.config.faults import Fault, Key
from console.domain.errors import ConfigProblem

MOST_NODES = 20_000


@dataclass(frozen=True)
class YamlText:
    """`lines` counts from 1, by path; `faults` are about the writing, not about what it means."""

    data: Any
    lines: dict[Key, int] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()


def read_yaml(path: Path) -> YamlText | ConfigProblem:
    """Read one file; a file that is no YAML at all is its one problem."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        return ConfigProblem(str(path), 0, "", f"It cannot be read: {problem}.", "Check the file.")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        walk = _Walk()
        walk.enter(root, (), ())
        if walk.endless:
            what = "Aliases (*name) refer to themselves or grow without end."
            return ConfigProblem(str(path), walk.endless, "", what, "Write out what is meant.")
        return YamlText(yaml.safe_load(text), walk.lines, tuple(walk.faults))
    except yaml.YAMLError as problem:
        return _syntax_problem(path, problem)
    except (ValueError, TypeError, RecursionError) as problem:  # 2026-02-31 looks like a date to YAML
        return ConfigProblem(str(path), 0, "", f"A value cannot be read: {problem}.", "Put it in quotes.")


class _Walk:
    def __init__(self) -> None:
        self.lines: dict[Key, int] = {}
        self.faults: list[Fault] = []
        self.endless = 0
        self._count = 0

    def enter(self, node: yaml.Node | None, path: Key, above: tuple[int, ...]) -> None:
        if node is None or self.endless:
            return
        self._count += 1
        if id(node) in above or self._count > MOST_NODES:
            self.endless = node.start_mark.line + 1
            return
        inside = (*above, id(node))
        for key, mark, value in self._parts(node, path):
            self.lines.setdefault(key, mark)
            self.enter(value, key, inside)

    def _parts(self, node: yaml.Node, path: Key) -> Iterator[tuple[Key, int, yaml.Node]]:
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                yield (*path, number), item.start_mark.line + 1, item
        if isinstance(node, yaml.MappingNode):
            seen: dict[str, int] = {}
            for name, value in node.value:
                word, line = str(name.value), name.start_mark.line + 1
                if word in seen and word != "<<":
                    what = f"{word} is written twice, first in line {seen[word]}."
                    self.lines[(*path, word)] = line
                    self.faults.append(Fault((*path, word), what, "Keep one of them."))
                seen.setdefault(word, line)
                yield (*path, word), line, value


def _syntax_problem(path: Path, problem: yaml.YAMLError) -> ConfigProblem:
    mark = getattr(problem, "problem_mark", None)
    words = getattr(problem, "problem", None) or "it cannot be read"
    begun = getattr(problem, "context", None)
    start = getattr(problem, "context_mark", None)
    if begun and start is not None and mark is not None and start.line != mark.line:
        words = f"{words} ({begun} in line {start.line + 1})"
    if mark is None:
        return ConfigProblem(str(path), 0, "", f"This is no YAML: {words}.", "Correct the file.")
    remedy = "YAML takes no tabs; indent with spaces." if "'\\t'" in words else "Correct this line."
    return ConfigProblem(str(path), mark.line + 1, "", f"This is no YAML at column {mark.column + 1}: {words}.", remedy)
