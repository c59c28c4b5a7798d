"""The linter squawk over migration files, with severities of our own.

It is told that each file is one transaction, as the Supabase CLI runs them. Its lines count from 0, also in JSON.
What it says of timeouts is left out, since every run sets them; what of files without IF EXISTS is style, since a run
that was cut off is recorded.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from console.domain.errors import ConsoleError
from console.migrations.findings import Finding, Severity

WITHIN_S = 30.0
_BLOCKS = frozenset(
    {"syntax-error", "adding-field-with-default", "adding-foreign-key-constraint", "adding-serial-primary-key-field"}
    | {"changing-column-type", "constraint-missing-not-valid", "disallowed-unique-constraint", "transaction-nesting"}
    | {"require-concurrent-index-creation", "require-concurrent-reindex", "require-concurrent-partition-detach"}
    | {"ban-uncommitted-transaction", "ban-truncate-cascade", "ban-drop-database", "ban-duplicate-column-assignments"}
    | {"adding-not-nullable-field", "adding-required-field"}
)
_STYLE = frozenset(
    {"prefer-robust-stmts", "prefer-bigint-over-int", "prefer-bigint-over-smallint", "prefer-identity", "prefer-repack"}
    | {"prefer-text-field", "prefer-timestamp-tz", "ban-char-field", "require-table-schema", "unused-ignore"}
    | {"ban-drop-not-null", "require-enum-value-ordering"}
)
_LEFT_OUT = frozenset(
    {"require-lock-timeout", "require-statement-timeout", "require-timeout-settings"}
    # Such statements are run alone, and recorded.
    | {"ban-concurrent-index-creation-in-transaction"}
)


def find_squawk() -> str:
    """The program's path, beside this Python's own first; "" where there is none."""
    beside = Path(sys.executable).parent / "squawk"
    return str(beside) if beside.is_file() else shutil.which("squawk") or ""


def run_squawk(files: Mapping[str, str], server: str = "") -> Sequence[Finding]:
    """Lint files, by their names.

    Args:
        server: The server's major version, where it is known.

    Raises:
        ConsoleError: It is not installed, or did not end as it should: nothing is known of the files.
    """
    program = find_squawk()
    if not program:
        raise ConsoleError("squawk is not installed.", "lint", "Install the extra `database`.")
    version = ["--pg-version", server] if server else []
    with tempfile.TemporaryDirectory(prefix="quarterdeck-lint-") as directory:
        paths = []
        for name, text in files.items():
            path = Path(directory) / name
            path.write_text(text, encoding="utf-8")
            paths.append(str(path))
        command = [program, "--reporter", "json", "--assume-in-transaction", *version, *paths]
        try:
            done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=WITHIN_S, check=False)
            rows = json.loads(done.stdout or "[]")
        except (OSError, subprocess.TimeoutExpired, json.JSONDecodeError) as problem:
            raise ConsoleError(f"squawk gave no answer: {type(problem).__name__}.", "lint") from problem
    if done.returncode not in (0, 1):
        raise ConsoleError(f"squawk ended with code {done.returncode}.", "lint")
    return [
        Finding(
            Path(row["file"]).name,
            int(row["line"]) + 1,
            row["rule_name"],
            _severity(row["rule_name"]),
            row["message"],
            row.get("help") or "",
            "squawk",
        )
        for row in rows
        if row["rule_name"] not in _LEFT_OUT
    ]


def _severity(rule: str) -> Severity:
    if rule in _BLOCKS:
        return Severity.BLOCKS
    return Severity.STYLE if rule in _STYLE else Severity.WARNS
