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
        _section("Next steps", "\n".join(f"{n}. {step}" for n, step in enumerate(report.next_steps, 1))),
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
        ("Service", "Stage", "Requests", "Errors", "Mean latency", "Verdict"),
        [
            (
                stage.service,
                stage.stage,
                f"{stage.requests} (current {stage.requests_beside})",
                f"{stage.error_rate} (current {stage.error_rate_beside})",
                f"{stage.latency} (current {stage.latency_beside})",
                stage.verdict,
            )
            for stage in report.stages
        ],
    )
    moved = [(f"{r.at:%H:%M:%S}", r.service, weights_text(r.weights)) for r in report.deployment.traffic]
    return f"{stages}\n\n{_table(('Time', 'Service', 'Traffic'), moved)}" if moved else stages


def _rollback(part: RollbackPart | None) -> str:
    if part is None:
        return "None was asked for."
    cannot = f"\n\nNot taken back:\n\n{_bullets(part.cannot)}" if part.cannot else ""
    return f"{_rows(part.rows)}\n\n{_steps(part.steps)}{cannot}"


def _rows(rows: Sequence[Row], *, code: bool = False) -> str:
    return _table(("", ""), [(row.label, f"`{row.value}`" if code else row.value) for row in rows], escape=not code)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, escape: bool = True) -> str:
    shown = [[_cell(cell) if escape else cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [list(head), ["---"] * len(head), *shown]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _bullets(items: Iterable[str]) -> str:
    return "\n".join(f"- {_plain(item)}" for item in items)


def _cell(text: str) -> str:
    return _plain(text).replace("\n", " ")


def _plain(text: str) -> str:
    """Take their meaning from the characters that Markdown would act on."""
    return text.translate(_SPECIAL)
