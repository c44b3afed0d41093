"""Typed readers for environment settings. Nonsense raises at start-up, not in the middle of a night."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

RATE = re.compile(r"[1-9]\d{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)")


class BadSetting(SystemExit):
    """A setting that cannot be understood: the process says so in one sentence and stops.

    The exit status is EX_CONFIG of sysexits.h: 1 is an answer of `manage.py verify`.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(78)
        self.sentence = sentence
        sys.stderr.write(sentence + "\n")

    def __str__(self) -> str:
        return self.sentence


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def flag(name: str, default: bool = False) -> bool:
    value = text(name)
    if not value:
        return default
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name}={value!r} is neither yes nor no.")


def integer(name: str, default: int, *, least: int = 0) -> int:
    value = text(name)
    if not value:
        return default
    try:
        number = int(value)
    except ValueError:
        raise BadSetting(f"{name}={value!r} is not a whole number.") from None
    if number < least:
        raise BadSetting(f"{name}={number} is less than {least}.")
    return number


def choice(name: str, choices: Collection[str], default: str) -> str:
    """One of a few words, written in capitals or not."""
    value = text(name).upper() or default
    if value not in choices:
        raise BadSetting(f"{name}={text(name)!r} is none of {', '.join(choices)}.")
    return value


def rate(name: str, default: str) -> str:
    """How often something may happen: a number for each second, minute, hour or day, such as 60/min."""
    value = text(name) or default
    if not RATE.fullmatch(value):
        raise BadSetting(
            f"{name}={value!r} is not a rate; write a number and s, min, hour or day, as in 60/min."
        )
    return value


def address(name: str) -> str:
    """The address of a service, http or https, without a trailing slash; "" when none is set."""
    value = text(name).rstrip("/")
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or parts.query or parts.fragment:
        raise BadSetting(f"{name} is not an address such as https://o8.example.org.")
    if parts.username or parts.password:
        raise BadSetting(
            f"{name} holds a password. Give a token as {name.removesuffix('_URL')}_TOKEN instead."
        )
    return value


def matching(name: str, pattern: str, form: str) -> str:
    """A text of a given form; "" when none is set. What was set is not repeated: it may be in the wrong variable."""
    value = text(name)
    if value and not re.fullmatch(pattern, value):
        raise BadSetting(f"{name} must be {form}.")
    return value


def given_secret(name: str) -> str:
    """A secret from NAME or from the file NAME_FILE; "" when neither is set. None is made."""
    if (value := text(name)) or not (path := text(f"{name}_FILE")):
        return value
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise BadSetting(f"{name}_FILE cannot be read: {error.strerror}.") from None


def words(name: str, default: str = "") -> list[str]:
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def secret(name: str, folder: Path) -> str:
    """A secret from NAME, from the file NAME_FILE, or generated once into `folder` (owner-only)."""
    if value := text(name):
        return value
    if path := text(f"{name}_FILE"):
        return Path(path).read_text().strip()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / name.lower()
    return _kept(file) or _made(file)


def _kept(file: Path) -> str:
    """What `file` holds; "" when there is none, or an empty one that a crash or a full disk left behind."""
    try:
        return file.read_text().strip()
    except FileNotFoundError:
        return ""


def _made(file: Path) -> str:
    """A new secret in `file`, whole or not at all. Who comes second gets what the first one made."""
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        if value := _kept(file):
            return value
        file.unlink(missing_ok=True)
        descriptor, draft = tempfile.mkstemp(prefix=".draft-", dir=file.parent)  # owner-only from the start
        try:
            with os.fdopen(descriptor, "w") as handle:
                handle.write(secrets.token_urlsafe(64))
                handle.flush()
                os.fsync(handle.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, file)
        finally:
            Path(draft).unlink(missing_ok=True)
        os.fsync(folder)
    finally:
        os.close(folder)
    return _kept(file)


def database(url: str, default_file: Path) -> dict[str, Any]:
    """A Django DATABASES entry: SQLite in `default_file` when `url` is empty, else PostgreSQL."""
    if not url or url.startswith("sqlite:"):
        file = Path(unquote(urlsplit(url).path[1:])) if url else default_file
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(file),
            # WAL + IMMEDIATE: no "database is locked" with web and workers writing at once.
            # FULL: a power cut must not drop a checkpoint that was already published.
            "OPTIONS": {
                "timeout": 20,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:  # the message names no password
        raise BadSetting(
            f"DATABASE_URL cannot be read ({error}); use postgres://user:password@host:port/name."
        ) from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise BadSetting(
            f"DATABASE_URL starts with {parts.scheme!r}; use postgres://user:password@host:port/name."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(port or ""),
        "OPTIONS": dict(parse_qsl(parts.query)),
    }
