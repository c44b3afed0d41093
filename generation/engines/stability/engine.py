"""The hosted Stable Audio as an engine: one order for each take, paid in credits; measured and mastered here."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from catalog.repeatable import one_thread
from generation.brief import Brief
from generation.engines.base import Availability, EngineError, Material, OnProgress, Rendering
from generation.engines.neural import ending, finishing
from generation.engines.neural.exact import MOST_STRETCH, SAMPLE_RATE
from generation.engines.neural.options import Option, decided
from generation.engines.neural.preparing import check_text, prepared_again
from generation.engines.neural.references import COPIED_SECONDS, excerpt
from generation.engines.neural.words import described
from generation.engines.progress import Progress
from generation.engines.stability.client import (
    ACCOUNT,
    CREDITS,
    DOLLARS_EACH,
    MODEL,
    REFERENCE_SECONDS,
    SECONDS,
    SEEDS,
    Order,
    Service,
)
from generation.engines.stability.paid import Paid
from generation.prompting import BadWishes

BASE = "https://api.stability.ai"
EXPECTED_SECONDS = 25.0  # an answer takes about so long; only the bar of progress believes it
LOOK_SECONDS = 0.4
LONGEST_SECONDS = 170.0  # of a take: more is ordered, because what is made faster comes out shorter
PAID_BEFORE = "This sound had been paid for by an earlier attempt; it was not ordered again."

OPTIONS = (
    Option(
        "reference_strength",
        "Distance from the reference",
        "number",
        0.6,
        "How far the take may go from your reference: 0 keeps nearly all of it, 1 nothing.",
        0,
        1,
    ),
)

T = TypeVar("T")


class StabilityAPI:
    """Stable Audio 2.5 on the machines of Stability AI."""

    slug = "stability-api"
    label = "Stable Audio 2.5, hosted"
    version = MODEL
    licence = "Stability AI's terms of service, with whoever owns the key"
    commercial_use = True
    description = (
        "Made on the machines of Stability AI: your words, and a reference if you choose one, are sent there."
    )

    options = OPTIONS
    cost = f"{CREDITS} credits of the Stability account for each take, about US$ {CREDITS * DOLLARS_EACH:.2f}"

    def availability(self) -> Availability:
        if _key():
            return Availability(ready=True)
        return Availability(
            False,
            "No key for the Stability API is set here.",
            f"Make one at {ACCOUNT} and set STARFORGE_STABILITY_KEY. {CREDITS} credits are charged for each take.",
        )

    def capabilities(self) -> frozenset[str]:
        return frozenset({"bpm", "key", "energy", "references", "stems", "seed"})

    def estimate(self, brief: Brief, corpus_size: int) -> float:
        return brief.takes * (EXPECTED_SECONDS + 0.3 * brief.duration_seconds)

    def models(self) -> list[str]:
        """None that lie on this machine."""
        return []

    def prepared(self, brief: Brief, dna: Mapping[str, Any]) -> Brief:
        """The brief with text and settings decided. Raises BadWishes."""
        check_text(brief.text)
        if brief.duration_seconds > LONGEST_SECONDS:
            raise BadWishes(
                {"duration_seconds": f"The hosted Stable Audio plays up to {LONGEST_SECONDS:.0f} seconds."}
            )
        return replace(
            brief,
            model=MODEL,
            text=brief.text or described(brief, dna, []),
            options=decided(self.options, brief.options),
            evidence=brief.evidence | {"text": "asked" if brief.text else "rules"},
        )

    @one_thread
    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """One take, charged once: what was paid for is kept for a week and found again by the same request.

        Raises EngineError with a sentence for every refusal, and says whether anything was charged.
        """
        progress = Progress(on_progress)
        brief = prepared_again(self, brief)
        key = _key()
        if not key:
            availability = self.availability()
            raise EngineError(f"{availability.missing} {availability.how}")
        progress.to(0.0, "Preparing the request")
        bars = finishing.whole_bars(brief.duration_seconds, brief.bpm, most=LONGEST_SECONDS)
        order, sources = self._order(brief, material, bars * finishing.BEATS * 60.0 / brief.bpm, progress)
        service = Service(_base(), key)
        paid = Paid(_folder())
        owner = ",".join(sorted(track.id for track in material.corpus))  # an artist's, without naming them
        file, bought = _meanwhile(
            lambda: paid.get(order, owner, lambda into: service.buy(order, into)), progress
        )
        progress.to(0.75, "Measuring tempo and key")
        piece = finishing.put_right(_decoded(file), brief)
        copied = material.copied(piece.audio, SAMPLE_RATE) if material.copied else 0.0
        if copied >= COPIED_SECONDS:
            raise EngineError(
                f"What came back still is a recording of yours for {copied:.0f} seconds in a row. Go further from the "
                f"reference, or take none. {_charged(bought)}"
            )
        done = ending.ended(finishing.joined([piece], [bars], brief), brief, progress, 0.82)
        said = order.form() | {"model": MODEL}
        return Rendering(
            audio=done.audio,
            sample_rate=SAMPLE_RATE,
            stems=done.stems,
            plan={
                "engine": f"{self.slug}/1",
                "text": brief.text,
                "order": said,
                "seed": str(brief.seed),
                "bpm": brief.bpm,
                "windows": [{"bars": bars, **piece.by.to_json()}],
                "references_as": "beginning" if sources else "off",
                "conditioned_on": sources,
                **done.told,
                "copied_seconds": round(copied, 2),
                "credits": CREDITS if bought else 0,
            },
            notes=[*([] if bought else [PAID_BEFORE]), *piece.notes],
            generator={
                "service": _base(),
                "weights": MODEL,
                "weights_sha256": None,
                "fine_tuned": False,
                "conditioned_on": [one["track_id"] for one in sources],
            },
        )

    def _order(
        self, brief: Brief, material: Material, seconds: float, progress: Progress
    ) -> tuple[Order, list[dict[str, Any]]]:
        # A little more than is wanted: it begins on its first downbeat, and may have to be made faster.
        length = min(SECONDS[1], max(SECONDS[0], round(seconds * (1 + MOST_STRETCH) + 2)))
        order = Order(str(brief.text), length, 1 + brief.seed % SEEDS)
        found = excerpt(brief, material.corpus, seconds=float(length), melodic=False, tick=progress.tick)
        if found is None:
            return order, []
        sound = found.sound[:, : round(REFERENCE_SECONDS[1] * SAMPLE_RATE)]
        if sound.shape[1] < REFERENCE_SECONDS[0] * SAMPLE_RATE:
            raise EngineError(
                "The Stability API wants at least six seconds of a reference. Choose more bars."
            )
        strength = max(0.01, float(brief.options["reference_strength"]))
        return replace(order, audio=_mp3(sound), strength=strength), list(found.sources)


def _meanwhile(work: Callable[[], T], progress: Progress) -> T:
    """Do it beside, so that a cancel is heard at once. A sound that comes later is kept: it has been paid for."""
    answer: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            answer.append(work())
        except BaseException as error:  # noqa: BLE001  it is raised again where somebody waits for it
            failed.append(error)

    thread = threading.Thread(target=run, name="stability", daemon=True)
    began = time.monotonic()
    thread.start()
    while thread.is_alive():
        thread.join(LOOK_SECONDS)
        passed = time.monotonic() - began
        progress.to(0.05 + 0.65 * passed / (passed + EXPECTED_SECONDS), "Waiting for Stability AI")
    if failed:
        raise failed[0]
    return answer[0]


def _charged(bought: bool) -> str:
    return f"{CREDITS} credits were charged for it." if bought else PAID_BEFORE


def _decoded(file: Path) -> np.ndarray:
    """(2, n) float32 at 44.1 kHz, in the limited child that reads uploads: it came from outside."""
    from catalog.audio.decode import decode
    from catalog.audio.errors import AudioError
    from catalog.audio.limits import Limits

    try:
        return np.asarray(decode(file, sample_rate=SAMPLE_RATE, limits=Limits(max_seconds=600.0)).samples)
    except AudioError as error:
        file.unlink(missing_ok=True)  # else every retry would find it again
        raise EngineError(
            f"What the Stability API sent cannot be read as sound: {error} It may have been charged."
        ) from error


def _mp3(sound: np.ndarray) -> bytes:
    from catalog.audio.encode import write_mp3

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reference.mp3"
        write_mp3(file, sound, SAMPLE_RATE, 320)
        return file.read_bytes()


def _key() -> str:
    return os.environ.get("STARFORGE_STABILITY_KEY", "").strip()


def _base() -> str:
    return os.environ.get("STARFORGE_STABILITY_URL", "").strip().rstrip("/") or BASE


def _folder() -> Path:
    return Path(os.environ.get("STARFORGE_PAID") or Path("var") / "paid")
