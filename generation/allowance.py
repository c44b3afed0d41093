"""What each plan includes, as data. A self-hosted installation is not limited."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.models import Artist


@dataclass(frozen=True)
class Allowance:
    """adapters: how many an artist may have, None for any number. aggregate: whether over several catalogs."""

    adapters: int | None
    aggregate: bool


PLANS: dict[str, Allowance] = {
    Artist.Plan.SELF_HOSTED: Allowance(None, True),
    Artist.Plan.FREE: Allowance(0, False),
    Artist.Plan.PRO: Allowance(0, False),
    Artist.Plan.ELITE: Allowance(None, True),
}


def of(artist: Artist) -> Allowance:
    return PLANS.get(artist.plan, PLANS[Artist.Plan.FREE])
