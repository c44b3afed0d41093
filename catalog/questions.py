"""Rows of a collection that could be several recordings: the artist decides, once the import is over."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction

from catalog import adoption
from catalog.models import Artist, Import, Track
from catalog.reports import Report


class StillReading(Exception):
    """Nothing can be decided on an import that is not over."""


def resolve(row: Import, *, entry: str, track: str | None) -> Import:
    """The artist says which of several recordings a row is (None: none of them).

    entry: id of the row's metadata-only track. Raises ValidationError for a choice that is not, or no longer, there,
    StillReading before the import is over.
    """
    settle_met(row)
    with transaction.atomic():
        adoption.locked(row.artist)
        fresh = Import.objects.get(pk=row.pk)
        if not fresh.is_over:  # the job would write its own report over this one
            raise StillReading("This import is still being read. Decide when it is over.")
        report = Report.resumed(fresh.report)
        question = report.open_question(entry)
        if question is None:
            raise ValidationError(
                {"entry": "This row is not open: it was decided, or is not one of this import."}
            )
        if track is None:
            if not _set_apart(row.artist, entry):
                raise ValidationError({"entry": "This row is no longer in your library."})
        elif track not in {one["track"] for one in question["candidates"]}:
            raise ValidationError({"track": "Choose one of the recordings offered for this row."})
        elif not adoption.absorb(track, entry):
            raise ValidationError(
                {"track": "This recording was deleted or belongs to another row by now. Choose another."}
            )
        report.settle(question, track)
        Import.objects.filter(pk=row.pk).update(report=fresh.report | report.to_json())
    fresh.report = report.to_json()
    return fresh


def settle_met(row: Import) -> None:
    """Close the questions whose row has a recording, or is gone, by now. `row.report` is as it is stored then."""
    with transaction.atomic():
        adoption.locked(row.artist)
        fresh = Import.objects.get(pk=row.pk)
        report = Report.resumed(fresh.report)
        asked = {one["entry"]: one for one in report.lists["ambiguous"] if not one["settled"]}
        if fresh.is_over and asked:
            rows = Track.objects.of(row.artist).filter(pk__in=asked)
            open_still = set(rows.filter(status=Track.METADATA).values_list("pk", flat=True))
            heard = set(rows.exclude(path="").values_list("pk", flat=True))
            for pk in asked.keys() - open_still:
                report.settle(asked[pk], pk if pk in heard else None)
            if asked.keys() - open_still:
                fresh.report = fresh.report | report.to_json()
                Import.objects.filter(pk=row.pk).update(report=fresh.report)
    row.report = fresh.report


def _set_apart(artist: Artist, pk: str) -> bool:
    one = Track.objects.of(artist).filter(pk=pk, status=Track.METADATA).first()
    if one is None:
        return False
    return bool(Track.objects.filter(pk=pk).update(imported={**one.imported, "apart": True}))
