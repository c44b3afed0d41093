from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView

from starforge_site import admin_pages, health, metrics, pages

urlpatterns = [
    path("", pages.home, name="home"),
    path("terms/", pages.terms, name="terms"),
    path("", include("catalog.urls")),
    path("", include("generation.urls")),
    path("", include("provenance.urls")),
    path("api/", include("catalog.api_urls")),
    path("api/", include("generation.api_urls")),
    path("api/", include("provenance.api_urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", pages.api_docs, name="api-docs"),
    path("admin/login/", pages.admin_login),
    *admin_pages.routes(),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
]

handler404 = "starforge_site.problems.not_found"
handler500 = "starforge_site.problems.server_error"
