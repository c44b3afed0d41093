from __future__ import annotations

from generation.engines.base import EngineError


class TrainingError(EngineError):
    """The training cannot go on. `reason` is a sentence for the artist, with what to do."""


NOT_KEPT = (
    "The tokens of these recordings do not stay on this machine, so they would be made again without end. Free some "
    "space on its disk, or set STARFORGE_TOKEN_CACHE_MB higher, and continue."
)
NO_ROOM = (
    "There is no room left on the disk of this machine. Free some space and continue: what was learned up to the last "
    "checkpoint is kept."
)
