"""What some tests need from the machine: PostgreSQL and Chromium. Looked for, never assumed."""

from __future__ import annotations

import functools
import os
import shutil

POSTGRES_GUESSES = (
    "postgres://root@127.0.0.1:5432/starforge_test",
    "postgres://postgres@127.0.0.1:5432/starforge_test",
)
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def required() -> bool:
    """STARFORGE_REQUIRE_SERVICES=1: a skipped test is a failed test."""
    return os.environ.get("STARFORGE_REQUIRE_SERVICES", "") not in {"", "0"}


@functools.cache
def postgres() -> tuple[str, str]:
    """(database URL, "") of a server where we may create databases, or ("", why there is none)."""
    import psycopg

    asked = os.environ.get("STARFORGE_TEST_POSTGRES", "")
    why = ""
    for url in (asked,) if asked else POSTGRES_GUESSES:
        try:
            server = url.rpartition("/")[0] + "/postgres"
            with psycopg.connect(server, connect_timeout=3) as connection:
                row = connection.execute(
                    "select rolcreatedb or rolsuper from pg_roles where rolname = current_user"
                ).fetchone()
            if row and row[0]:
                return url, ""
            why = f"{server} answers, but may not create a test database (alter role … createdb)"
        except psycopg.Error as error:
            why = why or f"no PostgreSQL at {server}: {str(error).strip().splitlines()[0]}"
    return "", why


@functools.cache
def chromium() -> tuple[str, str]:
    """(path of the browser, "") or ("", why there is none)."""
    asked = os.environ.get("STARFORGE_TEST_CHROMIUM", "")
    for name in (asked,) if asked else CHROMIUM_NAMES:
        if found := shutil.which(name):
            return found, ""
    return "", f"no Chromium found ({asked or ', '.join(CHROMIUM_NAMES)})"


def chromium_arguments() -> list[str]:
    """Chromium refuses its sandbox to root, which is who continuous integration is."""
    return ["--no-sandbox"] if os.geteuid() == 0 else []
