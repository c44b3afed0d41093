from __future__ import annotations

from django.urls import path

from catalog import account_views, bulk_views, dna_page, duplicate_views, import_views, views

app_name = "catalog"
urlpatterns = [
    path("catalog/", views.library, name="library"),
    path("catalog/change/", bulk_views.change, name="change"),
    path("catalog/change/undo/", bulk_views.undo, name="undo"),
    path("catalog/stop/", bulk_views.stop, name="stop"),
    path("catalog/import/", import_views.start, name="import"),
    path("catalog/imports/<str:pk>/", import_views.report, name="import-report"),
    path("catalog/duplicates/", duplicate_views.index, name="duplicates"),
    path("catalog/duplicates/<int:pk>/", duplicate_views.decide, name="duplicate"),
    path("catalog/duplicates/<int:pk>/keep/<str:track>/", duplicate_views.keep, name="duplicate-keep"),
    path("catalog/tracks/<str:pk>/", views.track, name="track"),
    path("catalog/tracks/<str:pk>/audio/", views.track_audio, name="audio"),
    path("catalog/tracks/<str:pk>/delete/", views.delete, name="delete"),
    path("catalog/tracks/<str:pk>/retry/", views.retry, name="retry"),
    path("dna/", dna_page.dna, name="dna"),
    path("account/signup/", account_views.signup, name="signup"),
    path("account/login/", account_views.LogIn.as_view(), name="login"),
    path("account/logout/", account_views.LogOut.as_view(), name="logout"),
    path("account/password/", account_views.ChangePassword.as_view(), name="password"),
    path("account/", account_views.account, name="account"),
    path("account/security/", account_views.events, name="events"),
    path("account/rights/", account_views.rights, name="rights"),
    path("account/consent/", account_views.consent, name="consent"),
    path("account/tokens/", account_views.create_token, name="token_created"),
    path("account/tokens/<int:pk>/revoke/", account_views.revoke_token, name="token_revoke"),
]
