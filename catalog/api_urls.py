"""/api/: tokens, tracks, duplicates, imports, DNA, match."""

from __future__ import annotations

from django.urls import path

from catalog.api import dna, duplicates, imports, token, track_bulk, tracks

urlpatterns = [
    path("token/", token.TokenView.as_view(), name="api-token"),
    path("tracks/", tracks.TrackList.as_view(), name="api-tracks"),
    path("tracks/bulk/", track_bulk.TrackBulk.as_view(), name="api-tracks-bulk"),
    path("tracks/progress/", track_bulk.TrackProgress.as_view(), name="api-tracks-progress"),
    path("tracks/<str:pk>/", tracks.TrackItem.as_view(), name="api-track"),
    path("tracks/<str:pk>/retry/", tracks.TrackRetry.as_view(), name="api-track-retry"),
    path("tracks/<str:pk>/audio/", tracks.TrackAudio.as_view(), name="api-track-audio"),
    path("duplicates/", duplicates.DuplicateList.as_view(), name="api-duplicates"),
    path("duplicates/<str:pk>/", duplicates.DuplicateItem.as_view(), name="api-duplicate"),
    path("imports/", imports.ImportList.as_view(), name="api-imports"),
    path("imports/rekordbox/", imports.RekordboxImport.as_view(), name="api-imports-rekordbox"),
    path("imports/<str:pk>/", imports.ImportItem.as_view(), name="api-import"),
    path("imports/<str:pk>/resolve/", imports.ImportResolve.as_view(), name="api-import-resolve"),
    path("imports/<str:pk>/cancel/", imports.ImportCancel.as_view(), name="api-import-cancel"),
    path("imports/<str:pk>/retry/", imports.ImportRetry.as_view(), name="api-import-retry"),
    path("dna/", dna.DNAView.as_view(), name="api-dna"),
    path("dna/snapshots/", dna.SnapshotList.as_view(), name="api-dna-snapshots"),
    path("dna/snapshots/<str:pk>/", dna.SnapshotItem.as_view(), name="api-dna-snapshot"),
    path("match/", dna.MatchView.as_view(), name="api-match"),
]
