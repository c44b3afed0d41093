from __future__ import annotations

from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "starforge_site"
    verbose_name = "Starforge"

    def ready(self) -> None:
        from starforge_site import checks  # noqa: F401  registers the system checks
