"""What all routes share: the artist behind the request."""

from __future__ import annotations

from typing import cast

from django.contrib.auth.models import User
from rest_framework.views import APIView

from catalog.accounts import artist_of
from catalog.api.parsers import BoundedJSON
from catalog.models import Artist


class ArtistView(APIView):
    """A view for signed-in artists. Every query starts from `self.artist`, so a foreign id is not found."""

    parser_classes = [BoundedJSON]

    @property
    def artist(self) -> Artist:
        return artist_of(cast(User, self.request.user))  # IsAuthenticated is the default permission
