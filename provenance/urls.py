"""Public pages."""

from __future__ import annotations

from django.urls import path

from provenance import views

app_name = "provenance"
urlpatterns = [
    path("certificates/<str:certificate_id>/", views.certificate, name="certificate"),
    path("verify/", views.verify, name="verify"),
    path(".well-known/starforge-trust.json", views.trust, name="trust"),
]
