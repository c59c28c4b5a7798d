"""Markdown to rows: the part of it that reports use. What is not understood stays as it was written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rich.cells import cell_len

from screens.view.rows import BLANK, Row, Span, Tone, fit, fit_row, left, right, row

INLINE = re.compile(
    r"\*\*(?P<strong>.+?)\*\*|`(?P<code>[^`]+)`|(?<![\w*])\*(?P<em>[^*\s][^*]*?)\*(?!\w)|\[(?P<link>[^\]]+)\]\((?P<url>[^)]+)\)"
)
HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
ITEM = re.compile(r"(\s*)([-*+]|\d+[.)])\s+(.*)")
TABLE_RULE = re.compile(r"^\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?$")


def inline(text: str, tone: Tone = "text") -> list[Span]:
    """Bold, code, emphasis and links; a link's address stays visible."""
    spans: list[Span] = []
    at = 0
    for match in INLINE.finditer(text):
        if match.start() > at:
            spans.append(Span(text[at : match.start()], tone))
        if match["strong"] is not None:
            spans.append(Span(match["strong"], "strong"))
        elif match["code"] is not None:
            spans.append(Span(match["code"], "accent"))
        elif match["em"] is not None:
            spans.append(Span(match["em"], "info"))
        else:
            spans += [Span(match["link"], "accent"), Span(f" ({match['url']})", "dim")]
        at = match.end()
    if at < len(text):
        spans.append(Span(text[at:], tone))
    return spans


def markdown_rows(text: str, width: int) -> list[Row]:
    """The whole document for this width. Headings have a key, so that a cursor can go from one to the next."""
    rows: list[Row] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith("```"):
            end = next((i for i in range(at + 1, len(lines)) if lines[i].startswith("```")), len(lines))
            rows += [fit_row(row(Span("  │ ", "rule"), Span(code, "accent")), width) for code in lines[at + 1 : end]]
            at = end + 1
            continue
        if at + 1 < len(lines) and "|" in line and TABLE_RULE.match(lines[at + 1].strip()):
            end = next((i for i in range(at, len(lines)) if "|" not in lines[i]), len(lines))
            rows += _table(lines[at:end], width)
            at = end
            continue
        taken, made = _block(lines, at, width)
        rows += made
        at += taken
    return rows


def _block(lines: Sequence[str], at: int, width: int) -> tuple[int, list[Row]]:
    line = lines[at]
    if not line.strip():
        return 1, [BLANK]
    if heading := HEADING.match(line):
        return 1, _heading(len(heading[1]), heading[2], width)
    if re.fullmatch(r"\s*([-*_]\s*){3,}", line):
        return 1, [row(Span("─" * width, "rule"))]
    if line.startswith(">"):
        return 1, _flow(inline(line.lstrip("> "), "info"), width, Span("▌ ", "accent"), Span("▌ ", "accent"))
    if item := ITEM.match(line):
        bullet = "•" if item[2] in "-*+" else item[2]
        indent = " " * (len(item[1]) + 1)
        first = Span(f"{indent}{bullet} ", "accent")
        return 1, _flow(inline(item[3]), width, first, Span(" " * cell_len(first.text)))
    end = at
    while end < len(lines) and _is_prose(lines[end]):
        end += 1
    end = max(end, at + 1)
    joined = " ".join(part.strip() for part in lines[at:end])
    return end - at, _flow(inline(joined), width, Span(""), Span(""))


def _is_prose(line: str) -> bool:
    starts = ("#", ">", "```", "|")
    return bool(line.strip()) and not line.startswith(starts) and ITEM.match(line) is None


def _heading(level: int, text: str, width: int) -> list[Row]:
    plain = "".join(span.text for span in inline(text))
    if level == 1:
        return [row(Span(fit(plain, width), "strong")), row(Span("━" * min(width, cell_len(plain)), "accent"))]
    return [row(Span("▪ " if level == 2 else "  ", "accent"), Span(fit(plain, width - 2), "strong"))]


def _flow(spans: Sequence[Span], width: int, first: Span, rest: Span) -> list[Row]:
    """Wrap toned text at blanks."""
    rows: list[Row] = []
    current: list[Span] = [first] if first.text else []
    used = cell_len(first.text)
    start = used
    for span in spans:
        for word in re.findall(r"\S+\s*|\s+", span.text):
            size = cell_len(word.rstrip())
            if used + size > width and used > start:
                rows.append(Row(tuple(current)))
                current = [rest] if rest.text else []
                used = start = cell_len(rest.text)
                word = word.lstrip()
            current.append(Span(word, span.tone))
            used += cell_len(word)
    rows.append(Row(tuple(current)))
    return [fit_row(line, width) for line in rows]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def _table(lines: Sequence[str], width: int) -> list[Row]:
    """Columns as wide as they need, the widest ones shortened where the whole does not fit."""
    heads, rules, body = _cells(lines[0]), _cells(lines[1]), [_cells(line) for line in lines[2:]]
    count = len(heads)
    grid = [[inline(cell) for cell in (line + [""] * count)[:count]] for line in [heads, *body]]
    widths = [max(_width(line[column]) for line in grid) for column in range(count)]
    room = width - 2 * (count - 1)
    while sum(widths) > room and max(widths) > 6:
        widths[widths.index(max(widths))] -= 1
    numeric = [rule.endswith(":") and not rule.startswith(":") for rule in (rules + [""] * count)[:count]]
    rows = [
        _table_row(grid[0], widths, numeric, head=True),
        row(Span("─" * min(width, sum(widths) + 2 * (count - 1)), "rule")),
    ]
    rows += [_table_row(line, widths, numeric, head=False) for line in grid[1:]]
    return [fit_row(line, width) for line in rows]


def _width(spans: Sequence[Span]) -> int:
    return sum(cell_len(span.text) for span in spans)


def _table_row(cells: Sequence[Sequence[Span]], widths: Sequence[int], numeric: Sequence[bool], *, head: bool) -> Row:
    spans: list[Span] = []
    for number, (cell, size, is_number) in enumerate(zip(cells, widths, numeric, strict=True)):
        if number:
            spans.append(Span("  "))
        if head:
            text = "".join(span.text for span in cell)
            spans.append(Span(right(text, size) if is_number else left(text, size), "dim"))
            continue
        fitted = fit_row(Row(tuple(cell)), size)
        pad = Span(" " * (size - fitted.width))
        spans += [pad, *fitted.spans] if is_number else [*fitted.spans, pad]
    return row(*spans)
