"""/api/: engines, briefs, generations, takes."""

from __future__ import annotations

from django.urls import path

from generation.api import (
    adapters,
    archives,
    blends,
    evolution,
    exports,
    plans,
    presets,
    requests,
    shares,
    sources,
    takes,
)
from generation.api.generations import (
    GenerationCancel,
    GenerationItem,
    GenerationList,
    GenerationRetry,
    GenerationVary,
)

urlpatterns = [
    path("usage/", plans.Usage.as_view(), name="api-usage"),
    path("export/", archives.ExportList.as_view(), name="api-export"),
    path("export/<str:pk>/", archives.ExportItem.as_view(), name="api-export-item"),
    path("export/<str:pk>/file/", archives.ExportFile.as_view(), name="api-export-file"),
    path("presets/", presets.PresetList.as_view(), name="api-presets"),
    path("presets/<str:pk>/", presets.PresetItem.as_view(), name="api-preset"),
    path("shares/", shares.ShareList.as_view(), name="api-shares"),
    path("shares/<str:pk>/", shares.ShareItem.as_view(), name="api-share"),
    path("blended-takes/", blends.BlendedTakeList.as_view(), name="api-blended-takes"),
    path("blended-takes/<str:pk>/audio/", blends.BlendedTakeAudio.as_view(), name="api-blended-take-audio"),
    path("blends/", blends.BlendList.as_view(), name="api-blends"),
    path("blends/join/", blends.BlendJoin.as_view(), name="api-blend-join"),
    path("blends/<str:pk>/", blends.BlendItem.as_view(), name="api-blend"),
    path("blends/<str:pk>/accept/", blends.BlendAccept.as_view(), name="api-blend-accept"),
    path("blends/<str:pk>/decline/", blends.BlendDecline.as_view(), name="api-blend-decline"),
    path("blends/<str:pk>/withdraw/", blends.BlendWithdraw.as_view(), name="api-blend-withdraw"),
    path("engines/", requests.EngineList.as_view(), name="api-engines"),
    path("brief/", requests.BriefView.as_view(), name="api-brief"),
    path("generate/music", requests.GenerateMusic.as_view(), name="api-generate-music"),
    path("generate/music/", requests.GenerateMusic.as_view(schema=None)),
    path("adapters/", adapters.AdapterList.as_view(), name="api-adapters"),
    path("adapters/<str:pk>/", adapters.AdapterItem.as_view(), name="api-adapter"),
    path("adapters/<str:pk>/cancel/", adapters.AdapterCancel.as_view(), name="api-adapter-cancel"),
    path("adapters/<str:pk>/continue/", adapters.AdapterContinue.as_view(), name="api-adapter-continue"),
    path("training-consent/", adapters.Consent.as_view(), name="api-training-consent"),
    path("evolution/", evolution.EvolutionView.as_view(), name="api-evolution"),
    path("evolution/notes/", evolution.NoteList.as_view(), name="api-evolution-notes"),
    path("evolution/notes/<str:pk>/", evolution.NoteItem.as_view(), name="api-evolution-note"),
    path("generations/", GenerationList.as_view(), name="api-generations"),
    path("generations/<str:pk>/", GenerationItem.as_view(), name="api-generation"),
    path("generations/<str:pk>/cancel/", GenerationCancel.as_view(), name="api-generation-cancel"),
    path("generations/<str:pk>/retry/", GenerationRetry.as_view(), name="api-generation-retry"),
    path("generations/<str:pk>/vary/", GenerationVary.as_view(), name="api-generation-vary"),
    path("generated-tracks/", takes.TakeList.as_view(), name="api-generated-tracks"),
    path("generated-tracks/<str:pk>/", takes.TakeItem.as_view(), name="api-generated-track"),
    path("generated-tracks/<str:pk>/audio/", takes.TakeAudio.as_view(), name="api-generated-track-audio"),
    path(
        "generated-tracks/<str:pk>/sources/",
        sources.TakeSources.as_view(),
        name="api-generated-track-sources",
    ),
    path("generated-tracks/<str:pk>/stems/", exports.TakeStems.as_view(), name="api-generated-track-stems"),
    path(
        "generated-tracks/<str:pk>/stems/<str:name>/",
        exports.TakeStem.as_view(),
        name="api-generated-track-stem",
    ),
    path(
        "generated-tracks/<str:pk>/dawproject/",
        exports.TakeDawproject.as_view(),
        name="api-generated-track-dawproject",
    ),
    path(
        "generated-tracks/<str:pk>/reaper/", exports.TakeReaper.as_view(), name="api-generated-track-reaper"
    ),
    path("generated-tracks/<str:pk>/midi/", exports.TakeMidi.as_view(), name="api-generated-track-midi"),
    path(
        "generated-tracks/<str:pk>/restore/", takes.TakeRestore.as_view(), name="api-generated-track-restore"
    ),
    path("generated-tracks/<str:pk>/remake/", takes.TakeRemake.as_view(), name="api-generated-track-remake"),
    path(
        "generated-tracks/<str:pk>/add-to-library/",
        takes.TakeToLibrary.as_view(),
        name="api-generated-track-add-to-library",
    ),
]
