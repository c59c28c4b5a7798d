"""One step written once, for every combination of some values: `matrix: { service: [api, worker], weight: [10, 50] }`.

`{service}` in any text of the step stands for the value. In `needs`, `{weight.before}` is the value before this one in
its list, and a need that has none is left out: so a ladder is written in two steps. A need on the id as it is written
means all that came of it. Works on the data of the file, before it is checked, so that numbers stay numbers.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from console.config.conditions import PLACEHOLDER
from console.config.faults import Fault, Key, suggest

Value = str | int
Combination = Mapping[str, Value]

MOST = 200
"""Steps that one step may become."""
BUILT_IN = frozenset({"commit", "release", "environment", "deployment"})
"""Words in braces that a command or a request may use by itself."""
PLAIN = ("id", "name", "service", "weight", "duration", "timeout", "retries")
"""Keys in whose texts braces can mean nothing else."""


@dataclass(frozen=True)
class ExpandedStep:
    """`origin` is the number of the step as written."""

    data: dict[str, Any]
    origin: int


@dataclass
class _Template:
    origin: int
    raw: dict[str, Any]
    combinations: tuple[Combination, ...]
    ids: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return str(self.raw.get("id", ""))


def expand(steps: Sequence[Any]) -> tuple[list[ExpandedStep], list[Fault]]:
    """Write out every step; what is no table is left to whoever checks shapes."""
    faults: list[Fault] = []
    templates: list[_Template] = []
    for number, raw in enumerate(steps):
        if isinstance(raw, dict):
            templates.append(_Template(number, raw, _combinations(raw, ("steps", number), faults)))
    for template in templates:
        template.ids = tuple(_id_of(template, chosen) for chosen in template.combinations)
        faults += _strangers(template)
    groups: dict[str, tuple[str, ...]] = {}
    for template in templates:
        groups.setdefault(template.id, template.ids)
    known = {name for template in templates for name in template.ids}
    expanded = []
    for template in templates:
        for place, chosen in enumerate(template.combinations):
            data = {key: _fill(value, chosen) for key, value in template.raw.items() if key not in _OWN}
            if template.raw.get("id") is not None:
                data["id"] = template.ids[place]
            if chosen and data.get("name"):
                data["name"] = _name_of(template, str(data["name"]), chosen)
            if isinstance(template.raw.get("needs"), list):
                data["needs"] = _needs(template, place, known, groups, faults)
            expanded.append(ExpandedStep(data, template.origin))
    return expanded, list(dict.fromkeys(faults))


_OWN = frozenset({"matrix", "max_parallel"})


def _combinations(raw: Mapping[str, Any], key: Key, faults: list[Fault]) -> tuple[Combination, ...]:
    """Every combination in the order of the lists; one empty one for a step without a matrix."""
    at: Key = (*key, "matrix")
    if "matrix" not in raw:
        if "max_parallel" in raw:
            faults.append(Fault((*key, "max_parallel"), "Without a matrix there is nothing to limit.", "Remove it."))
        return ({},)
    matrix = raw["matrix"]
    if not isinstance(matrix, dict):
        faults.append(Fault(at, "A matrix is a table of lists.", "Write matrix: { service: [api, worker] }."))
        return ({},)
    axes = {str(name): values for name, values in matrix.items() if name not in {"include", "exclude"}}
    wrong = [*_faults_of_axes(axes, at)]
    if not axes and not wrong:
        wrong.append(Fault(at, "The matrix has no list.", "Write matrix: { service: [api, worker] }."))
    if wrong:
        faults += wrong
        return ({},)
    found = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    for number, less in enumerate(_rows(matrix, "exclude", axes, at, faults, whole=False)):
        left = [chosen for chosen in found if any(chosen[name] != value for name, value in less.items())]
        if len(left) == len(found):
            faults.append(Fault((*at, "exclude", number), "This excludes nothing.", "Correct or remove it."))
        found = left
    found += [dict(more) for more in _rows(matrix, "include", axes, at, faults, whole=True) if more not in found]
    if not found or len(found) > MOST:
        words = f"makes {len(found)} steps; at most {MOST} can be followed" if found else "leaves no step"
        faults.append(Fault(at, f"The matrix {words}.", "Correct its lists."))
        return ({},)
    parallel = raw.get("max_parallel", 1)
    if not isinstance(parallel, int) or isinstance(parallel, bool) or parallel < 1:
        faults.append(Fault((*key, "max_parallel"), "It is a whole number from 1 on.", "Correct it."))
    return tuple(found)


def _faults_of_axes(axes: Mapping[str, Any], at: Key) -> Iterator[Fault]:
    for name, values in axes.items():
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in BUILT_IN:
            words = "has its own meaning in braces" if name in BUILT_IN else "is no name for a list"
            yield Fault((*at, name), f"{name!r} {words}.", "Use another word of small letters.")
        elif not isinstance(values, list) or not values:
            yield Fault((*at, name), f"{name} is no list of values.", f"Write {name}: [one, two].")
        elif any(not isinstance(value, str | int) or isinstance(value, bool) or value == "" for value in values):
            yield Fault((*at, name), "Values are texts and whole numbers.", "Put others in quotes.")
        elif len(set(map(_slug, values))) < len(values):
            yield Fault((*at, name), f"A value of {name} is there twice.", "Keep one of them.")


def _rows(
    matrix: Mapping[str, Any], word: str, axes: Mapping[str, Any], at: Key, faults: list[Fault], *, whole: bool
) -> list[dict[str, Value]]:
    rows = matrix.get(word, [])
    if not isinstance(rows, list):
        faults.append(Fault((*at, word), f"{word} is a list of tables.", f"Write {word}: [{{ … }}]."))
        return []
    good = []
    for number, row in enumerate(rows):
        key = (*at, word, number)
        if not isinstance(row, dict) or not row:
            faults.append(Fault(key, f"{word} is a list of tables.", f"Write {word}: [{{ … }}]."))
            continue
        unknown = [str(name) for name in row if name not in axes]
        missing = [name for name in axes if name not in row]
        if unknown:
            faults.append(Fault((*key, unknown[0]), f"The matrix has no {unknown[0]}.", suggest(unknown[0], axes)))
        elif whole and missing:
            faults.append(Fault(key, f"{missing[0]} is missing.", "Give every list of the matrix a value."))
        elif any(not isinstance(value, str | int) or isinstance(value, bool) for value in row.values()):
            faults.append(Fault(key, "Values are texts and whole numbers.", "Put others in quotes."))
        else:
            good.append(row)
    return good


def _slug(value: Value) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", str(value).lower()).strip("-") or "x"


def _id_of(template: _Template, chosen: Combination) -> str:
    """The written id with its values; lists that it does not name are put behind it, so that no two are the same."""
    named = {found.group(1) for found in PLACEHOLDER.finditer(template.id)}
    text = PLACEHOLDER.sub(lambda m: _slug(chosen[m[1]]) if m[1] in chosen else m[0], template.id)
    return "-".join([text, *(_slug(value) for name, value in chosen.items() if name not in named)])


def _name_of(template: _Template, filled: str, chosen: Combination) -> str:
    written = str(template.raw["name"])
    left = [str(value) for name, value in chosen.items() if f"{{{name}}}" not in written]
    return f"{filled} ({', '.join(left)})" if left else filled


def _fill(value: Any, chosen: Combination) -> Any:
    """Put values in the place of their names; a text that is nothing but a name takes the value's own kind."""
    if isinstance(value, str):
        whole = PLACEHOLDER.fullmatch(value)
        if whole and whole[1] in chosen and not whole[2]:
            return chosen[whole[1]]
        return PLACEHOLDER.sub(lambda m: str(chosen[m[1]]) if m[1] in chosen and not m[2] else m[0], value)
    if isinstance(value, dict):
        return {key: _fill(inner, chosen) for key, inner in value.items()}
    return [_fill(inner, chosen) for inner in value] if isinstance(value, list) else value


def _strangers(template: _Template) -> Iterator[Fault]:
    """Words in braces that no list of the matrix has."""
    axes = template.combinations[0] if template.combinations else {}
    known: set[str] = set(axes)
    for name in PLAIN:
        text = template.raw.get(name)
        for found in PLACEHOLDER.finditer(text) if isinstance(text, str) else ():
            at: Key = ("steps", template.origin, name)
            if found[1] not in known:
                remedy = suggest(found[1], known) if known else f"Add matrix: {{ {found[1]}: […] }}."
                yield Fault(at, f"Nothing says what {found[0]} stands for.", remedy)
            elif found[2]:
                yield Fault(at, f"{found[0]} stands in needs only.", f"Write {{{found[1]}}}.")


def _needs(
    template: _Template, place: int, known: set[str], groups: Mapping[str, tuple[str, ...]], faults: list[Fault]
) -> list[Any]:
    """Ids that exist; ones that do not are told here, where their place in the file is known."""
    chosen = template.combinations[place]
    found: dict[str, None] = {}
    for number, need in enumerate(template.raw["needs"]):
        text = _resolve(need, template, chosen) if isinstance(need, str) else need
        if not isinstance(text, str):
            if text is not None:
                key: Key = ("steps", template.origin, "needs", number)
                faults.append(Fault(key, f"{need!r} is no id of a step.", "Write ids as texts."))
        elif text in known:
            found[text] = None
        elif text in groups or need in groups:
            found.update(dict.fromkeys(groups.get(text) or groups[need]))
        else:
            key = ("steps", template.origin, "needs", number)
            others = ({*known, *groups} - {template.ids[place], ""}) or known
            faults.append(Fault(key, f"There is no step {text}.", suggest(text, others)))
    parallel = template.raw.get("max_parallel")
    if isinstance(parallel, int) and 0 < parallel <= place:
        found[template.ids[place - parallel]] = None
    return list(found)


def _resolve(need: str, template: _Template, chosen: Combination) -> str | None:
    """A need of one combination; None where it asks for a value before the first."""
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        name = match[1]
        if name not in chosen:
            return match[0]
        value: Value | None = chosen[name]
        if match[2]:
            value = _before(template.combinations, chosen, name)
            missing = missing or value is None
        return "" if value is None else _slug(value)

    text = PLACEHOLDER.sub(value_of, need)
    return None if missing else text


def _before(combinations: Sequence[Combination], chosen: Combination, name: str) -> Value | None:
    """The value before this one among combinations that differ from it in nothing else."""
    alike: Callable[[Combination], bool] = lambda other: all(  # noqa: E731 - one condition, used once
        other[key] == value for key, value in chosen.items() if key != name
    )
    values = [other[name] for other in combinations if alike(other)]
    place = values.index(chosen[name])
    return values[place - 1] if place else None
