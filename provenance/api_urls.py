"""/api/: stamp, verify, certificates, log. `stamp` and `verify` answer with and without a closing slash."""

from __future__ import annotations

from django.urls import path

from provenance import api

urlpatterns = [
    path("stamp", api.Stamp.as_view(), name="api-stamp"),
    path("stamp/", api.Stamp.as_view(schema=None)),
    path("verify", api.VerifyFile.as_view(), name="api-verify-file"),
    path("verify/", api.VerifyFile.as_view(schema=None)),
    path("verify/<str:certificate_id>", api.VerifyCertificate.as_view(), name="api-verify"),
    path("verify/<str:certificate_id>/", api.VerifyCertificate.as_view(schema=None)),
    path("certificates/<str:certificate_id>/", api.CertificateItem.as_view(), name="api-certificate"),
    path(
        "certificates/<str:certificate_id>/bundle/",
        api.CertificateBundle.as_view(),
        name="api-certificate-bundle",
    ),
    path("log/checkpoint", api.LogCheckpoint.as_view(), name="api-log-checkpoint"),
    path("log/proof/inclusion", api.LogInclusion.as_view(), name="api-log-inclusion"),
    path("log/proof/consistency", api.LogConsistency.as_view(), name="api-log-consistency"),
]
