"""One byte form for one meaning: what gets signed is always serialised the same way.

RFC 8785 (JSON Canonicalization Scheme) fixes key order, escapes and number form. It leaves three things open
that would let two readers disagree, and `normalise` settles them before anything is signed: text is NFC
(RFC 8785 treats a composed and a decomposed e-acute as different), floats are rounded, and integers a JSON
reader may not hold exactly (above 2^53) are refused, except seeds, which become text.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import rfc8785

MAX_SAFE_INTEGER = 2**53 - 1
MAX_DEPTH = 32
FLOAT_DIGITS = 6


class CanonicalError(ValueError):
    """A value that has no single, exact JSON form. The message says where and why."""


def normalise(value: Any, *, digits: int = FLOAT_DIGITS) -> Any:
    """A copy of `value` made of plain JSON types with exactly one canonical form.

    Text becomes NFC, floats are rounded to `digits` decimals, tuples become lists, numpy scalars become
    Python numbers and any integer under the key `seed` becomes text. Raises CanonicalError for NaN,
    infinities, integers beyond 2^53 - 1, keys that are not text, keys that collide after NFC, and other
    types.
    """
    return _normalise(value, "$", digits, 0)


def canonical(value: Any) -> bytes:
    """The RFC 8785 bytes of `normalise(value)`."""
    return rfc8785.dumps(normalise(value))


def is_canonical(raw: bytes, parsed: Any) -> bool:
    """Whether `raw` is exactly the canonical form of what it parses to."""
    try:
        return canonical(parsed) == raw
    except (CanonicalError, rfc8785.CanonicalizationError):
        return False


def _normalise(value: Any, where: str, digits: int, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise CanonicalError(f"{where} is nested deeper than {MAX_DEPTH} levels.")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, where)
    if isinstance(value, Integral):
        return _integer(int(value), where)
    if isinstance(value, Real):
        return _float(float(value), where, digits)
    if isinstance(value, Mapping):
        return _mapping(value, where, digits, depth)
    if isinstance(value, (list, tuple)):
        return [_normalise(item, f"{where}[{i}]", digits, depth + 1) for i, item in enumerate(value)]
    if type(value).__module__ == "numpy" and hasattr(value, "item"):
        return _normalise(value.item(), where, digits, depth + 1)  # numpy.bool_, 0-d arrays
    raise CanonicalError(f"{where} holds a {type(value).__name__}, which JSON cannot carry.")


def _mapping(value: Mapping[Any, Any], where: str, digits: int, depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise CanonicalError(f"{where} has a key that is not text: {key!r}.")
        name = _text(key, where)
        if name in out:
            raise CanonicalError(f"{where} has two keys that are both written {name!r}.")
        if name == "seed" and not isinstance(item, bool) and isinstance(item, Integral):
            item = str(int(item))  # 64-bit seeds do not survive a JSON number
        out[name] = _normalise(item, f"{where}.{name}", digits, depth + 1)
    return out


def _text(value: str, where: str) -> str:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError(f"{where} holds text with half a surrogate pair.") from error
    if "\0" in value:  # no database, tag or C program would carry it unchanged
        raise CanonicalError(f"{where} holds a NUL character.")
    return unicodedata.normalize("NFC", value)


def _integer(value: int, where: str) -> int:
    if abs(value) > MAX_SAFE_INTEGER:
        raise CanonicalError(f"{where} is {value}: beyond 2^53 a number must be written as text.")
    return value


def _float(value: float, where: str, digits: int) -> float | int:
    if not math.isfinite(value):
        raise CanonicalError(f"{where} is {value}, which is not a number JSON can carry.")
    rounded = round(value, digits)
    if rounded == int(rounded):
        return _integer(int(rounded), where)  # 140.0 and 140 are one number in JSON, and -0.0 is 0
    return rounded
