"""What happens between the blocks: fills, cuts, swells, impacts, sweeps, ducking, and the last ring.

Everything is made from the stems themselves (a swell is a bar of its section, reversed), so no sound enters that the
artist did not make, besides the seeded noise that shapes a reverberation.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from generation.engines.mosaic.arrange import FADE
from generation.engines.mosaic.plan import SAMPLE_RATE, Event, Plan, generator
from generation.engines.mosaic.separate import low_passed

Stems = dict[str, np.ndarray]
EDGE = 96  # samples of fade at the edges of an edit
CUT_FALL = 0.045 * SAMPLE_RATE  # samples
AUDIBLE = 0.1  # of a usual stroke: less than that is no note
BEATEN = ("kick", "drums")
DARK_HZ, OPEN_HZ = 700.0, 16_000.0  # of a sweep
SETTLED = 2048  # samples before it is heard in which a filter settles
TONAL = ("bass", "harmony", "lead")


def apply_events(plan: Plan, stems: Stems, tick: Callable[[], None]) -> None:
    """Carry out the events of a plan on its stems, in place."""
    room = _room(plan)
    # what is copied from the stems (swells, impacts, the ending) is copied before anything is carved out of them
    for kind in ("fill", "ending", "impact", "swell", "sweep", "duck", "cut"):
        for event in plan.events:
            if event.kind != kind:
                continue
            tick()
            if kind == "fill":
                _fill(plan, stems, event)
            elif kind == "ending":
                _ending(plan, stems, event, room)
            elif kind == "impact":
                _impact(plan, stems, event, room)
            elif kind == "swell":
                _swell(plan, stems, event)
            elif kind == "sweep":
                _sweep(plan, stems, event)
            elif kind == "duck":
                _duck(plan, stems, event)
            else:
                _cut(plan, stems, event)


def struck(plan: Plan, strokes: Sequence[tuple[int, float]]) -> list[tuple[int, float]]:
    """What the events make of strokes of the kick, (sample, gain) each: fills and the ending repeat, cuts silence."""
    found = list(strokes)
    for event in plan.events:
        if event.kind == "fill" and not _voiced(plan, event):
            begin = plan.grid.bar(int(event.bar))
            echoes = _echoes(plan, event)
            source = [(at - begin, gain) for at, gain in found if 0 <= at - begin < plan.grid.beat(0.5)]
            found = [(at, gain) for at, gain in found if not echoes[0][0] <= at < echoes[-1][1]]
            found += [(start + at, gain * level) for start, _, level in echoes for at, gain in source]
    for event in plan.events:
        start = plan.grid.bar(event.bar)
        if event.kind == "ending" and start < plan.samples:
            origin = plan.grid.bar(plan.sections[-1].first_bar)
            source = [(at - origin, gain) for at, gain in found if 0 <= at - origin < plan.grid.beat(0.5)]
            found = [(at, gain) for at, gain in found if at < start]
            found += [(start + at, gain) for at, gain in source if start + at < plan.samples]
        elif event.kind == "cut":
            end = min(plan.grid.bar(event.bar + event.bars), plan.samples)
            found = [
                (at, gain * (_fallen(at - start, event.amount) if start <= at < end else 1.0))
                for at, gain in found
            ]
    return sorted((at, gain) for at, gain in found if gain >= AUDIBLE)


def _fallen(samples: int, amount: float) -> float:
    """What a cut leaves of the sound after so many samples."""
    return 1.0 - amount * (1.0 - float(np.exp(-samples / CUT_FALL)))


def _voiced(plan: Plan, event: Event) -> bool:
    """Whether the drums of its bar are played: a played part has fills of its own."""
    return any(voice.bar <= int(event.bar) < voice.end_bar for voice in plan.voices)


def _beaten(stems: Stems, start: int, end: int) -> np.ndarray:
    """Everything percussive in these samples, as an array of its own."""
    return np.asarray(stems["kick"][:, start:end] + stems["drums"][:, start:end])


def _fill(plan: Plan, stems: Stems, event: Event) -> None:
    """A drum fill in the last beats: the bar's first eighth again and again, rising; half of them at half amount."""
    if _voiced(plan, event) or not _fills(plan, stems, event):
        return
    begin = plan.grid.bar(int(event.bar))
    for name in BEATEN:
        source = stems[name][:, begin : begin + plan.grid.beat(0.5)].copy()
        _soften(source)
        for start, end, level in _echoes(plan, event):
            stems[name][:, start:end] = source[:, : end - start] * np.float32(level)


def _fills(plan: Plan, stems: Stems, event: Event) -> bool:
    """Whether there is anything to fill with."""
    eighth = plan.grid.beat(0.5)
    source = _beaten(stems, plan.grid.bar(int(event.bar)), plan.grid.bar(int(event.bar)) + eighth)
    return source.shape[1] == eighth and float(np.abs(source).max()) >= 1e-4


def _echoes(plan: Plan, event: Event) -> list[tuple[int, int, float]]:
    """(start, end, level) of the eighths of a fill, in samples."""
    grid, steps = plan.grid, 4 if event.amount >= 0.75 else 2
    found = []
    for step in range(steps):
        beat = (int(event.bar) + 1) * 4 - 0.5 * (steps - step)
        start = grid.beat(beat)
        end = min(grid.beat(beat + 0.5), plan.samples, start + grid.beat(0.5))
        if end > start:
            found.append((start, end, 0.55 + 0.45 * step / max(1, steps - 1)))
    return found


def _cut(plan: Plan, stems: Stems, event: Event) -> None:
    """A breath before a drop: everything but the swell falls away over the last beat."""
    start, end = plan.grid.bar(event.bar), plan.grid.bar(event.bar + event.bars)
    count = min(end, plan.samples) - start
    if count <= 0:
        return
    fall = np.exp(-np.arange(count) / CUT_FALL).astype(np.float32)
    curve = 1.0 - np.float32(event.amount) * (1.0 - fall)
    for name in (*BEATEN, *TONAL):
        # the drop fades in a few milliseconds early: what belongs to it keeps its rise
        edge = min(FADE[name], count - 1)
        own = curve.copy()
        own[count - edge :] = np.linspace(float(own[count - edge - 1]), 1.0, edge, dtype=np.float32)
        stems[name][:, start : start + count] *= own


def _swell(plan: Plan, stems: Stems, event: Event) -> None:
    """A bar reversed and rising into what comes: the first of its own section, so that another drop leaves it alone."""
    grid = plan.grid
    start, end = grid.bar(event.bar), grid.bar(event.bar + event.bars)
    end = min(end, plan.samples)
    count = end - start
    if count < SAMPLE_RATE // 20:
        return
    first = grid.bar(plan.section_at(int(event.bar)).first_bar)
    heard = stems["harmony"][:, first : first + count] + np.float32(0.6) * _beaten(
        stems, first, first + count
    )
    heard = heard - low_passed(heard, 250.0, 513)
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32) ** 3
    swell = heard[:, ::-1] * ramp * np.float32(0.7 * event.amount)
    swell[:, -EDGE:] *= np.linspace(1.0, 0.0, EDGE, dtype=np.float32)
    stems["fx"][:, end - count : end] += swell


def _impact(plan: Plan, stems: Stems, event: Event, room: np.ndarray) -> None:
    """The first hit of a drop, in a large room."""
    from scipy.signal import oaconvolve

    start = plan.grid.bar(event.bar)
    hit = _beaten(stems, start, start + SAMPLE_RATE // 8)
    if hit.shape[1] < SAMPLE_RATE // 8:
        return
    hit[:, -2048:] *= np.linspace(1.0, 0.0, 2048, dtype=np.float32)
    # it rings within its own section
    end = min(plan.grid.bar(plan.section_at(int(event.bar)).end_bar), plan.samples)
    wet = oaconvolve(hit, room, axes=1)[:, : end - start].astype(np.float32)
    wet -= low_passed(wet, 200.0, 513)
    edge = min(2048, wet.shape[1])
    wet[:, wet.shape[1] - edge :] *= np.linspace(1.0, 0.0, edge, dtype=np.float32)
    stems["fx"][:, start : start + wet.shape[1]] += wet * np.float32(0.5 * event.amount)


def _sweep(plan: Plan, stems: Stems, event: Event) -> None:
    """Harmony opening from dark to full over a section: second-order low-passes a quarter octave apart, in turn.

    Each is heard between its neighbours, fading into the next, which sounds nearly the same.
    """
    from scipy.signal import sosfilt

    start, end = plan.grid.bar(event.bar), min(plan.grid.bar(event.bar + event.bars), plan.samples)
    count = max(1, end - start)
    octaves = float(np.log2(OPEN_HZ / DARK_HZ))
    doors = np.linspace(0.0, octaves, round(4 * octaves) + 1)
    # the last part of the way is open, and the dry sound is blended in, so that it joins what follows
    at = np.round(doors * 0.85 / 5.2 * count).astype(int)
    places = np.arange(count) / count
    dry = np.maximum(1.0 - event.amount, (places - 0.85) / 0.15).astype(np.float32)
    if start:  # from what went before without a click
        edge = min(512, count)
        dry[:edge] = np.maximum(dry[:edge], np.linspace(1.0, 0.0, edge, dtype=np.float32))
    for name in ("harmony", "lead"):
        stem = stems[name]
        if not stem[:, start:end].any():
            continue
        wet = np.zeros((2, count), dtype=np.float32)
        for number, octave in enumerate(doors):
            low = at[number - 1] if number else 0
            high = at[number + 1] if number + 1 < len(at) else count
            settled = min(SETTLED, start + low)
            piece = stem[:, start + low - settled : start + high]
            level = np.ones(high - low)
            if number:
                level[: at[number] - low] = np.arange(at[number] - low) / (at[number] - low)
            if number + 1 < len(at):
                level[at[number] - low :] = 1.0 - np.arange(high - at[number]) / (high - at[number])
            heard = sosfilt(_low_pass(DARK_HZ * 2.0**octave), piece, axis=1)[:, settled:]
            wet[:, low:high] += heard * level
        stem[:, start:end] = (1.0 - dry) * wet + dry * stem[:, start:end]


def _low_pass(hertz: float) -> np.ndarray:
    """(1, 6) second-order Butterworth low-pass, by the bilinear transform."""
    k = np.tan(np.pi * hertz / SAMPLE_RATE)
    norm = 1.0 / (1.0 + np.sqrt(2.0) * k + k * k)
    b = k * k * norm
    return np.array([[b, 2 * b, b, 1.0, 2.0 * (k * k - 1.0) * norm, (1.0 - np.sqrt(2.0) * k + k * k) * norm]])


def _duck(plan: Plan, stems: Stems, event: Event) -> None:
    """Bass and harmony give way to the kick that is really there, whatever its pattern."""
    start, end = plan.grid.bar(event.bar), min(plan.grid.bar(event.bar + event.bars), plan.samples)
    drums = _beaten(stems, start, end)
    if drums.shape[1] < SAMPLE_RATE // 4 or not drums.any():
        return
    step = 64
    kick = np.abs(low_passed(drums.mean(axis=0, keepdims=True), 140.0, 513))[0]
    kick = np.pad(kick, (0, (-kick.size) % step)).reshape(-1, step).max(axis=1)
    top = float(np.percentile(kick, 97))
    if top < 1e-4:
        return
    drive = np.clip(kick / top, 0.0, 1.0) ** 1.5
    # instant attack, 90 ms release: a running upper envelope of decaying lines
    decay = step / (0.09 * SAMPLE_RATE)
    ramp = np.arange(drive.size) * decay
    held = np.maximum.accumulate(np.where(drive > 1e-3, np.log(np.maximum(drive, 1e-3)), -7.0) + ramp) - ramp
    # smoothed over about 4 ms so that the gain itself makes no click
    smooth = np.convolve(np.exp(held), np.full(3, 1.0 / 3.0), mode="same")
    curve = np.interp(np.arange(end - start), np.arange(smooth.size) * step, smooth).astype(np.float32)
    edge = min(2048, curve.size // 2)
    curve[:edge] *= np.linspace(0.0, 1.0, edge, dtype=np.float32) if event.bar else np.float32(1.0)
    curve[-edge:] *= np.linspace(1.0, 0.0, edge, dtype=np.float32)
    depth = np.float32(event.amount)
    stems["bass"][:, start:end] *= 1.0 - depth * curve
    for name in ("harmony", "lead"):
        stems[name][:, start:end] *= 1.0 - np.float32(0.45) * depth * curve


def _ending(plan: Plan, stems: Stems, event: Event, room: np.ndarray) -> None:
    """One more downbeat after the last bar, ringing out to the exact end of the take."""
    from scipy.signal import oaconvolve

    start = min(plan.grid.bar(event.bar), plan.samples)
    count = plan.samples - start
    if count <= 0:
        return
    last = plan.sections[-1]
    origin = plan.grid.bar(last.first_bar)
    fall = np.exp(-np.arange(count) / max(0.3 * count, 1.0)).astype(np.float32)
    fall *= np.sqrt(np.linspace(1.0, 0.0, count, dtype=np.float32))
    for name in TONAL:
        held = stems[name][:, origin : origin + min(count, plan.grid.beat(2))].copy()
        if not held.any():
            continue
        held[:, -min(4096, held.shape[1]) :] *= np.linspace(
            1.0, 0.0, min(4096, held.shape[1]), dtype=np.float32
        )
        wet = oaconvolve(held, room, axes=1)[:, :count].astype(np.float32)
        wet = np.pad(wet, ((0, 0), (0, count - wet.shape[1])))
        level = float(np.sqrt(np.mean(np.square(held))) / max(float(np.sqrt(np.mean(np.square(wet)))), 1e-9))
        held[:, :64] *= np.linspace(0.0, 1.0, 64, dtype=np.float32)
        dry = np.pad(held, ((0, 0), (0, count - held.shape[1])))
        stems[name][:, start:] = (0.6 * dry + min(level, 4.0) * 0.6 * wet) * fall
    for name in BEATEN:
        hit = stems[name][:, origin : origin + plan.grid.beat(0.5)].copy()
        if hit.any():
            hit[:, -1024:] *= np.linspace(1.0, 0.0, min(1024, hit.shape[1]), dtype=np.float32)
            size = min(count, hit.shape[1])
            stems[name][:, start : start + size] = hit[:, :size] * fall[:size]


def _room(plan: Plan) -> np.ndarray:
    """(2, n) float32: 1.4 s of decaying noise, unit energy, the same for the same seed."""
    rng = generator(plan.seed, plan.take, "room")
    count = int(1.4 * SAMPLE_RATE)
    noise = rng.standard_normal((2, count)) * np.exp(-np.arange(count) / (0.28 * SAMPLE_RATE))
    noise[:, : SAMPLE_RATE // 200] *= np.linspace(0.0, 1.0, SAMPLE_RATE // 200)
    noise = low_passed(noise.astype(np.float32), 7_000.0, 129)
    return np.asarray(noise / np.sqrt(np.square(noise).sum(axis=1, keepdims=True)), dtype=np.float32)


def _soften(piece: np.ndarray) -> None:
    edge = min(EDGE, piece.shape[1] // 2)
    piece[:, :edge] *= np.linspace(0.3, 1.0, edge, dtype=np.float32)
    piece[:, -edge:] *= np.linspace(1.0, 0.0, edge, dtype=np.float32)
