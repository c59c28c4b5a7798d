"""Secrets by reference: where they are written, how they are fetched, and a type that never shows them.

`env:NAME` · `file:PATH` (only the owner may read it) · `keyring:SERVICE/NAME` (needs the extra `keyring`) ·
`command:COMMAND` (its first line; no shell). Only the worker resolves them.
"""

from __future__ import annotations

import importlib
import os
import shlex
import stat
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.config.adapters import adapter_values, list_references, replace_references
from console.config.faults import Key, dotted
from console.config.lines import find_lines, line_of
from console.config.settings import Settings, is_reference
from console.domain.errors import ConfigError, ConfigProblem

COMMAND_TIMEOUT = 10.0


class Secret:
    """A text that shows itself only to `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __reduce__(self) -> tuple[type, tuple[str]]:
        raise TypeError("a secret is not written down")


class SecretMissing(Exception):
    """One reference leads to nothing usable; says what and what to do, never the secret."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


@dataclass(frozen=True)
class Secrets:
    """Every secret of a configuration, by the dotted key that refers to it (`providers.render.token`)."""

    by_key: Mapping[str, Secret]

    def find(self, key: str) -> Secret | None:
        """None where the configuration refers to nothing."""
        return self.by_key.get(key)

    def texts(self) -> frozenset[str]:
        """What must not appear in any log or message."""
        return frozenset(secret.reveal() for secret in self.by_key.values())

    def options_of(self, settings: Settings, provider: str) -> dict[str, Any]:
        """A provider's options with its secrets in place, as its adapter's settings model takes them."""

        def reveal(key: Key, reference: str) -> str:
            secret = self.find(dotted(key))
            return reference if secret is None else secret.reveal()

        options = settings.providers[provider].options
        revealed = replace_references(options, reveal, ("providers", provider))
        return adapter_values(settings.providers[provider], revealed)


def find_references(settings: Settings) -> Iterator[tuple[Key, str]]:
    """Every reference that is written, with its key."""
    if is_reference(settings.engine.url):
        yield ("engine", "url"), settings.engine.url
    for name, provider in settings.providers.items():
        yield from list_references(provider.options, ("providers", name))
    for name, environment in settings.environments.items():
        for service, placement in environment.services.items():
            if placement.database_url:
                yield ("environments", name, "services", service, "database_url"), placement.database_url
        if environment.backups.identity:
            yield ("environments", name, "backups", "identity"), environment.backups.identity
        for variable, login in environment.logins.items():
            yield ("environments", name, "logins", variable, "admin"), login.admin
        for database, pair in (environment.failover.databases if environment.failover else {}).items():
            at = ("environments", name, "failover", "databases", database)
            yield from (((*at, "primary"), pair.primary), ((*at, "standby"), pair.standby))


def resolve_all(settings: Settings) -> Secrets:
    """Fetch every secret once, also where several keys share a reference.

    Raises:
        ConfigError: Naming every key whose secret is missing or too open, not only the first.
    """
    fetched: dict[str, Secret | SecretMissing] = {}
    found: dict[str, Secret] = {}
    missing: list[tuple[Key, SecretMissing]] = []
    base = settings.file.parent if settings.file else Path()
    for key, reference in find_references(settings):
        if reference not in fetched:
            try:
                fetched[reference] = resolve(reference, base)
            except SecretMissing as problem:
                fetched[reference] = problem
        answer = fetched[reference]
        if isinstance(answer, Secret):
            found[dotted(key)] = answer
        else:
            missing.append((key, answer))
    if missing:
        raise ConfigError(_problems(settings, missing))
    return Secrets(found)


def resolve(reference: str, base: Path = Path()) -> Secret:
    """Fetch one secret. Relative paths count from `base`.

    Raises:
        SecretMissing: It is not there, is empty, or others may read it.
    """
    scheme, _, place = reference.partition(":")
    fetch = {"env": _from_environment, "keyring": _from_keyring, "command": _from_command}
    text = _from_file(base / Path(place).expanduser()) if scheme == "file" else fetch[scheme](place)
    if not text:
        raise SecretMissing(f"{_hint(reference)} is empty.", "Put the secret there.")
    return Secret(text)


def _hint(reference: str) -> str:
    """Name the place; a command may itself hold something private."""
    return "The command's answer" if reference.startswith("command:") else reference


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if value is None:
        raise SecretMissing(f"The variable {name} is not set.", "Set it where the worker starts.")
    return value.strip()


def _from_file(path: Path) -> str:
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise SecretMissing(f"{path} is no plain file.", "Name a file with the secret in its first line.")
        if status.st_uid not in {os.geteuid(), 0}:
            raise SecretMissing(
                f"{path} belongs to another user (uid {status.st_uid}).", f"chown it to {os.geteuid()}."
            )
        mode = stat.S_IMODE(status.st_mode)
        if mode & 0o077:
            raise SecretMissing(f"{path} can be read by others (mode {mode:04o}).", f"Run: chmod 600 {path}")
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as problem:
        raise SecretMissing(f"There is no file {path}.", "Write the secret there, mode 0600.") from problem
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise SecretMissing(f"{path} cannot be read: {reason}.", "Check its permissions.") from problem


def _from_keyring(place: str) -> str:
    service, _, name = place.partition("/")
    try:
        keyring = importlib.import_module("keyring")
    except ImportError as problem:
        raise SecretMissing("The keyring is not installed.", "Install quarterdeck[keyring].") from problem
    try:
        value = keyring.get_password(service, name)
    except Exception as problem:  # each backend raises its own; none may end the worker with a stack trace
        raise SecretMissing(f"The keyring failed: {type(problem).__name__}.", "Unlock it and try again.") from problem
    if value is None:
        raise SecretMissing(f"The keyring has no {place}.", f"Run: keyring set {service} {name}")
    return str(value).strip()


def _from_command(command: str) -> str:
    arguments = shlex.split(command)
    if not arguments:
        raise SecretMissing("No command is named.", "Write command:PROGRAM ARGUMENTS.")
    program = arguments[0]
    try:
        done = subprocess.run(
            arguments, capture_output=True, timeout=COMMAND_TIMEOUT, check=False, stdin=subprocess.DEVNULL
        )
    except FileNotFoundError as problem:
        raise SecretMissing(f"There is no program {program}.", "Install it, or give its whole path.") from problem
    except subprocess.TimeoutExpired as problem:
        raise SecretMissing(f"{program} took longer than {COMMAND_TIMEOUT:.0f} s.", "Run it by hand.") from problem
    except OSError as problem:
        raise SecretMissing(f"{program} cannot be run: {problem.strerror}.", "Check its permissions.") from problem
    if done.returncode != 0:
        raise SecretMissing(f"{program} ended with {done.returncode}.", "Run it by hand to see why.")
    lines = done.stdout.decode(errors="replace").splitlines()
    return lines[0].strip() if lines else ""


def _problems(settings: Settings, missing: list[tuple[Key, SecretMissing]]) -> list[ConfigProblem]:
    text = ""
    if settings.file is not None and settings.file.exists():
        text = settings.file.read_text(encoding="utf-8")
    lines = find_lines(text)
    name = str(settings.file or "configuration")
    return [ConfigProblem(name, line_of(lines, key), dotted(key), p.what, p.remedy) for key, p in missing]
