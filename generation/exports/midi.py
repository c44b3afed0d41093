"""A take as a standard MIDI file: tempo, time signature, key, section markers, and notes where a score exists."""

from __future__ import annotations

import io

import mido

from generation.exports.project import BEATS, Note, Project

TICKS = 480  # per beat
DRUM_STEMS = ("kick", "drums", "kit")
DRUM_CHANNEL = 9


def midi_bytes(project: Project) -> bytes:
    """A type 1 file: a conductor track, then one track for each stem whose score is known."""
    file = mido.MidiFile(type=1, ticks_per_beat=TICKS, charset="utf-8")
    file.tracks.append(_conductor(project))
    channel = 0
    for stem in project.stems:
        notes = project.notes.get(stem.name, ())
        if not notes:
            continue
        if stem.name in DRUM_STEMS:
            played_on = DRUM_CHANNEL
        else:
            played_on, channel = channel, channel + 1
        file.tracks.append(_part(stem.label, notes, played_on, _ticks(project.beats)))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def key_signature(project: Project) -> str | None:
    """The key as MIDI spells it, "F#m"; None without one. A `Key` is never spelled in a way MIDI does not know."""
    return project.key.short if project.key else None


def _conductor(project: Project) -> mido.MidiTrack:
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("track_name", name=project.title, time=0))
    track.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(project.bpm), time=0))
    track.append(mido.MetaMessage("time_signature", numerator=BEATS, denominator=4, time=0))
    if (key := key_signature(project)) is not None:
        track.append(mido.MetaMessage("key_signature", key=key, time=0))
    now = 0
    for section in project.sections:
        at = section.first_bar * BEATS * TICKS
        track.append(mido.MetaMessage("marker", text=section.name, time=at - now))
        now = at
    track.append(mido.MetaMessage("end_of_track", time=max(0, _ticks(project.beats) - now)))
    return track


def _part(name: str, notes: tuple[Note, ...], channel: int, end: int) -> mido.MidiTrack:
    """Note-offs come before note-ons of the same moment, so that a repeated note is struck again."""
    events = []
    for note in notes:
        start = _ticks(note.start)
        events.append((start, 1, note.pitch, note.velocity))
        events.append((max(start + 1, _ticks(note.start + note.length)), 0, note.pitch, 0))
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=name, time=0)])
    now = 0
    for at, on, pitch, velocity in sorted(events):
        kind = "note_on" if on else "note_off"
        track.append(mido.Message(kind, channel=channel, note=pitch, velocity=velocity, time=at - now))
        now = at
    track.append(mido.MetaMessage("end_of_track", time=max(0, end - now)))
    return track


def _ticks(beats: float) -> int:
    return round(beats * TICKS)
