"""The page that visitors see: one file without anything from elsewhere, readable in the dark and without styles."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape

DEFAULT = "We are working on this site and will be back soon."

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Down for maintenance</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.1rem/1.6 system-ui, sans-serif }}
main {{ max-width: 34rem; padding: 2rem }}
h1 {{ font-size: 1.6rem; line-height: 1.2; margin: 0 0 1rem }}
</style>
</head>
<body>
<main>
<h1>Down for maintenance</h1>
<p>{message}</p>
{until}</main>
</body>
</html>
"""
EXPECTED = '<p>Expected back at <time datetime="{iso}">{words} UTC</time>.</p>\n'


def write_page(message: str = "", until: datetime | None = None) -> str:
    """Write the page; every line of the message is text, never markup. `{` and `}` are written as entities."""
    lines = "<br>".join(escape(line) for line in (message.strip() or DEFAULT).splitlines())
    told = ""
    if until is not None:
        at = until.astimezone(UTC)
        told = EXPECTED.format(iso=at.strftime("%Y-%m-%dT%H:%MZ"), words=at.strftime("%Y-%m-%d %H:%M"))
    # Caddy replaces {placeholders} in a body, environment variables among them: an operator's text must hold none.
    safe = lines.replace("{", "&#123;").replace("}", "&#125;")
    return PAGE.format(message=safe, until=told)
