"""An engine whose takes last seconds: what is tried here is everything around the music."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from generation.brief import Brief
from tests.generation.stand_in import StandIn


class Quick(StandIn):
    slug = "quick"
    label = "Quick"

    def planned(self, brief: Brief, names: Sequence[str], take: int = 1) -> dict[str, Any]:
        plan = super().planned(brief, names, take)
        return {**plan, "sections": [{**plan["sections"][1], "bars": 2}]}


class QuickNetwork(Quick):
    """The same as engines with weights are: its work waits on the queue of the GPU workers."""

    slug = "quick-network"
    label = "Quick network"
    queue = "gpu"
