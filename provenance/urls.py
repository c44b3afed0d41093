"""Public pages."""

from __future__ import annotations

from django.urls import path

from provenance import certificate_views, log_views, origin_views, views
from provenance.standalone.build import FILENAME as WHEEL

app_name = "provenance"
urlpatterns = [
    path("certificates/<str:certificate_id>/", certificate_views.certificate, name="certificate"),
    path("certificates/<str:certificate_id>/card.png", certificate_views.card_image, name="card"),
    path("certificates/<str:certificate_id>/open/", views.open_part, name="open-part"),
    path("certificates/<str:certificate_id>/declare/", views.declare, name="declare"),
    path("certificates/<str:certificate_id>/disclosure.json", views.disclosure, name="disclosure"),
    path("catalog/tracks/<str:pk>/origin/", origin_views.stamp, name="origin"),
    path("verify/", views.verify, name="verify"),
    path(f"verify/{WHEEL}", views.wheel, name="verifier"),
    path("log/", log_views.entries, name="log"),
    path("log/checkpoints/", log_views.checkpoints, name="log-checkpoints"),
    path("log/<int:number>/", log_views.entry, name="log-entry"),
    path(".well-known/starforge-trust.json", views.trust, name="trust"),
    path(".well-known/starforge-root.pem", views.root_certificate, name="root_certificate"),
]
