"""What every engine that reads a text checks of a brief, and how a stored brief is read again."""

from __future__ import annotations

from generation.brief import Brief
from generation.engines.base import EngineError, Preparing
from generation.engines.neural.words import MOST_CHARACTERS
from generation.prompting import BadWishes


def check_text(text: str | None) -> None:
    """Raises BadWishes for a text that is too long."""
    if text and len(text) > MOST_CHARACTERS:
        raise BadWishes({"text": f"Keep the text within {MOST_CHARACTERS} characters."})


def prepared_again(engine: Preparing, brief: Brief) -> Brief:
    """A brief that was decided when it was queued, maybe by another version. Raises EngineError."""
    try:
        return engine.prepared(brief, {})
    except BadWishes as error:
        raise EngineError(" ".join(error.errors.values())) from error
