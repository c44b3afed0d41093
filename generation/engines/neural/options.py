"""The settings an engine has beside those every engine has: as data, so that page and API need not know them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from generation.prompting import OPTION_LENGTH, BadWishes


@dataclass(frozen=True)
class Option:
    """kind: "number", "whole", "choice" or "text". low, high: of a number. choices: the words of a choice."""

    name: str
    label: str
    kind: str
    default: float | int | str
    hint: str
    low: float = 0.0
    high: float = 0.0
    choices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"choices": list(self.choices)}

    def read(self, value: Any) -> float | int | str:
        """The value as it counts. Raises ValueError with a sentence."""
        if self.kind == "choice":
            if value not in self.choices:
                raise ValueError(f"{self.label} is one of: {', '.join(self.choices)}.")
            return str(value)
        if self.kind == "text":
            if not isinstance(value, str) or len(value) > OPTION_LENGTH:
                raise ValueError(f"{self.label} is a text of at most {OPTION_LENGTH} characters.")
            return value.strip()
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise ValueError(f"{self.label} is a number from {self.low:g} to {self.high:g}.") from None
        whole = self.kind == "whole"
        if not self.low <= number <= self.high or (whole and number != round(number)):
            kind = "whole number" if whole else "number"
            raise ValueError(f"{self.label} is a {kind} from {self.low:g} to {self.high:g}.")
        return round(number) if whole else number


def decided(options: Sequence[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Every option with its value: as given, else its default. Raises BadWishes for nonsense and unknown names."""
    known = {option.name: option for option in options}
    errors = {name: f"This engine has no setting “{name}”." for name in given if name not in known}
    values: dict[str, Any] = {}
    for name, option in known.items():
        try:
            asked = given.get(name)
            values[name] = option.default if asked is None else option.read(asked)
        except ValueError as error:
            errors[name] = str(error)
    if errors:
        raise BadWishes(errors)
    return values
