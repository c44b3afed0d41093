"""Compose, mix and master one track: from identity, seeds, tempo and key to finished samples."""

from __future__ import annotations

from typing import Any

from .arrangement import Plan, sections_of
from .identity import Identity
from .mastering import master
from .mixing import mix
from .model import SAMPLE_RATE, DemoKey, Rendered, stream
from .session import Session


def produce(
    identity: Identity,
    *,
    track_seed: int,
    plan: Plan,
    bpm: float,
    key: DemoKey,
    lead_in: float = 0.0,
) -> Rendered:
    """Render one track. Equal arguments give equal samples on the same platform and library versions."""
    session = Session(identity, track_seed=track_seed, plan=plan, bpm=bpm, key=key, lead_in=lead_in)
    session.play_drums()
    session.play_bass()
    session.play_pads()
    session.play_keys()
    session.play_lead()
    session.play_arp()
    session.play_effects()
    rng = stream(track_seed, "loudness")
    samples = master(
        mix(session),
        lufs=identity.style.lufs + float(rng.uniform(-0.4, 0.4)),
        drive=session.traits.drive,
        air_db=session.traits.air_db,
        low_db=session.traits.low_db,
    )
    clock, bars = session.clock, session.bars
    downbeats = tuple(round(clock.seconds(bar.number), 6) for bar in bars)
    return Rendered(
        samples=samples,
        bpm=bpm,
        key=key,
        downbeats=downbeats,
        sections=sections_of(plan, clock),
        truth=_truth(session),
    )


def _truth(session: Session) -> dict[str, Any]:
    style = session.style
    return {
        "style": style.slug,
        "bpm": session.clock.bpm,
        "key": session.key.name,
        "felt": style.felt,
        "artist_seed": session.identity.seed,
        "track_seed": session.seed,
        "lead_in": session.clock.lead_in,
        "bars": len(session.bars),
        "chords": [session.chord_at(bar.number).label for bar in session.bars],
        "kicks": [round(at / SAMPLE_RATE, 6) for at, velocity in session.kicks if velocity > 0.5],
        "snares": [round(at, 6) for at in session.snares],
        "bass": session.bass,
        "pad": session.identity.pad,
        "keys": session.identity.keys,
        "lead": session.lead,
        "percussion": session.percussion,
    }
