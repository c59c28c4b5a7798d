"""A report as one HTML file that needs nothing else: styles and charts are in it, and it follows the reader's theme."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from console.reports.charts import draw_chart, draw_timeline
from console.reports.model import Report
from console.reports.words import moment

FOLDER = Path(__file__).parent / "templates"


def render_html(report: Report) -> str:
    """Write the whole page. Every text is escaped; only the charts, drawn here, are markup."""
    charts = [Markup(draw_chart(chart, report.start, report.end, report.marks)) for chart in report.charts]  # noqa: S704
    timeline = draw_timeline(report.timeline, report.start, report.end, report.marks) if report.timeline else ""
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            report=report,
            deployment=report.deployment,
            charts=list(zip(report.charts, charts, strict=True)),
            timeline=Markup(timeline),  # noqa: S704
            style=Markup((FOLDER / "report.css").read_text(encoding="utf-8")),  # noqa: S704
            written=moment(report.written_at),
        )
    )


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
