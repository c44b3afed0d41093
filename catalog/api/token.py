"""POST /api/token/: a name and a password become a token for scripts."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import authenticate
from rest_framework import serializers
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from catalog import security
from catalog.accounts import artist_of, issue_token
from catalog.api.documented import operation
from catalog.api.fields import Choice, Text
from catalog.api.parsers import BoundedJSON
from catalog.models import AccessToken
from catalog.problems import Problem


class TokenThrottle(AnonRateThrottle):
    """Guessing passwords is slow: counted by address, whoever else is signed in."""

    scope = "token"


class Credentials(serializers.Serializer[Any]):
    username = Text(allow_blank=False, max_length=150)
    password = Text(allow_blank=False, max_length=1024, trim_whitespace=False)
    name = Text(required=False, max_length=80, help_text="What will use the token; shown on the account page")
    scope = Choice(
        AccessToken.Scope.choices,
        default=AccessToken.Scope.WRITE,
        help_text="What it may do: `read`; `make`, which generates and stamps as well; `write`, which is everything",
    )


class Issued(serializers.Serializer[Any]):
    token = serializers.CharField(help_text="Shown once; only its hash is kept")
    name = serializers.CharField()
    scope = serializers.ChoiceField(AccessToken.Scope.choices)


class TokenView(APIView):
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [TokenThrottle]
    parser_classes = [BoundedJSON]

    @operation(
        "token_create",
        "Get a token for scripts",
        tag="account",
        request=Credentials,
        answers={201: Issued},
        errors=(400, 401, 413, 415),
        auth=[],
    )
    def post(self, request: Request) -> Response:
        asked = Credentials(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        if seconds := security.must_wait(values["username"]):
            raise Throttled(seconds)
        user = authenticate(request._request, username=values["username"], password=values["password"])
        if user is None:
            raise Problem(
                401,
                "wrong-credentials",
                "No account has this name with this password. Check both and try again.",
                title="Name and password do not match",
            )
        token, key = issue_token(artist_of(user), name=values.get("name") or "API", scope=values["scope"])
        response = Response({"token": key, "name": token.name, "scope": token.scope}, status=201)
        response["Cache-Control"] = "no-store"
        return response
