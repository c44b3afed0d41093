"""The kinds of work that are tried: how each is asked for, when it is over, and what must be true then."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from catalog import importing, intake, jobs, snapshots
from catalog.models import Analysis, DNASnapshot, Fingerprint, Import, Track
from generation import archives, lifecycle, usage
from generation.models import Export, GeneratedTrack, Generation
from generation.prompting import Wishes
from generation.writing import renditions_in
from provenance import outbox, stamping
from provenance.models import Certificate, ExternalStamp
from tests import sounds
from tests.people import Person

Problems = list[str]
numbers = itertools.count(1)


@dataclass
class Case:
    """One piece of work that was asked for. state: of its row, "" while there is none."""

    state: Callable[[], tuple[str, str]]  # (status, error)
    check: Callable[[], Problems]
    again: Callable[[], object] = lambda: None
    request: Callable[[], int] | None = (
        None  # sent by a web process instead of done by a worker: the status code
    )


def row_case(row: jobs.Job, check: Callable[[], Problems]) -> Case:
    rows = type(row)._base_manager.filter(pk=row.pk)

    def state() -> tuple[str, str]:
        found = rows.values_list("status", "error").first()
        return found if found else ("gone", "")

    return Case(state, check, lambda: jobs.requeue(rows.get()))


def want(problems: Problems, true: bool, what: str) -> None:
    if not true:
        problems.append(what)


def sound_file(seed: int, seconds: float = 2.0) -> bytes:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        return sounds.write(Path(folder) / "a.wav", sounds.noise(seconds, seed=seed)).read_bytes()


# --- done by workers ----------------------------------------------------------------------------------------


def analysis(person: Person) -> Case:
    number = next(numbers)
    data = sound_file(number)
    track = intake.accept(person.artist, stream=io.BytesIO(data), filename=f"take {number}.wav").track

    def check() -> Problems:
        problems: Problems = []
        now = Track.objects.get(pk=track.pk)
        found = Analysis.objects.filter(track=now)
        want(problems, found.count() == 1, f"{found.count()} analyses of one track")
        want(problems, now.analysis_id == getattr(found.first(), "pk", None), "not its current analysis")
        want(problems, Fingerprint.objects.filter(track=now).count() == 1, "no fingerprint, or two")
        want(problems, now.file.read_bytes() == data, "the file is not what was sent")
        return problems

    return row_case(track, check)


def collection(person: Person) -> Case:
    number = next(numbers)
    names = [f"Row {number}-{n}" for n in range(40)]
    text = "Title,Artist,BPM\n" + "".join(f"{name},Somebody,{120 + n}\n" for n, name in enumerate(names))
    row = importing.submit(person.artist, stream=io.BytesIO(text.encode()), filename=f"list {number}.csv")

    def check() -> Problems:
        problems: Problems = []
        made = sorted(Track.objects.of(person.artist).filter(title__in=names).values_list("title", flat=True))
        want(problems, made == sorted(names), f"{len(made)} tracks of {len(names)} rows")
        report = Import.objects.get(pk=row.pk).report
        want(problems, report["counts"].get("metadata_only", 0) == len(names), f"told {report['counts']}")
        return problems

    return row_case(row, check)


def dna(person: Person) -> Case:
    track = Track.objects.of(person.artist).ready().order_by("id").first()
    assert track is not None
    Track.objects.filter(pk=track.pk).update(bpm_override=100.0 + next(numbers) / 100)
    digest = snapshots._digest(person.artist, snapshots._state(person.artist))
    drawn = DNASnapshot.objects.filter(artist=person.artist, inputs_digest=digest)
    snapshots.cache.clear()
    snapshots.ask_for_drawing(person.artist)

    def check() -> Problems:
        return [] if drawn.count() == 1 else [f"{drawn.count()} snapshots of one state"]

    return Case(lambda: ("ready" if drawn.exists() else "queued", ""), check)


def generation(person: Person) -> Case:
    before = usage.generations(person.artist)
    made, _ = lifecycle.submit(
        person.artist, wishes=Wishes(prompt="techno, 140 BPM", duration_seconds=15.0), engine="quick"
    )

    def check() -> Problems:
        problems: Problems = []
        takes = list(GeneratedTrack.objects.filter(generation=made))
        want(problems, len(takes) == 1, f"{len(takes)} takes of one wish")
        want(problems, usage.generations(person.artist) == before + 1, "not charged once")
        for take in takes:
            stamps = Certificate.objects.filter(idempotency_key__startswith=take.pk)
            want(problems, [one.pk for one in stamps] == [take.certificate_id], f"{len(stamps)} certificates")
            problems += _whole(take)
        return problems

    return row_case(made, check)


def _whole(take: GeneratedTrack) -> Problems:
    """Every file a take names is there, whole, and the sound its certificate is about."""
    import soundfile

    problems: Problems = []
    for one in renditions_in(take.folder, take.filename.removesuffix(".wav")):
        if not one.path.is_file():
            problems.append(f"{one.path.name} is missing")
            continue
        length = soundfile.info(one.path).duration
        want(
            problems,
            abs(length - (take.duration or 0)) < 0.1,
            f"{one.path.name} has {length} s of {take.duration}",
        )
        want(problems, stamping.matches(take.certificate, one), f"{one.path.name} is not what was certified")
    stems = sorted((take.folder / "stems").glob("*.flac"))
    want(problems, len(stems) == len(take.stems) > 0, f"{len(stems)} of {len(take.stems)} stems")
    for file in stems:
        want(problems, abs(soundfile.info(file).duration - take.duration) < 0.1, f"{file.name} is cut short")
    return problems


def export(person: Person) -> Case:
    Export.objects.filter(artist=person.artist).delete()
    row, _ = archives.start(person.artist)

    def check() -> Problems:
        problems: Problems = []
        now = Export.objects.get(pk=row.pk)
        with zipfile.ZipFile(now.file) as archive:
            want(problems, archive.testzip() is None, "the archive is damaged")
        want(problems, now.size_bytes == now.file.stat().st_size, "another size than told")
        left = [one.name for one in now.file.parent.glob(f"{row.pk}*.part")]
        want(problems, not left, f"left behind: {left}")
        return problems

    return row_case(row, check)


def declaration(person: Person) -> Case:
    from provenance.authorities import registry

    take = GeneratedTrack.objects.filter(user=person.artist.user).exclude(certificate=None).first()
    assert take is not None, "generations are tried before declarations"
    ExternalStamp.objects.all().delete()
    row, _ = outbox.declare(take.certificate)
    posts = len(O8_POSTS)

    def state() -> tuple[str, str]:
        # Put off for a minute after a failed try: here that minute is over.
        ExternalStamp.objects.filter(pk=row.pk, status="queued").exclude(next_try_at=None).update(
            next_try_at=registry_now()
        )
        found = ExternalStamp.objects.get(pk=row.pk)
        return found.status, found.error

    def check() -> Problems:
        now = ExternalStamp.objects.get(pk=row.pk)
        problems: Problems = []
        want(problems, bool(now.remote_id), "not declared")
        want(problems, len(O8_POSTS) == posts + 1, f"declared {len(O8_POSTS) - posts} times")
        return problems

    assert registry.configured().base_url
    return Case(state, check, lambda: outbox.send_again(ExternalStamp.objects.get(pk=row.pk)))


O8_POSTS: list[Any] = []  # what arrived at the o8 of this run, which its server fills


def registry_now() -> Any:
    from django.utils import timezone

    return timezone.now()


# --- done by the web process --------------------------------------------------------------------------------


def upload(person: Person) -> Case:
    number = next(numbers)
    data, name = sound_file(number), f"upload {number}.wav"

    def send() -> int:
        return int(person.api.post("/api/tracks/", {"file": SimpleUploadedFile(name, data)}).status_code)

    def state() -> tuple[str, str]:
        return ("ready" if Track.objects.filter(filename=name).exists() else "", "")

    def check() -> Problems:
        problems: Problems = []
        rows = list(Track.objects.filter(filename=name))
        want(problems, len(rows) == 1, f"{len(rows)} tracks of one file")
        want(problems, all(one.file.read_bytes() == data for one in rows), "the file is not what was sent")
        Track.objects.filter(filename=name).update(status=Track.CANCELLED)
        return problems

    return Case(state, check, request=send)


def request(person: Person) -> Case:
    key, before = f"key-{next(numbers)}", usage.generations(person.artist)
    asked = Generation.objects.filter(request_key=key)

    def send() -> int:
        client: Client = person.api
        body = {"prompt": "techno", "engine": "quick", "duration_seconds": 15}
        return int(
            client.post(
                "/api/generate/music", body, content_type="application/json", headers={"idempotency-key": key}
            ).status_code
        )

    def check() -> Problems:
        problems: Problems = []
        want(problems, asked.count() == 1, f"{asked.count()} generations of one key")
        want(problems, usage.generations(person.artist) == before + 1, "not charged once")
        asked.update(status=Generation.CANCELLED)
        return problems

    return Case(lambda: ("ready" if asked.exists() else "", ""), check, request=send)


def stamp(person: Person) -> Case:
    number = next(numbers)
    key, data = f"stamp-{number}", sound_file(number)
    made = Certificate.objects.filter(idempotency_key=key)

    def send() -> int:
        answer = person.api.post(
            "/api/stamp",
            {"file": SimpleUploadedFile("a.wav", data), "metadata": '{"title": "A"}'},
            headers={"idempotency-key": key},
        )
        return int(answer.status_code)

    def check() -> Problems:
        return [] if made.count() == 1 else [f"{made.count()} certificates of one key"]

    return Case(lambda: ("ready" if made.exists() else "", ""), check, request=send)


KINDS: dict[str, Callable[[Person], Case]] = {
    "generation": generation,
    "analysis": analysis,
    "collection": collection,
    "export": export,
    "declaration": declaration,
    "DNA": dna,
    "upload": upload,
    "request": request,
    "stamp": stamp,
}
