"""Fields that take only what they say: a number is not text, text is not a number, NaN is neither."""

from __future__ import annotations

import math
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers


class Text(serializers.CharField):
    """A JSON string. Trimmed; may be "" unless `allow_blank=False` is said."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("allow_blank", True)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("This is text: write it in quotation marks.")
        try:
            data.encode()
        except UnicodeEncodeError:  # half of a surrogate pair: JSON can say it, no database can store it
            raise serializers.ValidationError("This text has a character that does not exist.") from None
        return super().to_internal_value(data)


class Number(serializers.FloatField):
    """A JSON number, finite. `true` is not 1 and "140" is not 140."""

    def to_internal_value(self, data: Any) -> float:
        if isinstance(data, bool) or not isinstance(data, (int, float)):
            raise serializers.ValidationError("This is a number: write it without quotation marks.")
        try:
            value = float(data)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise serializers.ValidationError("This is not a number anything can be done with.")
        return value


class Whole(serializers.IntegerField):
    """A JSON number without a fraction."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, (int, float)) or not float_is_whole(data):
            raise serializers.ValidationError("This is a whole number, written without quotation marks.")
        return int(data)


class Flag(serializers.BooleanField):
    """JSON true or false; 0, 1 and "yes" are neither."""

    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            raise serializers.ValidationError("This is true or false, written without quotation marks.")
        return data


def float_is_whole(value: int | float) -> bool:
    return isinstance(value, int) or (math.isfinite(value) and value == int(value))


class Choice(serializers.ChoiceField):
    """One of a few words."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class Several(serializers.MultipleChoiceField):
    """A query parameter that may be repeated (?status=queued&status=running) or left empty."""

    def __init__(self, choices: Any, **options: Any) -> None:
        super().__init__(choices=choices, **{"required": False, "allow_blank": True, **options})

    def to_internal_value(self, data: Any) -> Any:
        return {str(one) for one in super().to_internal_value(data)} - {""}


class Measure(serializers.FloatField):
    """A measured number, rounded to what it can mean; null where nothing was measured."""

    def __init__(self, digits: int = 3, **options: Any) -> None:
        super().__init__(**{"allow_null": True, "read_only": True, **options})
        self.digits = digits

    def to_representation(self, value: Any) -> Any:
        return rounded(value, self.digits)


def rounded(value: float | None, digits: int = 3) -> float | None:
    """`value` rounded; None stays None, and what is not finite becomes None (JSON knows no NaN)."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def refused(error: DjangoValidationError) -> serializers.ValidationError:
    """What a verb refused, as DRF raises it: one list of sentences for each field."""
    if hasattr(error, "error_dict"):
        return serializers.ValidationError(error.message_dict)
    return serializers.ValidationError({"request": error.messages})
