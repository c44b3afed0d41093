"""What each plan includes, as data. A self-hosted installation is not limited."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings

from catalog.models import Artist

ALL_FORMATS = ("wav", "flac", "mp3")
GB = 2**30


@dataclass(frozen=True)
class Allowance:
    """generations: a month, None for any number. formats: takes may be downloaded as. stems: stems and DAW projects.

    adapters: how many an artist may have, None for any number. aggregate: whether over several catalogs.
    priority: whether requests stand in front of the others. storage: bytes of everything that is kept, None for any.
    keep_days: how long the full audio of a take is kept, None for ever; its preview, recipe and certificate stay.
    requests: to the API, such as 120/min; "" for the installation's own rate (STARFORGE_RATE_USER).
    """

    generations: int | None
    references: bool
    formats: tuple[str, ...]
    stems: bool
    adapters: int | None
    aggregate: bool
    priority: bool
    storage: int | None
    keep_days: int | None
    requests: str = ""


PLANS: dict[str, Allowance] = {
    Artist.Plan.SELF_HOSTED: Allowance(None, True, ALL_FORMATS, True, None, True, True, None, None),
    Artist.Plan.FREE: Allowance(3, False, ("mp3",), False, 0, False, False, 5 * GB, 7, "120/min"),
    Artist.Plan.PRO: Allowance(None, True, ALL_FORMATS, False, 0, False, False, 100 * GB, 7, "600/min"),
    Artist.Plan.ELITE: Allowance(None, True, ALL_FORMATS, True, None, True, True, 500 * GB, 7),
}


def of(artist: Artist) -> Allowance:
    return of_plan(artist.plan)


def of_plan(name: str) -> Allowance:
    found = PLANS.get(name, PLANS[Artist.Plan.FREE])
    if name == Artist.Plan.SELF_HOSTED and settings.STARFORGE_KEEP_DAYS:
        return replace(found, keep_days=settings.STARFORGE_KEEP_DAYS)
    return found


def expiring() -> dict[str, int]:
    """Plans that keep full audio for some days only, with how many."""
    found = {name: of_plan(name).keep_days for name in PLANS}
    return {name: days for name, days in found.items() if days is not None}


def included(allowed: Allowance) -> list[tuple[str, str]]:
    """(what, how much of it) for the account page."""
    any_number = "Any number"
    return [
        ("Generations a month", any_number if allowed.generations is None else str(allowed.generations)),
        ("Reference tracks", "Included" if allowed.references else "Not included"),
        ("Downloads", ", ".join(one.upper() for one in allowed.formats)),
        ("Stems and DAW projects", "Included" if allowed.stems else "Not included"),
        ("Adapters", any_number if allowed.adapters is None else str(allowed.adapters or "Not included")),
        (
            "Full audio of takes",
            "Kept" if allowed.keep_days is None else f"{allowed.keep_days} days, or pinned",
        ),
        ("Storage", "No limit" if allowed.storage is None else f"{allowed.storage / GB:.0f} GB"),
        ("In the queue", "Before other plans" if allowed.priority else "In turn"),
    ]
