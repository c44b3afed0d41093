"""Sentences about what takes more than a figure: patterns, movement over time, made beside collected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from catalog.dna.figures import percent, tracks

_MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def families(profile: Mapping[str, Any]) -> str:
    """Of `measured_families`."""
    n, rows = profile["n"], profile["families"]
    if not n:
        return "Nothing measured yet: drums and tempo are read from audio."
    if not rows:
        return f"No clear pattern in {tracks(n)}. What does not fit is left unplaced."
    told = [
        f"{row['words']}: {tracks(row['count']) if i == 0 else format(row['count'], ',')}"
        for i, row in enumerate(rows)
    ]
    text = "; ".join(one if i == 0 else one[0].lower() + one[1:] for i, one in enumerate(told)) + "."
    if profile["unplaced"]:
        text += f" {profile['unplaced']:,} of {n:,} fit no pattern and stay unplaced."
    return text


_FIGURES = {
    "tempo": ("your tempo moved", "{:.0f}", " BPM"),
    "energy": ("your energy moved", "{:.2f}", ""),
    "minor": ("the share in minor moved", "{:.1%}", ""),
}


def period_name(start: str, period: str) -> str:
    """The start of a window in words: "the second quarter of 2025", "April 2025", "2025"."""
    day = date.fromisoformat(start)
    if period == "year":
        return str(day.year)
    if period == "quarter":
        return f"the {('first', 'second', 'third', 'fourth')[(day.month - 1) // 3]} quarter of {day.year}"
    return f"{_MONTHS[day.month - 1]} {day.year}"


def drift(profile: Mapping[str, Any]) -> str:
    """Of `drift`: what moved, when, and what chance would do."""
    windows, period = profile["windows"], profile["period"]
    if not profile["n"]:
        return "No track says when it came in, so there is nothing to lay along time."
    if len(windows) < 2:
        when = period_name(windows[0]["start"], period)
        return f"{_arrived(profile['n'])} in {when}. Drift needs tracks from more than one {period}."
    said = []
    for change in profile["changes"]:
        words, figure, unit = _FIGURES[change["what"]]
        since = period_name(change["since"], period)
        said.append(
            f"From {since} on, {words} from {figure.format(change['before'])} to "
            f"{figure.format(change['after'])}{unit} "
            f"({change['n_before']:,} tracks before, {change['n_after']:,} since)."
        )
    if not said:
        first = period_name(windows[0]["start"], period)
        if profile["asked"]:
            said.append(f"Since {first} nothing moved that chance would not explain.")
        else:
            said.append("Too few tracks on either side of any moment to say that something moved.")
    away = [one for one in windows if one["sound"] and one["sound"]["moved"]]
    if away:
        far = max(away, key=lambda one: one["sound"]["distance"] / one["sound"]["null95"])
        said.append(
            f"The sound of {period_name(far['start'], period)} stands furthest from the rest: "
            f"{far['sound']['distance']:.2f}, where chance stays under {far['sound']['null95']:.2f}."
        )
    return " ".join(said)


def _arrived(count: int) -> str:
    return "The one track arrived" if count == 1 else f"All {tracks(count)} arrived"


def collection(profile: Mapping[str, Any] | None) -> str:
    """Of `collection`: what is made beside what is collected."""
    if profile is None:
        return "Nothing to set beside each other: it takes five tracks with audio and five without."
    own, theirs = profile["own"], profile["collected"]
    if profile["tempo_overlap"] is None:
        text = "Too few tempos on one side to compare."
    else:
        text = (
            f"You make {round(own['p10'])} to {round(own['p90'])} BPM; {percent(profile['tempo_overlap'])} "
            f"of what you collect lies there. The middle of it is {round(theirs['median'])}."
        )
    if profile["key_overlap"] is not None:
        text += f" {percent(profile['key_overlap'])} of the keys are common."
    return text
