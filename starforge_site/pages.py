"""The pages that belong to no app: the first one, and the API in words."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from catalog import addresses
from catalog.models import Artist, Track
from generation.engines import engines

GROUPS = {
    "account": "Account",
    "catalog": "Catalog",
    "dna": "DNA and match",
    "generation": "Generation",
    "provenance": "Provenance",
}
METHODS = ("get", "post", "put", "patch", "delete")


def home(request: HttpRequest) -> HttpResponse:
    """What this is, for visitors; straight to work for everybody else."""
    if request.user.is_authenticated:
        enough = Track.objects.filter(artist__user=request.user).ready().own()
        ready = enough.count() >= settings.STARFORGE_MIN_TRACKS
        return redirect("generation:studio" if ready else "catalog:library")
    demo = Artist.objects.filter(is_demo=True).select_related("user").order_by("pk").first()
    heard = Track.objects.of(demo).ready().own().listed().order_by("pk").first() if demo else None
    return render(
        request, "site/home.html", {"has_demo": demo is not None and demo.user.is_active, "heard": heard}
    )


def admin_login(request: HttpRequest) -> HttpResponse:
    """Staff sign in where everybody does, at the same rates. An artist who comes here is told, not sent round."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied(
            "These pages are for the staff of this installation. You are signed in as an artist."
        )
    return redirect_to_login(request.GET.get("next") or reverse("admin:index"))


def terms(request: HttpRequest) -> HttpResponse:
    """What may be done with what is made here. The licences are what the engines say of themselves."""
    return render(request, "site/terms.html", {"engines": engines().values()})


def _example(schema: dict[str, Any], components: dict[str, Any], depth: int = 0) -> Any:
    """A plausible value for a schema, for the body of a curl example."""
    if "$ref" in schema:
        schema = components.get(schema["$ref"].rsplit("/", 1)[-1], {})
    if "example" in schema:
        return schema["example"]
    for several in ("allOf", "oneOf", "anyOf"):
        if schema.get(several):
            return _example(schema[several][0], components, depth)
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[0]
    if kind == "object" or "properties" in schema:
        if depth > 2:
            return {}
        wanted = schema.get("required") or list(schema.get("properties", {}))[:4]
        return {
            name: _example(part, components, depth + 1)
            for name, part in schema.get("properties", {}).items()
            if name in wanted and not part.get("readOnly")
        }
    if kind == "array":
        return []
    if "default" in schema:
        return schema["default"]
    return {"integer": 1, "number": 0.5, "boolean": True}.get(str(kind), "…")


def _curl(method: str, path: str, operation: dict[str, Any], components: dict[str, Any], base: str) -> str:
    verb = "" if method == "get" else f"-X {method.upper()} "
    words = [f"curl {verb}'{base}{path}'"]
    if any(operation.get("security", [])):
        words.append('-H "Authorization: Token $TOKEN"')
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content and "multipart/form-data" not in content:
        body = _example(content["application/json"].get("schema", {}), components)
        words += ['-H "Content-Type: application/json"', f"-d '{json.dumps(body, ensure_ascii=False)}'"]
    elif "multipart/form-data" in content:
        words.append("-F file=@track.wav")
    return " \\\n  ".join(words)


def _kind(schema: dict[str, Any]) -> str:
    """ "number, 40 to 220": what a parameter may be, in words."""
    kind = schema.get("type", "")
    words = ", ".join(kind) if isinstance(kind, list) else str(kind)
    if choices := [str(one) for one in schema.get("enum", []) if one not in ("", None)]:
        return "one of " + ", ".join(choices)
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        words += f", {low:g} to {high:g}"
    elif low is not None:
        words += f", from {low:g}"
    if schema.get("maxLength"):
        words += f", up to {schema['maxLength']} characters"
    return words


def _parameter(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": one["name"],
        "place": one["in"],
        "required": one.get("required", False),
        # The generator lists the choices of an enum here; `kind` says them better.
        "description": re.sub(r"(?m)^\* `.*$", "", one.get("description", "")).strip(),
        "kind": _kind(one.get("schema", {})),
    }


def operations(base: str) -> list[dict[str, Any]]:
    """The OpenAPI document as a list of groups of operations, in the order of their paths."""
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator().get_schema(request=None, public=True)
    components = schema.get("components", {}).get("schemas", {})
    # A description that several operations have is that of a common base class, not theirs.
    shared = Counter(
        item[method].get("description", "").strip()
        for item in schema["paths"].values()
        for method in METHODS
        if method in item
    )
    groups: dict[str, list[dict[str, Any]]] = {}
    for path, item in schema["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            described = operation.get("description", "").strip()
            if shared[described] > 1:
                described = ""
            summary = operation.get("summary", "") or described.split("\n", 1)[0]
            group = (operation.get("tags") or ["api"])[0]
            groups.setdefault(group, []).append(
                {
                    "method": method.upper(),
                    "path": path,
                    "anchor": operation["operationId"],
                    "summary": summary,
                    "description": "" if described == summary else described,
                    "parameters": [_parameter(one) for one in operation.get("parameters", [])],
                    "open": not any(operation.get("security", [])) or {} in operation.get("security", []),
                    "answers": [
                        {"status": status, "words": answer.get("description", "")}
                        for status, answer in operation.get("responses", {}).items()
                    ],
                    "curl": _curl(method, path, operation, components, base),
                }
            )
    ordered = sorted(
        groups, key=lambda name: (list(GROUPS).index(name) if name in GROUPS else len(GROUPS), name)
    )
    return [
        {"slug": name, "name": GROUPS.get(name, name.capitalize()), "operations": groups[name]}
        for name in ordered
    ]


def api_docs(request: HttpRequest) -> HttpResponse:
    """Every operation of the API with its parameters, answers and a curl line. Drawn from the schema."""
    base = addresses.site(request)
    return render(request, "site/api_docs.html", {"groups": operations(base), "base": base})
