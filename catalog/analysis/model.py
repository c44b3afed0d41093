"""The value an analysis is: what was measured on one track, and how it is stored as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from catalog.analysis.keys import Key

ANALYSIS_VERSION = 2
VECTOR_SIZE = 242
BANDS: tuple[tuple[str, float, float], ...] = (
    ("sub_bass", 20.0, 60.0),
    ("bass", 60.0, 250.0),
    ("low_mid", 250.0, 500.0),
    ("mid", 500.0, 2000.0),
    ("high_mid", 2000.0, 4000.0),
    ("presence", 4000.0, 6000.0),
    ("brilliance", 6000.0, 20000.0),
)
Felt = Literal["straight", "half-time", "double-time"]
Floats = npt.NDArray[np.float32]


def finite(value: float | np.floating[Any] | None, digits: int = 4) -> float | None:
    """A rounded plain float, or None where there is no finite value: JSON knows no NaN."""
    if value is None or not np.isfinite(value):
        return None
    return round(float(value), digits)


def _listed(values: npt.ArrayLike, digits: int) -> list[Any]:
    clean = np.nan_to_num(np.asarray(values, dtype=np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    listed: list[Any] = np.round(clean, digits).tolist()
    return listed


@dataclass(frozen=True, eq=False)
class Bars:
    """What was measured in each bar of 4 beats, in file time; n bars.

    start, end: (n,) seconds. rms_db: (n,) dBFS of the mono sum. low: (n,) log10 power at 32-118 Hz
    relative to full scale. onset: (n,) mean onset strength. drums: (n,) percussive share 0..1.
    chroma: (n, 12) mean chroma, each row summing to 1 (0 = C). timbre: (n, 12) mean MFCC 1..12.
    """

    start: Floats
    end: Floats
    rms_db: Floats
    low: Floats
    onset: Floats
    drums: Floats
    chroma: Floats
    timbre: Floats

    _DIGITS = {"start": 5, "end": 5, "rms_db": 2, "low": 3, "onset": 4, "drums": 3, "chroma": 3, "timbre": 2}

    def __len__(self) -> int:
        return len(self.start)

    @classmethod
    def none(cls) -> Bars:
        """No bars: a track without a pulse."""
        empty, wide = np.zeros(0, np.float32), np.zeros((0, 12), np.float32)
        return cls(empty, empty, empty, empty, empty, empty, wide, wide)

    def to_json(self) -> dict[str, list[Any]]:
        return {name: _listed(getattr(self, name), digits) for name, digits in self._DIGITS.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Bars:
        def read(name: str) -> Floats:
            values = np.asarray(data[name], dtype=np.float32)
            return values.reshape(-1, 12) if name in ("chroma", "timbre") else values

        return cls(**{name: read(name) for name in cls._DIGITS})


@dataclass(frozen=True)
class Section:
    """A stretch of bars with one role: intro, build, drop, break or outro. Times in seconds."""

    name: str
    start: float
    end: float
    first_bar: int
    bars: int


@dataclass(frozen=True, eq=False)
class TrackAnalysis:
    """Everything measured on one track. Times are seconds in the untrimmed file.

    bpm, beat_period and first_downbeat are None when no pulse was found; lufs and the peaks when the
    file is silent; key when nothing tonal sounds. `felt` says whether the pulse is felt at half or
    twice `bpm`; half_time_bpm and double_time_bpm follow from it. tempo_drift is the share by which
    its slow and fast passages differ, 0 when steady. `energy` (0..1) is a percentile against the frozen
    background and never saturates; `measures` holds the raw figures behind it, so that a new
    background re-scores without decoding again. `energy_curve` has one value per bar, 1 = this
    track's fullest bars.
    """

    version: int
    duration: float
    bpm: float | None
    bpm_confidence: float
    bpm_alternatives: tuple[float, ...]
    bpm_evidence: str
    felt: Felt
    tempo_steady: bool
    beat_period: float | None
    first_downbeat: float | None
    downbeat_confidence: float
    bars: Bars
    key: Key | None
    tuning_cents: float
    key_scores: tuple[float, ...]
    lufs: float | None
    loudness_range: float | None
    peak_dbfs: float | None
    energy: float
    energy_curve: tuple[float, ...]
    sections: tuple[Section, ...]
    palette: dict[str, float]
    ltas: Floats
    vector: Floats
    measures: dict[str, float] = field(default_factory=dict)
    # What version 1 did not measure: missing in its documents.
    felt_confidence: float = 0.0
    tempo_drift: float = 0.0
    true_peak_dbtp: float | None = None

    @property
    def half_time_bpm(self) -> float | None:
        """The tempo it is felt at, when that is half of `bpm`. Derived, so that the two cannot disagree."""
        return self.bpm / 2 if self.bpm is not None and self.felt == "half-time" else None

    @property
    def double_time_bpm(self) -> float | None:
        """The tempo it is felt at, when that is twice `bpm`."""
        return self.bpm * 2 if self.bpm is not None and self.felt == "double-time" else None

    @property
    def silent(self) -> bool:
        """True when nothing in the file is loud enough to be measured."""
        return self.lufs is None

    def to_json(self) -> dict[str, Any]:
        """Everything but the vector, as JSON-able values; the vector is stored beside it."""
        return {
            "version": self.version,
            "duration": round(self.duration, 4),
            "bpm": finite(self.bpm),
            "bpm_confidence": finite(self.bpm_confidence),
            "bpm_alternatives": [finite(b) for b in self.bpm_alternatives],
            "bpm_evidence": self.bpm_evidence,
            "felt": self.felt,
            "felt_confidence": finite(self.felt_confidence),
            "half_time_bpm": finite(self.half_time_bpm),
            "double_time_bpm": finite(self.double_time_bpm),
            "tempo_steady": self.tempo_steady,
            "tempo_drift": finite(self.tempo_drift),
            "beat_period": finite(self.beat_period, 8),
            "first_downbeat": finite(self.first_downbeat, 5),
            "downbeat_confidence": finite(self.downbeat_confidence),
            "bars": self.bars.to_json(),
            "key": None if self.key is None else self.key.to_json(),
            "tuning_cents": finite(self.tuning_cents, 1),
            "key_scores": [finite(s) for s in self.key_scores],
            "lufs": finite(self.lufs, 2),
            "loudness_range": finite(self.loudness_range, 2),
            "peak_dbfs": finite(self.peak_dbfs, 2),
            "true_peak_dbtp": finite(self.true_peak_dbtp, 2),
            "energy": finite(self.energy),
            "energy_curve": _listed(self.energy_curve, 3),
            "sections": [
                {f.name: getattr(s, f.name) for f in fields(s)}
                | {"start": round(s.start, 4), "end": round(s.end, 4)}
                for s in self.sections
            ],
            "palette": {name: finite(share, 6) for name, share in self.palette.items()},
            "ltas": _listed(self.ltas, 2),
            "measures": {name: finite(value, 5) for name, value in self.measures.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any], *, vector: npt.ArrayLike) -> TrackAnalysis:
        """The analysis that `to_json` wrote, with its (242,) vector given back."""
        values = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        values |= {
            "bpm_alternatives": tuple(data["bpm_alternatives"]),
            "bars": Bars.from_json(data["bars"]),
            "key": None if data["key"] is None else Key.from_json(data["key"]),
            "key_scores": tuple(data["key_scores"]),
            "energy_curve": tuple(data["energy_curve"]),
            "sections": tuple(Section(**s) for s in data["sections"]),
            "ltas": np.asarray(data["ltas"], dtype=np.float32),
            "vector": np.asarray(vector, dtype=np.float32),
        }
        return cls(**values)


def spread(values: Sequence[float] | Floats) -> float:
    """Standard deviation, 0 for fewer than two values."""
    return float(np.std(values)) if len(values) > 1 else 0.0
