"""A take of two artists: who the other one is, what of theirs may be used, and what is said of it afterwards."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import log2
from typing import Any

from django.conf import settings

from catalog import snapshots
from catalog.accounts import catalog_id_of, rights_of
from catalog.dna.blending import blended
from catalog.matching import Passage
from catalog.models import Artist, DNASnapshot, Track
from catalog.similarity import Match
from generation import blends
from generation.brief import Blending
from generation.engines.mosaic.corpus import GOOD_RATIO
from generation.models import Blend, BlendConsent, GeneratedTrack, Generation
from generation.prompting import BadWishes
from provenance.canonical import canonical
from provenance.statement import utc_text

LICENCE = "Recordings of both artists"
MISSED = 0.1  # share of the bars, from the weight: more than that is told
DIGITS = 4


class Ended(Exception):
    """Nothing is made under the agreement any more. The message is for the artist."""

    def __init__(self, blend_id: str, name: str = "") -> None:
        super().__init__(
            f"{why_not(blend_id, name)}, so nothing new is made from the recordings of both. "
            "Takes that are finished stay."
        )


@dataclass(frozen=True)
class Partner:
    """The other artist of a take, as they agreed to it. weight: how much of them, over 0 and up to 1."""

    blend: Blend
    artist: Artist
    consent: BlendConsent
    weight: float
    snapshot: DNASnapshot

    @property
    def name(self) -> str:
        return self.artist.name

    def title(self, title: str) -> str:
        """A recording of theirs as it is called to the artist who generates."""
        return title if self.consent.titles else f"a recording of {self.name}"

    def tracks(self) -> list[Track]:
        """Their recordings that may be used: the snapshot's, still there, made by them."""
        return list(Track.objects.of(self.artist).to_compose().filter(pk__in=self.snapshot.track_ids))


def partner(artist: Artist, asked: Blending, *, exact: bool = False) -> Partner:
    """Whom a request names. Raises BadWishes for nobody who agreed, or too little of theirs to work from.

    exact: with their DNA as it is in this moment, even where drawing it takes a while.
    """
    if not 0 < asked.weight <= 1:
        raise BadWishes({"blend": "How much of the other artist goes in is a number from 0 to 1."})
    row = blends.of(artist).standing().filter(pk=asked.id).prefetch_related("consents").first()
    other = row.partner_of(artist) if row else None
    consent = blends.consent_of(row, other) if row else None
    if row is not None and (closed := row.closed) is not None:
        raise BadWishes({"blend": f"{closed.name}’s account is closed, so nothing new is made with them."})
    if row is None or other is None or consent is None:
        raise BadWishes({"blend": "Nobody agreed to blend with you under this id. Choose from Collaborate."})
    snapshot = None
    if snapshots.own_count(other) >= settings.STARFORGE_MIN_TRACKS:
        latest = None if exact else snapshots.latest(other)
        snapshot = latest.snapshot if latest else snapshots.current(other)
    if snapshot is None:
        raise BadWishes({"blend": f"{other.name} has too few analysed recordings to blend with yet."})
    return Partner(row, other, consent, asked.weight, snapshot)


def of(generation: Generation, asked: Blending | None) -> Partner | None:
    """The partner of a generation that was taken on; None of a take of one's own. Raises Ended."""
    if asked is None:
        return None
    rows = Blend.objects.in_force().select_related("inviter", "invited").prefetch_related("consents")
    row = rows.filter(pk=asked.id).first()
    other = row.partner_of(generation.artist) if row else None
    consent = blends.consent_of(row, other) if row else None
    if row is None or other is None or consent is None or generation.partner_snapshot is None:
        raise Ended(asked.id, named(asked.id, generation.artist))
    return Partner(row, other, consent, asked.weight, generation.partner_snapshot)


def named(blend_id: str, artist: Artist) -> str:
    """The name of the other one of a blend, also when it has ended; "" when it is gone."""
    row = blends.of(artist).filter(pk=blend_id).first()
    other = row.partner_of(artist) if row else None
    return other.name if other else ""


def stands(blend_id: str) -> bool:
    """Whether anything is made under it now: both agree, and both have an account that is open."""
    return Blend.objects.in_force().filter(pk=blend_id).exists()


def why_not(blend_id: str, name: str = "") -> str:
    """The first half of the sentence where it does not: whose account is closed, else that it has ended.

    name: of the other one, as the take or the agreement knows them.
    """
    rows = Blend.objects.standing().select_related("inviter__user", "invited__user")
    row = rows.filter(pk=blend_id).first()
    if row is not None and row.closed is not None:
        return f"{row.closed.name}’s account is closed"
    return f"Your agreement with {name or 'the other artist'} has ended"


def target(own: Mapping[str, Any], found: Partner) -> dict[str, Any]:
    """The DNA a take of both is composed towards: the weighted mean, at a tempo that recordings of both reach.

    Where the two are so far apart that no tempo is within reach of both, it is that of who weighs more.
    """
    dna = blended(own, found.snapshot.document, found.weight)
    mine = blended(own, found.snapshot.document, 0.0)["bpm_profile"].get("median")
    theirs = blended(own, found.snapshot.document, 1.0)["bpm_profile"].get("median")
    if mine and theirs:
        reach = log2(1 + GOOD_RATIO) * 0.95
        low, high = max(log2(mine), log2(theirs)) - reach, min(log2(mine), log2(theirs)) + reach
        met = log2(dna["bpm_profile"]["median"])
        heavier = log2(theirs if found.weight > 0.5 else mine)
        met = min(max(met, low), high) if low <= high else heavier
        dna["bpm_profile"]["median"] = round(2.0**met, 2)
    return dna


def out_of_reach(own: Mapping[str, Any], found: Partner, bpm: float) -> str:
    """A sentence where hardly anything of one of the two can be played at this tempo; "" elsewhere.

    Said before anything is made, so by the range that their DNA names (10th to 90th percentile), not by each recording.
    """
    sides = [("your", own)] if found.weight < 1 else []
    sides.append((f"{found.name}’s", found.snapshot.document))
    met = target(own, found)["bpm_profile"].get("median")
    for whose, dna in sides:
        profile = dna.get("bpm_profile") or {}
        if not _reached(profile, bpm):
            median = profile["median"]
            told = (
                f"At {bpm:.0f} BPM hardly any of {whose} recordings can play: they lie around {median:.0f}."
            )
            if met and all(_reached(one.get("bpm_profile") or {}, met) for _, one in sides):
                return f"{told} At {met:.0f}, which it is when you leave it open, both can."
            return f"{told} No tempo is within reach of both of you."
    return ""


def _reached(profile: Mapping[str, Any], bpm: float) -> bool:
    """Whether this tempo, or its half or double, is where recordings can be bent to; also where no tempo is known."""
    low, high = profile.get("p10"), profile.get("p90")
    if not low or not high or not profile.get("median"):
        return True
    return any(
        low * fold * (1 - GOOD_RATIO) <= bpm <= high * fold * (1 + GOOD_RATIO) for fold in (0.5, 1.0, 2.0)
    )


def usable(take: GeneratedTrack, wanted: Iterable[str]) -> dict[str, Track]:
    """Of these recordings those of the other artist of the take, while both agree."""
    row = blends.of(take.generation.artist).in_force().filter(pk=take.blend["id"]).first()
    other = row.partner_of(take.generation.artist) if row else None
    return Track.objects.of(other).listed().in_bulk(sorted(wanted)) if other else {}


def share(built_from: Iterable[Mapping[str, Any]], theirs: Iterable[str]) -> tuple[int, int]:
    """(cells from these recordings, all cells); a cell is one bar of one layer."""
    ids = set(theirs)
    cells = {
        (one["bar"], one["layer"], str(one["track_id"]) in ids) for one in built_from if one.get("track_id")
    }
    return sum(inside for *_, inside in cells), len(cells)


def told(
    found: Partner,
    built_from: Sequence[Mapping[str, Any]],
    theirs: Sequence[str],
    own: Match,
    other: Match,
    both: float,
) -> dict[str, Any]:
    """What a take's row keeps of the other artist: who, how much was asked and used, and the three matches."""
    bars, of_bars = share(built_from, theirs)
    used = sorted({str(one["track_id"]) for one in built_from if one.get("track_id")} & set(theirs))
    return {
        "id": found.blend.pk,
        "partner": found.name,
        "weight": found.weight,
        "share": round(bars / of_bars, DIGITS) if of_bars else 0.0,
        "bars": bars,
        "of_bars": of_bars,
        "recordings": len(used),
        "track_ids": used,
        "match": {
            "own": round(own.score, DIGITS),
            "partner": round(other.score, DIGITS),
            "blend": round(both, DIGITS),
        },
        "tracks_compared": {"own": own.n, "partner": other.n},
    }


def note(said: Mapping[str, Any]) -> str:
    """A sentence where the share missed the weight; "" where it did not."""
    if abs(said["share"] - said["weight"]) <= MISSED:
        return ""
    asked = f"You asked for {said['weight']:.0%} of {said['partner']}, and"
    if not said["share"]:
        return f"{asked} none of the bars are theirs."
    return f"{asked} {said['share']:.0%} of the bars are theirs."


def passages(found: Partner, heard: Iterable[Passage]) -> list[Passage]:
    """Passages shared with the partner's recordings, called as the artist may know them."""
    return [replace(one, title=found.title(one.title)) for one in heard]


def stated(found: Partner, take: GeneratedTrack) -> dict[str, Any]:
    """The partner as a certificate names them: catalog and DNA by hash, what was agreed, and what they allow."""
    snapshot = found.snapshot
    return {
        "artist": found.name,
        "catalog_id": catalog_id_of(found.artist),
        "track_count": snapshot.track_count,
        "catalog_hash": snapshot.catalog_hash,
        "recordings_used": take.blend["recordings"],
        "weight": found.weight,
        "share_of_bars": take.blend["share"],
        "aesthetic_dna_snapshot": {
            "id": snapshot.pk,
            "sha256": "sha256:" + hashlib.sha256(canonical(snapshot.document)).hexdigest(),
        },
        "consent": {
            "sha256": "sha256:" + blends.consent_sha256(found.consent, found.artist),
            "given_at": utc_text(found.consent.given_at),
        },
        "rights": rights_of(found.artist),
    }


def rights_of_both(own: Mapping[str, str], theirs: Mapping[str, str]) -> dict[str, str]:
    """What both allow: granted where each of the two grants it."""
    both = {name: (said, theirs.get(name)) for name, said in own.items()}
    return {
        name: "granted" if pair == ("granted", "granted") else "not granted" for name, pair in both.items()
    }
