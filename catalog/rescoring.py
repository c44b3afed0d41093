"""A new background moves every percentile: energies are told again from stored measures, nothing is decoded.

What compares vectors with the background (match, coherence, distinctiveness) asks the present one anyway. The
version an artist's energies were told with stands in Artist.settings, so that looking costs one small query.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from catalog.models import Analysis, Artist

BACKGROUND_VERSION = "2"  # of catalog.similarity.BACKGROUND_PATH, told without reading it
_VERSION = "background_version"  # in Artist.settings
_AT_ONCE = 200


def outdated() -> list[Artist]:
    """Artists with analyses whose energies were told with another background than the present one."""
    analysed = Artist.objects.filter(Exists(Analysis.objects.filter(track__artist=OuterRef("pk"))))
    return [one for one in analysed.order_by("pk") if one.settings.get(_VERSION) != BACKGROUND_VERSION]


def rescore(artist: Artist) -> int:
    """Tell the energy of each of the artist's analyses again. Returns how many changed."""
    from catalog.analysis.energy import raw_energy
    from catalog.snapshots import background

    reference = background()
    rows = Analysis.objects.filter(track__artist=artist).annotate(measures=F("document__measures"))
    changed = 0
    for pk, measures, energy in (
        rows.order_by("pk").values_list("pk", "measures", "energy").iterator(_AT_ONCE)
    ):
        raw = raw_energy(measures or {})
        told = round(0.0 if raw is None else reference.energy_percentile(raw), 4)
        if energy is not None and abs(told - energy) < 1e-4:
            continue
        with transaction.atomic():
            analysis = Analysis.objects.select_for_update().defer("vector", "peaks").get(pk=pk)
            analysis.energy, analysis.document["energy"] = told, told
            analysis.save(update_fields=["energy", "document"])
        changed += 1
    with transaction.atomic():
        fresh = Artist.objects.select_for_update().get(pk=artist.pk)
        fresh.settings = {**fresh.settings, _VERSION: reference.version}
        fresh.save(update_fields=["settings"])
    return changed
