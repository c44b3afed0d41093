"""The engine protocol: everything that can turn a Brief into sound looks like this."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from catalog.analysis import TrackAnalysis
from generation.brief import Brief

if TYPE_CHECKING:
    from generation.training.adapter import Worn

OnProgress = Callable[[float, str], None]
# (242,) embedding of a sound, ids to leave out -> calibrated match 0..1 with the rest of the catalog
Judge = Callable[[np.ndarray, Collection[str]], float]


class EngineError(Exception):
    """The engine cannot make this. `reason` is a sentence for the artist, with what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Availability:
    ready: bool
    missing: str = ""
    how: str = ""


class Cache(Protocol):
    """Keeps bytes that an engine worked out from a track: by track, by what its sound is (a digest), by name.

    Anything may be gone at any time; then it is worked out again, to the very same bytes.
    """

    def get(self, track_id: str, digest: str, name: str) -> bytes | None: ...

    def put(self, track_id: str, digest: str, name: str, data: bytes) -> None: ...


@dataclass(frozen=True)
class CorpusTrack:
    """One track an engine may use. `load()` decodes it: float32 (2, samples) at 44.1 kHz.

    digest: the same as long as the decoded sound is the same; "" when that is not known, and nothing is cached.
    theirs: in a blend, the other artist's.
    """

    id: str
    title: str
    analysis: TrackAnalysis
    load: Callable[[], np.ndarray]
    digest: str = ""
    theirs: bool = False


@dataclass(frozen=True)
class Material:
    """What an engine works with at run time.

    judge: tells how near a sound is to the catalog, or None.
    parent: of an edit, the plan of the take that is edited, as its Rendering had it.
    cache: for what is worked out from the tracks; None keeps nothing.
    adapter: what the artist's recordings taught the model, with its strength, or None.
    copied: (channels, n) sound, rate -> seconds in a row of it that are a recording of the artist's; None cannot tell.
    """

    corpus: tuple[CorpusTrack, ...]
    judge: Judge | None = None
    parent: dict[str, Any] | None = None
    cache: Cache | None = None
    adapter: Worn | None = None
    copied: Callable[[np.ndarray, int], float] | None = None


@dataclass(frozen=True)
class Rendering:
    """A finished take.

    audio: (2, samples) float32, mastered. stems: same shape each, summing to `audio`.
    plan: JSON that re-renders the take. It also tells how it came about: `candidates`, one {style, match, costs,
    chosen, reason} for each plan that was compared; `choice`, a sentence why the chosen one was; and of an edit
    `changes`, a sentence for each thing that is different now. built_from: one entry for each bar and layer:
    {bar, layer, track_id, source_bar, source_start, source_end, stretch, shift, gain}.
    sections: [{name, first_bar, bars, start, end}]. notes: sentences for the artist. generator: of an engine with
    weights, what its certificates say of them: {weights, weights_sha256, licence, commercial_use, fine_tuned, …}.
    """

    audio: np.ndarray
    sample_rate: int
    stems: dict[str, np.ndarray]
    plan: dict[str, Any]
    built_from: list[dict[str, Any]] = field(default_factory=list)
    sections: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    generator: dict[str, Any] = field(default_factory=dict)


class Engine(Protocol):
    slug: str
    label: str
    version: str
    licence: str
    commercial_use: bool
    description: str
    # An engine that costs money says what: `cost = "20 credits for each take"`. Without it: nothing.
    # An engine may name the queue its work waits on: `queue = "gpu"`. Without it: "cpu".

    def availability(self) -> Availability: ...

    def capabilities(self) -> frozenset[str]:
        """Of: bpm, key, energy, references, stems, midi, continue, seed, lineage, edit, replay, adapter, blend.

        blend: `render` keeps to brief.blend: tracks of two artists, as much of the other's as its weight says.
        edit: `render` makes the change that brief.edit names to material.parent. replay: the engine has
        `replay(plan, material, *, on_progress) -> Rendering`, the take of a stored plan once more (`Replaying`).
        An engine with either may have a `plan_version`: plans whose "version" is another are not offered to it.
        """
        ...

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        """Seconds for all takes on this machine, before anything is known of its past runs."""
        ...

    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """Make take number `take` (from 1). `on_progress(fraction 0..1, words)` may raise to stop the work.

        Raises EngineError when the material does not allow it.
        """
        ...


@runtime_checkable
class Preparing(Protocol):
    """An engine with models, a text or settings of its own (`options`), decided before anything is queued."""

    options: tuple[Any, ...]

    def models(self) -> list[str]:
        """Names of the models it knows, the one to begin with first."""
        ...

    def prepared(self, brief: Brief, dna: Mapping[str, Any]) -> Brief:
        """The brief with `model`, `text` and `options` as they will count. Raises BadWishes."""
        ...


@runtime_checkable
class Replaying(Protocol):
    """An engine with the capability "replay"."""

    def replay(self, plan: dict[str, Any], material: Material, *, on_progress: OnProgress) -> Rendering:
        """The take of a plan that `render` returned: on the same platform and versions the same samples.

        Raises EngineError with a sentence when a source is gone or the plan is of a version it does not render.
        """
        ...
