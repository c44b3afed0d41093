"""/api/: stamp, verify, certificates, log. `stamp` and `verify` answer with and without a closing slash."""

from __future__ import annotations

from django.urls import path

from provenance import api, api_external, api_log, api_origins, api_v2

urlpatterns = [
    path("stamp", api.Stamp.as_view(), name="api-stamp"),
    path("stamp/", api.Stamp.as_view(schema=None)),
    path("tracks/<str:pk>/origin/", api_origins.TrackOrigin.as_view(), name="api-track-origin"),
    path("verify", api.VerifyFile.as_view(), name="api-verify-file"),
    path("verify/", api.VerifyFile.as_view(schema=None)),
    path("verify/<str:certificate_id>", api.VerifyCertificate.as_view(), name="api-verify"),
    path("verify/<str:certificate_id>/", api.VerifyCertificate.as_view(schema=None)),
    path("certificates/", api.CertificateByAudio.as_view(), name="api-certificate-by-audio"),
    path("certificates/<str:certificate_id>/", api.CertificateItem.as_view(), name="api-certificate"),
    path(
        "certificates/<str:certificate_id>/bundle/",
        api.CertificateBundle.as_view(),
        name="api-certificate-bundle",
    ),
    path(
        "certificates/<str:certificate_id>/file/",
        api.CertificateFile.as_view(),
        name="api-certificate-file",
    ),
    path(
        "certificates/<str:certificate_id>/proof/",
        api.CertificateProof.as_view(),
        name="api-certificate-proof",
    ),
    path(
        "certificates/<str:certificate_id>/disclosure/",
        api.CertificateDisclosure.as_view(),
        name="api-certificate-disclosure",
    ),
    path(
        "certificates/<str:certificate_id>/declaration/",
        api_external.CertificateDeclaration.as_view(),
        name="api-certificate-declaration",
    ),
    path(
        "certificates/<str:certificate_id>/o8/",
        api_external.CertificateDocument.as_view(),
        name="api-certificate-o8",
    ),
    path("provenance/stamp", api_v2.V2Stamp.as_view(), name="api-v2-stamp"),
    path("provenance/stamp/", api_v2.V2Stamp.as_view(schema=None)),
    path("provenance/verify", api_v2.V2Verify.as_view(), name="api-v2-verify"),
    path("provenance/verify/", api_v2.V2Verify.as_view(schema=None)),
    path("log/checkpoint", api_log.LogCheckpoint.as_view(), name="api-log-checkpoint"),
    path("log/checkpoints", api_log.LogCheckpoints.as_view(), name="api-log-checkpoints"),
    path("log/checkpoints/<int:size>", api_log.LogCheckpointItem.as_view(), name="api-log-checkpoint-at"),
    path("log/entries", api_log.LogEntries.as_view(), name="api-log-entries"),
    path("log/proof/inclusion", api_log.LogInclusion.as_view(), name="api-log-inclusion"),
    path("log/proof/consistency", api_log.LogConsistency.as_view(), name="api-log-consistency"),
]
