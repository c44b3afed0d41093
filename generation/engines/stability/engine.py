"""The hosted Stable Audio as an engine: one order for each take, paid in credits; measured and mastered here."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from catalog.repeatable import one_thread
from generation.brief import Brief
from generation.engines.base import Availability, EngineError, Material, OnProgress, Rendering
from generation.engines.neural import finishing
from generation.engines.neural.finishing import RATE
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
from generation.engines.stable_audio.references import excerpt

BASE = "https://api.stability.ai"
EXPECTED_SECONDS = 25.0  # an answer takes about so long; only the bar of progress believes it
LOOK_SECONDS = 0.4
STRENGTH = 0.6

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

    @one_thread
    def render(self, brief: Brief, material: Material, *, take: int, on_progress: OnProgress) -> Rendering:
        """One take, charged once: what was paid for is kept for a week and found again by the same request.

        Raises EngineError with a sentence for every refusal, and says whether anything was charged.
        """
        if brief.edit is not None:
            raise EngineError(
                "A take of the hosted Stable Audio cannot be edited. Ask for a variation instead."
            )
        key = _key()
        if not key:
            availability = self.availability()
            raise EngineError(f"{availability.missing} {availability.how}")
        on_progress(0.0, "Preparing the request")
        bars = finishing.whole_bars(
            min(brief.duration_seconds, SECONDS[1] - 4.0), brief.bpm, most=SECONDS[1] - 4.0
        )
        seconds = bars * finishing.BEATS * 60.0 / brief.bpm
        order, reference = self._order(brief, material, seconds)
        service = Service(_base(), key)
        paid = Paid(_folder())
        owner = ",".join(sorted(track.id for track in material.corpus))  # an artist's, without naming them
        again = paid.has(order, owner)
        file = _meanwhile(lambda: paid.get(order, owner, lambda into: service.buy(order, into)), on_progress)
        on_progress(0.75, "Measuring tempo and key")
        sound = _decoded(file)
        piece = finishing.put_right(sound, brief)
        audio = finishing.joined([piece], [bars], brief, seconds)
        on_progress(0.85, "Separating layers and mastering")
        done = finishing.mastered(audio, brief, lambda: on_progress(0.88, "Separating layers and mastering"))
        return Rendering(
            audio=done.audio,
            sample_rate=RATE,
            stems=done.stems,
            plan={
                "engine": f"{self.slug}/1",
                "order": order.form(),
                "reference": reference,
                "windows": [{"bars": bars, **finishing.said(piece)}],
                "gain_db": done.gain_db,
                "credits": 0 if again else CREDITS,
            },
            notes=[*_notes(brief, seconds, again), *piece.notes],
            generator={"service": _base(), "weights": MODEL, "weights_sha256": None, "fine_tuned": False},
        )

    def _order(self, brief: Brief, material: Material, seconds: float) -> tuple[Order, dict[str, Any] | None]:
        text = brief.text or finishing.asked_in_words(brief)
        # A little more than is wanted: it begins on its first downbeat, and may have to be made faster.
        length = min(SECONDS[1], max(SECONDS[0], round(seconds * (1 + finishing.MOST_STRETCH) + 2)))
        order = Order(text, length, 1 + brief.seed % SEEDS)
        found = excerpt(brief, material, min(length, REFERENCE_SECONDS[1]))
        if found is None:
            return order, None
        if found.sound.shape[1] < REFERENCE_SECONDS[0] * RATE:
            raise EngineError(
                "The Stability API wants at least six seconds of a reference. Choose more bars."
            )
        strength = brief.options.get("reference_strength")
        strength = STRENGTH if strength is None else float(strength)
        if not 0 <= strength <= 1:
            raise EngineError("“reference_strength” is a number from 0 to 1.")
        return Order(
            order.prompt, order.seconds, order.seed, _mp3(found.sound), max(0.01, strength)
        ), found.said


def _notes(brief: Brief, seconds: float, again: bool) -> list[str]:
    notes = []
    if again:
        notes.append("This sound had been paid for by an earlier attempt; it was not ordered again.")
    if brief.duration_seconds - seconds > 4.0:
        notes.append(
            f"The hosted Stable Audio makes at most {SECONDS[1]} seconds, so the take is shorter than asked."
        )
    return [*notes, "The layers were separated from the finished sound, so they are approximate."]


def _meanwhile(work: Callable[[], T], on_progress: OnProgress) -> T:
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
        on_progress(0.05 + 0.65 * passed / (passed + EXPECTED_SECONDS), "Waiting for Stability AI")
    if failed:
        raise failed[0]
    return answer[0]


def _decoded(file: Path) -> np.ndarray:
    """(2, n) float32 at 44.1 kHz, in the limited child that reads uploads: it came from outside."""
    from catalog.audio.decode import decode
    from catalog.audio.errors import AudioError
    from catalog.audio.limits import Limits

    try:
        return np.asarray(decode(file, sample_rate=RATE, limits=Limits(max_seconds=600.0)).samples)
    except AudioError as error:
        file.unlink(missing_ok=True)  # else every retry would find it again
        raise EngineError(
            f"What the Stability API sent cannot be read as sound: {error} It may have been charged."
        ) from error


def _mp3(sound: np.ndarray) -> bytes:
    from catalog.audio.encode import write_mp3

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "reference.mp3"
        write_mp3(file, sound, RATE, 320)
        return file.read_bytes()


def _key() -> str:
    return os.environ.get("STARFORGE_STABILITY_KEY", "").strip()


def _base() -> str:
    return os.environ.get("STARFORGE_STABILITY_URL", "").strip().rstrip("/") or BASE


def _folder() -> Path:
    return Path(os.environ.get("STARFORGE_PAID") or Path("var") / "paid")
