"""From a plan to a finished take: mix, equalise, master. A plan that was measured renders to the same samples again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from catalog.repeatable import one_thread
from generation.engines.base import EngineError
from generation.engines.mosaic.arrange import arrange, quiet_curve
from generation.engines.mosaic.eq import filtered, kernel_of
from generation.engines.mosaic.plan import SAMPLE_RATE, Plan
from generation.engines.mosaic.transitions import apply_events
from generation.engines.mosaic.workshop import Workshop
from generation.mastering import Mastered, master

OPENING = 88  # samples of fade at the very start: a cut seldom begins at zero
QUIETEST = 1e-4


def mix(
    plan: Plan, workshop: Workshop, share_done: Callable[[float], None]
) -> tuple[Plan, dict[str, np.ndarray]]:
    """The plan with the levels of its sections, and its stems with their events, before equalising and mastering.

    Raises EngineError when a track is gone, or when nothing sounds.
    """
    if any(track_id not in workshop for track_id in plan.track_ids()):
        raise EngineError(
            "A track this take was built from is no longer in the catalog, so it cannot be made again."
        )
    plan, stems = arrange(plan, workshop, lambda share: share_done(0.9 * share))
    apply_events(plan, stems, lambda: share_done(0.95))
    if max(float(np.abs(stem).max(initial=0.0)) for stem in stems.values()) < QUIETEST:
        raise EngineError(
            "The passages chosen for this take are silent. Try other references or another seed."
        )
    share_done(1.0)
    return plan, stems


@one_thread
def finish(
    plan: Plan,
    stems: dict[str, np.ndarray],
    tick: Callable[[], None],
    share_done: Callable[[float], None],
) -> tuple[Plan, Mastered]:
    """Stems of a measured plan as mastered sound, and the plan with the gain of its master. `stems` is used up."""
    kernel = kernel_of(plan.eq_db, SAMPLE_RATE)
    opening = np.linspace(0.0, 1.0, min(OPENING, plan.samples), dtype=np.float32)
    quiet = quiet_curve(plan, plan.quiet_db, SAMPLE_RATE, plan.samples) if plan.quiet_db else None
    heard = {name: stems.pop(name) for name in list(stems)}
    for number, name in enumerate(list(heard)):
        stem = heard.pop(name)
        if name not in plan.muted and stem.any():
            if quiet is not None:
                stem *= quiet
            stem = filtered(stem, kernel)
            stem *= np.float32(10.0 ** (plan.trims_db.get(name, 0.0) / 20.0))
            stem[:, : opening.size] *= opening
            stems[name] = stem
        share_done(0.4 * (number + 1) / 6)
        tick()
    if not stems:
        raise EngineError("Every layer of this take is muted. Keep at least one.")
    finished = master(
        stems,
        SAMPLE_RATE,
        target_lufs=plan.target_lufs,
        gain_db=plan.gain_db,
        in_place=True,
        on_step=tick,
    )
    share_done(1.0)
    return replace(plan, gain_db=finished.gain_db), finished
