"""Public ids: a short prefix and 79 random bits, so that a URL cannot be guessed."""

from __future__ import annotations

import secrets

DIGITS = "0123456789"
LETTERS = "abcdefghjkmnpqrstvwxyz"
ALPHABET = DIGITS + LETTERS  # Crockford base 32: nothing to mistake when read aloud


def new_id(prefix: str) -> str:
    # A letter first: in an address the admin reads "_23" as an escaped "#", and would not find the row.
    return f"{prefix}_{secrets.choice(LETTERS)}" + "".join(secrets.choice(ALPHABET) for _ in range(15))


def track_id() -> str:
    return new_id("trk")


def import_id() -> str:
    return new_id("imp")


def generation_id() -> str:
    return new_id("gen")


def take_id() -> str:
    return new_id("take")


def adapter_id() -> str:
    return new_id("adp")


def export_id() -> str:
    return new_id("exp")


def share_id() -> str:
    return new_id("shr")


def exhibit_id() -> str:
    return new_id("gal")


def preset_id() -> str:
    return new_id("pre")


def blend_id() -> str:
    return new_id("bld")
