"""One database, one data folder, one person with a catalog; and scenarios played there one after another."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from tests.faults import blows, hands, seams
from tests.faults.kinds import KINDS, O8_POSTS, Case
from tests.faults.seams import Seam
from tests.people import Person, person
from tests.rows import catalog_of

PATIENCE_SECONDS = 90.0  # the machine may be busy with other things
OVER = {"ready", "failed", "cancelled", "gone"}
DOWN = "service down"


@dataclass
class Result:
    kind: str
    seam: Seam
    fault: str
    problems: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    seconds: float = 0.0
    struck: bool = False


def prepared(kinds: Collection[str]) -> Person:
    from django.core.management import call_command

    from provenance import keys

    call_command("migrate", verbosity=0, interactive=False)
    keys.ensure()
    who = person("tried", name="Tried Again")
    if set(kinds) - {"analysis", "collection", "upload", "stamp"}:
        catalog_of(who.artist)
    return who


@contextmanager
def service() -> Iterator[None]:
    """An o8 that goes away while the file `down` lies in the data folder."""
    from tests.provenance.o8_server import serving

    with serving() as held:
        held.posts = O8_POSTS  # type: ignore[assignment]

        def away(handler: object, path: str) -> bool:
            if not (Path(settings.STARFORGE_DATA) / "down").exists():
                return False
            handler.close_connection = True  # type: ignore[attr-defined]
            return True

        held.misbehave = away
        settings.STARFORGE_O8_URL, settings.STARFORGE_O8_SECONDS = held.url, 3
        settings.STARFORGE_O8_DECLARE = "asked"
        yield


def strike(fault: str) -> None:
    if fault == DOWN:
        (Path(settings.STARFORGE_DATA) / "down").touch()
    else:
        blows.BLOWS[fault]()


def heal() -> None:
    for file in (blows.ballast(), Path(settings.STARFORGE_DATA) / "down"):
        file.unlink(missing_ok=True)


def seams_of(who: Person, kind: str) -> list[Seam]:
    """Every seam this kind of work goes through when nothing happens."""
    case = KINDS[kind](who)
    hand = _worker(case, lambda seam, tell: tell(f"seam {seam.stage}|{seam.event}|{seam.number}"))
    try:
        _until(case, [hand])
        already = hand.said.count("idle")
        while not hand.over and hand.said.count("idle") == already:  # what it does after the end counts too
            hand.look()
            time.sleep(0.02)
        status, error = case.state()
        assert status == "ready", f"{kind} without a fault: {status} {error} {hand.said[-5:]}"
        assert not (found := case.check()), f"{kind} without a fault: {found}"
    finally:
        hand.end()
    told = [line[5:].split("|") for line in hand.said if line.startswith("seam ")]
    return list(dict.fromkeys(Seam(stage, event, int(number)) for stage, event, number in told))


def play(who: Person, kind: str, seam: Seam, fault: str) -> Result:
    """One job with one fault. Whatever must be true in the end and is not stands in `problems`."""
    result, began = Result(kind, seam, fault), time.monotonic()
    close_old_connections()
    case = KINDS[kind](who)
    struck = False

    def blow(here: Seam, tell: hands.Told) -> None:
        nonlocal struck
        if here == seam and not struck:
            struck = True
            tell("struck")
            strike(fault)

    group = [_worker(case, blow)]
    try:
        _after_the_blow(case, group, fault)
        if case.request is not None:
            heal()
            group.append(_worker(case, None))  # who asked asks again, of the next web process
            _until_ended(group[-1])
        else:
            _until(case, group)
        status, error = case.state()
        if status == "failed" and fault in ("disk full", DOWN):
            if not error:
                result.problems.append("it failed without a word")
            heal()
            case.again()
            _until(case, group)
            status, error = case.state()
        if status != "ready":
            result.problems.append(f"it ended as {status or 'nothing'}: {error}")
        else:
            result.problems += case.check()
    except TimeoutError:
        result.problems.append(f"it hangs: {case.state()}")
    finally:
        for hand in group:
            hand.look()
            result.said += hand.said
            hand.end()
        heal()
    result.struck = "struck" in result.said
    result.problems += _loose_ends()
    result.seconds = time.monotonic() - began
    return result


def _worker(case: Case, at: object) -> hands.Hand:
    """A process that does the case's work: takes it off the queue, or sends its request. at: called at every seam."""

    def work(tell: hands.Told) -> None:
        if callable(at):
            seams.install(lambda seam: at(seam, tell), first="The request" if case.request else "Taking it")
        if case.request is not None:
            tell(f"answered {case.request()}")
        else:
            hands.work_on("cpu", tell, recovering=at is None)

    return hands.fork(work)


def _after_the_blow(case: Case, group: list[hands.Hand], fault: str) -> None:
    """Wait for the fault to strike and to have its effect; then bring the next worker."""
    first, deadline = group[0], time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        first.look()
        if first.over:
            break
        if "struck" in first.said and first.said[-1] != "struck":
            break  # it is still there, and has done something since
        if "struck" not in first.said and "idle" in first.said and _status(case) in OVER:
            break  # it never came there
        time.sleep(0.02)
    if fault in ("disk full", DOWN):
        time.sleep(0.3)
    heal()
    if case.request is None:
        _time_passes()
        group.append(_worker(case, None))


def _time_passes() -> None:
    """What a dead worker had taken off the queue comes back after its `retry`; here at once."""
    from django_q.models import OrmQ

    OrmQ.objects.filter(lock__gt=timezone.now()).update(lock=timezone.now())


def _until(case: Case, group: list[hands.Hand]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _status(case) not in OVER:
        if time.monotonic() > deadline:
            raise TimeoutError
        for hand in group:
            hand.look()
        time.sleep(0.03)


def _until_ended(hand: hands.Hand) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not hand.over:
        if time.monotonic() > deadline:
            raise TimeoutError
        hand.look()
        time.sleep(0.02)


def _status(case: Case) -> str:
    try:
        return case.state()[0]
    except DatabaseError:  # SQLite is locked in this moment, by a fault
        connection.close()
        return ""


def _loose_ends() -> list[str]:
    """What must be true after anything: the log holds, and no row names a file that is not there."""
    from catalog.models import Track
    from generation.models import GeneratedTrack
    from provenance.log.audit import audit

    report = audit()
    found = [] if report.sound else [report.sentence]
    for track in Track.objects.exclude(path=""):
        if not track.file.is_file() or track.file.stat().st_size != track.size_bytes:
            found.append(f"{track.path} is not there, or not whole")
    for take in GeneratedTrack.objects.exclude(audio_path=""):
        size = sum(file.stat().st_size for file in take.folder.rglob("*") if file.is_file())
        if size != take.size_bytes:
            found.append(f"{take.audio_path} is not there, or not whole")
    return found
