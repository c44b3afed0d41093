"""What the admin pages of generations and of adapters share."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from catalog.admin_parts import counted


def certificate_link(certified: Any) -> SafeString | str:
    """Of a row with a `certificate`."""
    if not certified.certificate_id:
        return "None"
    url = reverse("provenance:certificate", args=[certified.certificate_id])
    return format_html('<a href="{}">{}</a>', url, certified.certificate_id)


class Steered(ModelAdmin):
    """Nobody edits a row by hand, but who may change them may also steer the work."""

    def has_steer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def tell(self, request: HttpRequest, chosen: int, done: int, what: str) -> None:
        """How many of the chosen rows something was done to, as a message."""
        left = chosen - done
        words = f"{what}: {counted(done, str(self.opts.verbose_name))}."
        words += f" Left as they are: {left:,}." if left else ""
        self.message_user(request, words, messages.SUCCESS if done else messages.WARNING)
