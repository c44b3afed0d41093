"""What every test shares: markers set by themselves, services looked for, and skips that may not pass."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import TestCase, TransactionTestCase

from tests import append_only, services

DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "django_db_reset_sequences", "admin_client"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what talks to the database (run again on PostgreSQL) and what drives Chromium."""
    for item in items:
        cls = getattr(item, "cls", None)
        if (
            item.get_closest_marker("django_db")
            or DATABASE_FIXTURES & set(getattr(item, "fixturenames", ()))
            or (cls and issubclass(cls, (TestCase, TransactionTestCase)))
        ):
            item.add_marker(pytest.mark.database)
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session", autouse=True)
def _emptying_is_for_tests_only() -> Iterator[None]:
    """The log refuses to be emptied; between tests it has to be."""
    with append_only.guard_lifted_while_flushing():
        yield


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; skips with the reason where there is none."""
    path, why = services.chromium()
    if not path:
        pytest.skip(why)
    return path


@pytest.fixture
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL database of its own; skips with the reason where there is no server."""
    import psycopg

    url, why = services.postgres()
    if not url:
        pytest.skip(why)
    server, name = url.rpartition("/")[0], f"starforge_scratch_{secrets.token_hex(4)}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
        try:
            yield f"{server}/{name}"
        finally:
            connection.execute(f"drop database {name} with (force)")


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not (services.required() and report.outcome == "skipped") or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{reason}\nSTARFORGE_REQUIRE_SERVICES is set, so a skip is a failure."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.fixture(scope="session")
def recordings(request: pytest.FixtureRequest) -> Path:
    """The folder of short analysed recordings that `tests.catalogs.stock` fills catalogs from."""
    from tests import catalogs

    return catalogs.sources(request.config.cache)
