"""What every engine that reads a text checks of a brief, and how a stored brief is read again."""

from __future__ import annotations

from collections.abc import Sequence

from generation.brief import Brief
from generation.engines.base import EngineError, Preparing
from generation.prompting import TEXT_LENGTH, BadWishes


def check_text(text: str | None) -> None:
    """Raises BadWishes for a text that is too long."""
    if text and len(text) > TEXT_LENGTH:
        raise BadWishes({"text": f"Keep the text within {TEXT_LENGTH} characters."})


def check_model(label: str, asked: str | None, known: Sequence[str]) -> None:
    """Raises BadWishes for a model that this engine has not."""
    if asked and asked not in known:
        raise BadWishes({"model": f"{label} has no model “{asked}”. Choose: {', '.join(known)}."})


def prepared_again(engine: Preparing, brief: Brief) -> Brief:
    """A brief that was decided when it was queued, maybe by another version. Raises EngineError."""
    try:
        return engine.prepared(brief, {})
    except BadWishes as error:
        raise EngineError(" ".join(error.errors.values())) from error
