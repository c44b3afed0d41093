"""What each plan includes, as data. A self-hosted installation is not limited."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Artist

ALL_FORMATS = ("wav", "flac", "mp3")


@dataclass(frozen=True)
class Allowance:
    """generations: a month, None for any number. formats: takes may be downloaded as. stems: stems and DAW projects.

    adapters: how many an artist may have, None for any number. aggregate: whether over several catalogs.
    priority: whether requests stand in front of the others. requests: to the API, such as 120/min; "" for the
    installation's own rate (STARFORGE_RATE_USER).
    """

    generations: int | None
    references: bool
    formats: tuple[str, ...]
    stems: bool
    adapters: int | None
    aggregate: bool
    priority: bool
    requests: str = ""


PLANS: dict[str, Allowance] = {
    Artist.Plan.SELF_HOSTED: Allowance(None, True, ALL_FORMATS, True, None, True, True),
    Artist.Plan.FREE: Allowance(3, False, ("mp3",), False, 0, False, False, "120/min"),
    Artist.Plan.PRO: Allowance(None, True, ALL_FORMATS, False, 0, False, False, "600/min"),
    Artist.Plan.ELITE: Allowance(None, True, ALL_FORMATS, True, None, True, True),
}


def of(artist: Artist) -> Allowance:
    return PLANS.get(artist.plan, PLANS[Artist.Plan.FREE])


def included(allowed: Allowance) -> list[tuple[str, str]]:
    """(what, how much of it) for the account page."""
    any_number = "Any number"
    return [
        ("Generations a month", any_number if allowed.generations is None else str(allowed.generations)),
        ("Reference tracks", "Included" if allowed.references else "Not included"),
        ("Downloads", ", ".join(one.upper() for one in allowed.formats)),
        ("Stems and DAW projects", "Included" if allowed.stems else "Not included"),
        ("Adapters", any_number if allowed.adapters is None else str(allowed.adapters or "Not included")),
        ("In the queue", "Before other plans" if allowed.priority else "In turn"),
    ]
