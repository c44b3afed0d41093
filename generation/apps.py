from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate, pre_delete


class GenerationConfig(AppConfig):
    name = "generation"
    verbose_name = "Generation"

    def ready(self) -> None:
        from catalog import room
        from catalog.signals import sound_gone, track_analysed
        from generation import adapter_files, archives, blends, corpus, token_cache, usage
        from generation.library import recognise
        from generation.lifecycle import artist_goes
        from generation.remains import kept_of
        from provenance import keeping

        keeping.register("generation", kept_of)
        room.register("generation", usage.has_room)
        post_migrate.connect(_schedule, sender=self)
        track_analysed.connect(recognise, dispatch_uid="generation.recognise")
        sound_gone.connect(corpus.sound_goes, dispatch_uid="generation.sound_goes")
        pre_delete.connect(
            corpus.artist_goes, sender="catalog.Artist", dispatch_uid="generation.corpus.artist_goes"
        )
        pre_delete.connect(artist_goes, sender="catalog.Artist", dispatch_uid="generation.artist_goes")
        sound_gone.connect(token_cache.sound_goes, dispatch_uid="generation.tokens.sound_goes")
        for one in (token_cache, adapter_files, archives, blends):
            pre_delete.connect(
                one.artist_goes, sender="catalog.Artist", dispatch_uid=f"{one.__name__}.artist_goes"
            )


def _schedule(*, using: str, **_: Any) -> None:
    """What the queue does by the clock, on the clusters of the queue "cpu"."""
    from django.db import connections
    from django_q.models import Schedule

    if Schedule._meta.db_table in connections[using].introspection.table_names():
        Schedule.objects.using(using).get_or_create(
            name="purge_expired",
            defaults={
                "func": "generation.tasks.purge_expired",
                "schedule_type": Schedule.MINUTES,
                "minutes": 15,
                "cluster": "cpu",
            },
        )
