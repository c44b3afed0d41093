from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import pre_delete


class CatalogConfig(AppConfig):
    name = "catalog"
    verbose_name = "Catalog"

    def ready(self) -> None:
        from catalog import security_signals
        from catalog.adoption import recognise
        from catalog.removal import artist_goes
        from catalog.signals import track_analysed

        security_signals.connect()
        track_analysed.connect(recognise, dispatch_uid="catalog.recognise")
        pre_delete.connect(artist_goes, sender="catalog.Artist", dispatch_uid="catalog.artist_goes")
