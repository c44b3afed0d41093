"""What an archive says about itself."""

from __future__ import annotations

from generation.exports.project import BEATS, Project


def readme(project: Project, *, has_certificate: bool = False) -> bytes:
    """The README.txt of an archive: tempo, key, form, how the stems relate to the master, and what the MIDI holds."""
    key = f"{project.key.name} ({project.key.camelot})" if project.key else "none given"
    lines = [
        project.title,
        project.artist,
        "",
        f"Tempo         {project.bpm:g} BPM, {BEATS}/4, the same from beginning to end",
        f"Key           {key}",
        f"Length        {project.seconds:.3f} seconds",
        f"Sound         {project.sample_rate} Hz, 24 bits, stereo",
        "",
        "Bar 1 begins at the very first sample of every file, and all files are equally long: put them at the start",
        "of a project with the tempo above, and they are in time.",
    ]
    if project.sections:
        lines += ["", "Sections"]
        lines += [
            f"  bar {one.first_bar + 1:>3}  {one.name}, {one.bars} bar{'' if one.bars == 1 else 's'}"
            for one in project.sections
        ]
    if project.stems:
        lines += ["", "Stems"]
        lines += [f"  {project.wav_name(number, one)}" for number, one in enumerate(project.stems, start=1)]
        lines += ["", _sum_sentence(project)]
    lines += ["", *_midi_sentences(project)]
    if project.terms:
        lines += ["", "Licence", f"  {project.terms}"]
    if has_certificate:
        lines += [
            "",
            "certificate.json holds the signed certificate of the finished take. It speaks of the take's own WAV, FLAC",
            "and MP3; the stems are parts of it and are not signed one by one.",
        ]
    return ("\n".join(lines) + "\n").encode()


def _sum_sentence(project: Project) -> str:
    if project.approximate:
        return "Approximate: separated from the finished sound. " + _level_sentence(project)
    return _level_sentence(project)


def _level_sentence(project: Project) -> str:
    if project.makeup == 1.0:
        return "Played together, untouched, they are the master."
    decibels = f"{abs(project.makeup_db):.2f} dB"
    return f"All are {decibels} down so that none clips: together and {decibels} up, they are the master."


def _midi_sentences(project: Project) -> list[str]:
    scored = [stem.label for stem in project.stems if project.notes.get(stem.name)]
    audio = [stem.label for stem in project.stems if not project.notes.get(stem.name)]
    said = ["The MIDI file holds tempo, time signature, key and a marker for each section."]
    if project.approximate:
        if scored:
            said.append(
                f"Its notes are approximate: written down from the finished sound of {', '.join(scored)}."
            )
        return said
    if scored:
        said.append(f"Its notes are the score that was really played: {', '.join(scored)}.")
    if audio:
        said.append(
            f"There are no notes for {', '.join(audio)}: these are cut from recordings, nobody wrote them down, and "
            "guesses would be wrong."
        )
    return said
