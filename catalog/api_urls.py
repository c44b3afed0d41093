"""/api/: tokens, tracks, DNA, match."""

from __future__ import annotations

from django.urls import path

from catalog.api import dna, token, track_bulk, tracks

urlpatterns = [
    path("token/", token.TokenView.as_view(), name="api-token"),
    path("tracks/", tracks.TrackList.as_view(), name="api-tracks"),
    path("tracks/bulk/", track_bulk.TrackBulk.as_view(), name="api-tracks-bulk"),
    path("tracks/progress/", track_bulk.TrackProgress.as_view(), name="api-tracks-progress"),
    path("tracks/<str:pk>/", tracks.TrackItem.as_view(), name="api-track"),
    path("tracks/<str:pk>/retry/", tracks.TrackRetry.as_view(), name="api-track-retry"),
    path("tracks/<str:pk>/audio/", tracks.TrackAudio.as_view(), name="api-track-audio"),
    path("dna/", dna.DNAView.as_view(), name="api-dna"),
    path("dna/snapshots/", dna.SnapshotList.as_view(), name="api-dna-snapshots"),
    path("dna/snapshots/<str:pk>/", dna.SnapshotItem.as_view(), name="api-dna-snapshot"),
    path("match/", dna.MatchView.as_view(), name="api-match"),
]
