"""One line per event: `time level logger message key=value …`, or one JSON object with STARFORGE_LOG=json.

Fields are given as `logger.info("uploaded", extra={"track": track.pk})`. A line that is written for a request, or
by a worker for a job that a request asked for, ends with that request's number.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from typing import Any

from catalog import tracing

# What every record carries; whatever else hangs on it was given by `extra`.
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# Extras of Django's own records: objects, not facts.
UNWANTED = frozenset({"request", "server_time", "color_message"})


def quoted(value: object) -> str:
    """A value on one line; quoted when it would otherwise run into its neighbours."""
    text = str(value)
    return text if text and not set(text) & set(' "=\n\r\t') else json.dumps(text, ensure_ascii=False)


class Line(logging.Formatter):
    """The formatter named in settings.LOGGING."""

    def __init__(self, *_: Any, style: str | None = None, **__: Any) -> None:
        super().__init__()
        self.as_json = (style or os.environ.get("STARFORGE_LOG", "")).strip().lower() == "json"

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        moment = moment.replace("+00:00", "Z")
        extra = {
            key: value
            for key, value in vars(record).items()
            if key not in STANDARD and key not in UNWANTED and not key.startswith("_")
        }
        if (number := tracing.current()) and "request_id" not in extra:
            extra["request_id"] = number
        trouble = self.formatException(record.exc_info) if record.exc_info else ""
        if self.as_json:
            event = {
                "time": moment,
                "level": record.levelname.lower(),
                "logger": record.name,
                "process": record.process,
                "message": record.getMessage(),
                **{key: value for key, value in extra.items() if key not in {"time", "level", "message"}},
            }
            if trouble:
                event["exception"] = trouble
            return json.dumps(event, ensure_ascii=False, default=str)
        # A message with line breaks could pretend to be another event.
        message = record.getMessage().replace("\r", "\\r").replace("\n", "\\n")
        line = f"{moment} {record.levelname.lower():<7} {record.name} {message}"
        line += "".join(f" {key}={quoted(value)}" for key, value in extra.items())
        return f"{line}\n{trouble}" if trouble else line
