"""From a brief to the raw sound of a take: several tries at its beginning, the best of them, and its whole length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from catalog.analysis import TrackAnalysis
from generation.brief import Brief
from generation.engines.base import Material
from generation.engines.musicgen.drift import Beginning, Drift
from generation.engines.musicgen.form import BEATS, Part, Window, beginning, windows
from generation.engines.neural import exact
from generation.engines.neural.exact import SAMPLE_RATE, Correction
from generation.engines.neural.player import Player
from generation.engines.neural.references import COPIED_SECONDS
from generation.engines.neural.words import section_text
from generation.engines.progress import Progress

AGAIN = 2  # times a window is made anew when it drifts


@dataclass(frozen=True, eq=False)
class Try:
    """One try at the beginning. sound: as it came out, (2, n) at 44.1 kHz. match: calibrated, None without a judge.

    copied: seconds in a row that are a recording of the catalog.
    """

    number: int
    seed: int
    tokens: Any
    sound: np.ndarray
    found: TrackAnalysis
    correction: Correction
    match: float | None
    copied: float

    @property
    def is_new(self) -> bool:
        return self.copied < COPIED_SECONDS

    @property
    def rank(self) -> tuple[bool, bool, bool, float, int]:
        """Higher is better: sounding, new, correctable, then nearest to the catalog; the earliest of equals."""
        return (
            not self.found.silent,
            self.is_new,
            self.correction.possible,
            round(self.match or 0.0, 4),
            -self.number,
        )

    def told(self, best: Try) -> dict[str, Any]:
        """As the plan keeps it for the page."""
        return {
            "style": f"try {self.number + 1}",
            "match": self.match,
            "costs": {},
            "chosen": self is best,
            "reason": _reason(self, best),
            "seed": str(self.seed),
            "measured": self.correction.to_json(),
            "copied_seconds": round(self.copied, 2),
        }


def _reason(one: Try, best: Try) -> str:
    if one.found.silent:
        return "It is silent."
    if not one.is_new:
        return f"{one.copied:.0f} seconds in a row are a recording of yours."
    if one is not best and not one.correction.possible and best.correction.possible:
        return one.correction.why
    near = "" if one.match is None else f"{one.match:.0%} match with your catalog."
    return " ".join(
        filter(
            None,
            [
                near,
                f"{one.correction.why}."
                if one.correction.possible and one.correction.why
                else one.correction.why,
            ],
        )
    )


def choice(tries: Sequence[Try], best: Try) -> str:
    """Why this one, in a sentence."""
    if len(tries) == 1:
        return ""
    fit = [one for one in tries if one.is_new and one.correction.possible]
    what = "nearest to your catalog" if best.match is not None else "the first"
    if best not in fit:
        return (
            f"None of {len(tries)} tries could be brought to the tempo and key asked for; this one is {what}."
        )
    if len(fit) == len(tries):
        return f"Of {len(tries)} tries this one is {what}."
    return f"Of {len(tries)} tries {len(fit)} could be brought to tempo and key; of these this one is {what}."


@dataclass
class Maker:
    """What the tries of one take share."""

    brief: Brief
    material: Material
    player: Player
    parts: list[Part]
    progress: Progress
    tries: int
    rounds: int
    windows: list[dict[str, Any]] = field(default_factory=list)

    def text(self, part: int) -> str:
        return section_text(self.brief.text or self.brief.prompt, self.parts[part].name, self.brief.energy)

    @property
    def seconds(self) -> float:
        """Of all bars, at the asked tempo."""
        return self.parts[-1].end_bar * BEATS * 60.0 / self.brief.bpm

    def begin(self) -> list[Try]:
        """Tries at the beginning, a few in one go; more of them, at most `rounds` times, while none is of use."""
        bar = BEATS * 60.0 / self.brief.bpm
        # A bar more: the first bar line may lie anywhere in the first bar. The last 8 % are for the tempo.
        wanted = (self.seconds + bar) * (1.0 + exact.MOST_STRETCH)
        opening = (beginning(self.parts, self.brief.bpm) + 1) * bar * (1.0 + exact.MOST_STRETCH)
        frames = min(
            self.player.longest - self.player.prompt_frames,
            round(min(wanted, opening) * self.player.frame_rate),
        )
        whole = round(wanted * self.player.frame_rate)
        found: list[Try] = []
        for round_ in range(self.rounds):
            seed = self.brief.seed if round_ == 0 else (self.brief.seed * 31 + round_) % 2**63
            words = "Playing" if round_ == 0 else f"Playing again: {_wrong(found)}"

            def step(done: int, words: str = words) -> None:
                self.progress.to(0.04 + 0.66 * done / max(1, whole), words)

            tokens = self.player.first([self.text(0)] * self.tries, frames, seed, step)
            for one in range(self.tries):
                found.append(self._heard(tokens[one : one + 1], len(found), seed))
            if any(one.is_new and one.correction.possible and not one.found.silent for one in found):
                break
        return found

    def _heard(self, tokens: Any, number: int, seed: int) -> Try:
        brief = self.brief
        self.progress.to(0.0, "Listening to what came out")
        sound = self.player.heard(tokens)
        found = exact.measured(sound, brief.bpm, lambda _: self.progress.tick())
        fix = exact.correction(found, brief.bpm, brief.key)
        match = None
        if self.material.judge is not None and not found.silent:
            heard = found
            if fix.possible and (abs(fix.factor - 1.0) > 0.0003 or fix.semitones):
                heard = exact.measured(exact.corrected(sound, fix), brief.bpm, lambda _: self.progress.tick())
            match = round(float(self.material.judge(heard.vector, ())), 4)
        copied = 0.0
        if self.material.copied is not None:
            copied = self.material.copied(sound, SAMPLE_RATE)
            self.progress.tick()
        return Try(number, seed, tokens, sound, found, fix, match, copied)

    def finish(self, best: Try) -> tuple[np.ndarray, Correction, list[str]]:
        """(the raw sound from its first bar line on, what corrects it, notes for the artist)."""
        rate = self.player.frame_rate
        fix = (
            best.correction if best.correction.possible else replace(best.correction, factor=1.0, semitones=0)
        )
        line = _bar_line(best.found) if best.correction.possible else 0.0
        bar_frames = BEATS * 60.0 / self.brief.bpm * fix.factor * rate
        total = int(np.ceil(line * rate + self.parts[-1].end_bar * bar_frames)) + 2
        # What was made beyond the first section, to be judged by, has that section's words: it is made anew.
        opening_ends = round(line * rate + self.parts[0].end_bar * bar_frames)
        tokens = best.tokens[..., : min(total, opening_ends) if len(self.parts) > 1 else total]
        notes: list[str] = []
        have = int(tokens.shape[-1])
        if have < total:
            plan = windows(self.parts, have, bar_frames, line * rate, self.player.longest, total)
            tokens = self._extend(tokens, plan, best, total, notes)
        self.progress.to(0.72, "Decoding")
        sound = best.sound if have >= total else self.player.heard(tokens)
        return sound[:, round(line * SAMPLE_RATE) :], fix, notes

    def _extend(self, tokens: Any, plan: list[Window], best: Try, total: int, notes: list[str]) -> Any:
        begun = Beginning.of(best.sound, best.found, in_time=best.correction.possible)
        for number, window in enumerate(plan):
            part = self.parts[window.part]
            words = f"Playing the {part.name}, {number + 1} of {len(plan)}"

            def step(done: int, window: Window = window, words: str = words) -> None:
                self.progress.to(0.04 + 0.66 * (window.start + done) / total, words)

            kept: tuple[Drift, Any, int] | None = None
            for again in range(1 + AGAIN):
                seed = (best.seed + 1_000_003 * (number + 1) + 7_919 * again) % 2**63
                longer = self.player.go_on(
                    tokens, self.text(window.part), window.context, window.end - window.start, seed, step
                )
                off = begun.drift(self._heard_of(longer, window))
                if kept is None or off.size < kept[0].size:
                    kept = (off, longer, seed)
                if not off.size:
                    break
            off, tokens, seed = kept  # type: ignore[misc]  # the loop ran once at least
            if off.size:
                notes.append(
                    f"The {part.name} drifted away from the beginning in {off.words}, also when it was played again."
                )
            self.windows.append(
                {
                    "start": window.start,
                    "end": window.end,
                    "context": window.context,
                    "section": part.name,
                    "seed": str(seed),
                    "drift": off.to_json(),
                }
            )
        return tokens

    def _heard_of(self, tokens: Any, window: Window) -> np.ndarray:
        context = min(window.start, round(self.player.frame_rate))  # the decoder hears about a second
        sound = self.player.heard(tokens[..., window.start - context :])
        return sound[:, round(context / self.player.frame_rate * SAMPLE_RATE) :]


def _wrong(found: Sequence[Try]) -> str:
    return (_reason(found[-1], found[-1]) or "not as asked").rstrip(".").lower()


def _bar_line(found: TrackAnalysis) -> float:
    """Seconds of the first bar line that was heard, or the beginning where it is not sure."""
    if found.first_downbeat is None or found.downbeat_confidence < 0.3 or found.beat_period is None:
        return 0.0
    return float(found.first_downbeat % (BEATS * found.beat_period))
