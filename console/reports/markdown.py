"""A report as Markdown: the same sections in the same order, readable as plain text too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from console.reports.model import PlatformResult, Report, RollbackPart, Row, StepLine
from console.reports.words import moment, weights_text

_SPECIAL = str.maketrans({"|": "\\|", "<": "&lt;", ">": "&gt;", "*": "\\*", "_": "\\_", "#": "\\#", "[": "\\["})


def render_markdown(report: Report) -> str:
    """Write the whole report; ends with a newline."""
    sections = [
        _heading(report),
        _section("Identity", _rows(report.identity)),
        _section("Summary", _summary(report)),
        _section("Platforms", "\n\n".join(_platform(platform) for platform in report.platforms)),
        _section("Gates", _gates(report)),
        _section("Performance", _performance(report)),
        _section("Rollback", _rollback(report.rollback)),
        _section("Issues", _bullets(f"{issue.what} ({issue.where})" for issue in report.issues) or "None."),
        _section("Next steps", "\n".join(f"{n}. {_prose(step)}" for n, step in enumerate(report.next_steps, 1))),
        _section("Artifacts", _rows(report.artifacts, code=True)),
        f"---\n\nWritten by Quarterdeck at {moment(report.written_at)}.",
    ]
    return "\n\n".join(sections) + "\n"


def _heading(report: Report) -> str:
    return f"# {_plain(report.headline)}\n\n**{report.status}** · deployment `{report.deployment.id}`"


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body or 'Nothing.'}"


def _summary(report: Report) -> str:
    figures = _table(("Figure", "Value", ""), [(f.label, f.value, f.hint) for f in report.figures])
    return f"{figures}\n\n{_bullets(report.summary)}"


def _platform(platform: PlatformResult) -> str:
    services = f" ({', '.join(platform.services)})" if platform.services else ""
    return f"### {_plain(platform.provider)}{_plain(services)}: {platform.result}\n\n{_steps(platform.steps)}"


def _steps(steps: Sequence[StepLine]) -> str:
    return _table(
        ("Step", "Status", "Began", "Took", "Tries", "Detail"),
        [(s.name, f"{s.mark} {s.status}", s.started, s.took, str(s.attempts or ""), s.detail) for s in steps],
    )


def _gates(report: Report) -> str:
    if not report.gates:
        return "No verdict was given."
    return _table(
        ("Time", "Gate", "Service", "Verdict", "Explanation"),
        [(g.at, g.step, g.service, f"{g.mark} {g.verdict}", g.explanation) for g in report.gates],
    )


def _performance(report: Report) -> str:
    if not report.stages:
        return "No stage was judged."
    stages = _table(
        ("Service", "Stage", "Requests", "Errors", "Mean latency", "95th percentile", "Score", "Verdict"),
        [
            (
                stage.service,
                stage.stage,
                f"{stage.requests} (current {stage.requests_beside})",
                f"{stage.error_rate} (current {stage.error_rate_beside})",
                f"{stage.latency} (current {stage.latency_beside})",
                f"{stage.slow_end} (current {stage.slow_end_beside})",
                stage.score,
                stage.verdict,
            )
            for stage in report.stages
        ],
    )
    effects = [f"{stage.service}, {stage.stage}: {effect}" for stage in report.stages for effect in stage.effects]
    if effects:
        stages = f"{stages}\n\n{_bullets(effects)}"
    moved = [(f"{r.at:%H:%M:%S}", r.service, weights_text(r.weights)) for r in report.deployment.traffic]
    return f"{stages}\n\n{_table(('Time', 'Service', 'Traffic'), moved)}" if moved else stages


def _rollback(part: RollbackPart | None) -> str:
    if part is None:
        return "None was asked for."
    cannot = f"\n\nNot taken back:\n\n{_bullets(part.cannot)}" if part.cannot else ""
    return f"{_rows(part.rows)}\n\n{_steps(part.steps)}{cannot}"


def _rows(rows: Sequence[Row], *, code: bool = False) -> str:
    pairs = [(_cell(row.label), _code(row.value) if code else _cell(row.value)) for row in rows]
    return _lines([("", ""), ("---", "---"), *pairs])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [list(head), ["---"] * len(head), *([_cell(cell) for cell in row] for row in rows)]
    return _lines(lines)


def _lines(lines: Iterable[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {_prose(item)}" for item in items)


def _cell(text: str) -> str:
    return _plain(text).replace("\n", " ")


def _code(text: str) -> str:
    shown = text.replace("`", "'").replace("\n", " ").replace("|", "\\|")
    return f"`{shown}`"


def _prose(text: str) -> str:
    """Escape everything but what stands between backticks, which must come in pairs."""
    parts = text.replace("\n", " ").split("`")
    if len(parts) % 2 == 0:
        return _plain("'".join(parts))
    return "".join(f"`{part}`" if n % 2 else _plain(part) for n, part in enumerate(parts))


def _plain(text: str) -> str:
    """Take their meaning from the characters that Markdown would act on."""
    return text.translate(_SPECIAL)
