from __future__ import annotations

from django.urls import path

from generation import edit_views, studio_views, views

app_name = "generation"
urlpatterns = [
    path("generate/", studio_views.studio, name="studio"),
    path("generate/now/", studio_views.now, name="now"),
    path("generations/<str:pk>/", views.generation, name="generation"),
    path("generations/<str:pk>/cancel/", views.cancel, name="cancel"),
    path("generations/<str:pk>/retry/", views.retry, name="retry"),
    path("generations/<str:pk>/vary/", views.vary, name="vary"),
    path("generations/<str:pk>/takes/<int:number>/library/", views.to_library, name="to_library"),
    path("generations/<str:pk>/takes/<int:number>/edit/", edit_views.edit, name="edit"),
    path("generations/<str:pk>/takes/<int:number>/restore/", edit_views.restore, name="restore"),
    path("generations/<str:pk>/takes/<int:number>/remake/", edit_views.remake, name="remake"),
    path("history/", views.history, name="history"),
]
