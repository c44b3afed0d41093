"""Log lines: one event, one line, every fact findable."""

from __future__ import annotations

import json
import logging
import sys

from starforge_site.logs import Line


def record(message: str, *arguments: object, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord(
        {"name": "catalog.intake", "levelno": level, "levelname": "INFO", "created": 0.5}
    )
    made.msg, made.args = message, arguments
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def test_a_line_says_when_who_what_and_the_facts() -> None:
    line = Line().format(record("uploaded %s", "a.wav", track="trk_1", seconds=1.5))
    assert line == "1970-01-01T00:00:00.500Z info    catalog.intake uploaded a.wav track=trk_1 seconds=1.5"


def test_a_value_with_spaces_is_quoted() -> None:
    assert Line().format(record("x", title='a "b" c')).endswith(r'title="a \"b\" c"')
    assert Line().format(record("x", title="")).endswith('title=""')


def test_a_message_cannot_pretend_to_be_another_event() -> None:
    line = Line().format(record("name %s", "a\n1970-01-01T00:00:00Z error faked", title="b\nc"))
    assert "\n" not in line


def test_json_carries_the_same_facts() -> None:
    event = json.loads(Line(style="json").format(record("uploaded", track="trk_1", path=object)))
    assert event["time"] == "1970-01-01T00:00:00.500Z"
    assert event["level"] == "info"
    assert event["message"] == "uploaded"
    assert event["track"] == "trk_1"


def test_the_environment_chooses_json(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("STARFORGE_LOG", "json")
    assert json.loads(Line().format(record("hello")))["message"] == "hello"


def test_an_exception_comes_with_its_traceback() -> None:
    try:
        raise ValueError("broken")
    except ValueError:
        failed = record("failed")
        failed.exc_info = sys.exc_info()
    assert "ValueError: broken" in Line().format(failed)
    assert "ValueError: broken" in json.loads(Line(style="json").format(failed))["exception"]
