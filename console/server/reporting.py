"""A deployment's report with the figures that were kept while it ran."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from console.domain.deployment import Deployment
from console.domain.errors import UsageError
from console.storage.ledger import Ledger

FORMS = ("md", "html", "json")
BEFORE = timedelta(minutes=5)
"""How much of the time before a deployment its curves show."""


async def write_report(ledger: Ledger, deployment: Deployment, form: str, now: datetime) -> str:
    """Write the report as `md`, `html` or `json`.

    Raises:
        UsageError: There is no such form.
    """
    if form not in FORMS:
        raise UsageError(f"There is no report as {form!r}.", "form", f"Choose one of {', '.join(FORMS)}.")
    end = deployment.ended_at or now
    measurements = await ledger.measurements(deployment.environment, deployment.requested_at - BEFORE, end)

    def write() -> str:
        # Templates and charts are loaded by the first report, not by the worker's start.
        from console.reports.build import build_report
        from console.reports.html import render_html
        from console.reports.json_form import render_json
        from console.reports.markdown import render_markdown

        report = build_report(deployment, now, measurements)
        return {"md": render_markdown, "html": render_html, "json": render_json}[form](report)

    return await asyncio.to_thread(write)
