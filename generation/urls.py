from __future__ import annotations

from django.urls import path

from generation import (
    adapter_views,
    compare_views,
    edit_views,
    evolution_views,
    history_views,
    keeping_views,
    studio_views,
    views,
)

app_name = "generation"
urlpatterns = [
    path("generate/", studio_views.studio, name="studio"),
    path("generate/now/", studio_views.now, name="now"),
    path("generations/<str:pk>/", views.generation, name="generation"),
    path("generations/<str:pk>/cancel/", views.cancel, name="cancel"),
    path("generations/<str:pk>/retry/", views.retry, name="retry"),
    path("generations/<str:pk>/vary/", views.vary, name="vary"),
    path("generations/<str:pk>/takes/<int:number>/library/", views.to_library, name="to_library"),
    path("generations/<str:pk>/takes/<int:number>/said/", keeping_views.say, name="say"),
    path("generations/<str:pk>/takes/<int:number>/edit/", edit_views.edit, name="edit"),
    path("generations/<str:pk>/takes/<int:number>/restore/", edit_views.restore, name="restore"),
    path("generations/<str:pk>/takes/<int:number>/remake/", edit_views.remake, name="remake"),
    path("adapters/", adapter_views.index, name="adapters"),
    path("adapters/consent/", adapter_views.consent, name="training-consent"),
    path("adapters/<str:pk>/", adapter_views.adapter, name="adapter"),
    path("adapters/<str:pk>/cancel/", adapter_views.cancel, name="adapter-cancel"),
    path("adapters/<str:pk>/continue/", adapter_views.go_on, name="adapter-continue"),
    path("adapters/<str:pk>/delete/", adapter_views.delete, name="adapter-delete"),
    path("history/", history_views.history, name="history"),
    path("history/change/", history_views.change, name="history-change"),
    path("history/compare/", compare_views.compare, name="compare"),
    path("history/pick/", compare_views.pick, name="pick"),
    path("history/evolution/", evolution_views.evolution, name="evolution"),
    path("history/evolution/notes/", evolution_views.note, name="evolution-note"),
    path("history/evolution/notes/<int:pk>/remove/", evolution_views.remove, name="evolution-note-remove"),
    path("history/evolution/drift.<str:kind>", evolution_views.picture, name="evolution-picture"),
    path("history/families/", views.families, name="families"),
    path("history/requests/", views.requests, name="requests"),
]
