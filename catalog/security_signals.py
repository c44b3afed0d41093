"""What Django itself does to accounts, told to `catalog.security`: connected when the app is ready."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.signals import user_logged_in, user_login_failed
from django.db.models.signals import m2m_changed, post_save, pre_delete, pre_save

from catalog import security
from catalog.security import Kind

# column: (what is recorded when it becomes true, and when it becomes false)
RIGHTS = {
    "is_staff": ("may use the admin", "may not use the admin any more"),
    "is_superuser": ("may do everything", "may not do everything any more"),
    "is_active": ("may sign in again", "may not sign in any more"),
}


def connect() -> None:
    model = get_user_model()
    user_logged_in.connect(_signed_in, dispatch_uid="catalog.security.in")
    user_login_failed.connect(_failed, dispatch_uid="catalog.security.failed")
    pre_save.connect(_before, sender=model, dispatch_uid="catalog.security.before")
    post_save.connect(_after, sender=model, dispatch_uid="catalog.security.after")
    pre_delete.connect(_goes, sender=model, dispatch_uid="catalog.security.goes")
    for through in (model.groups.through, model.user_permissions.through):
        m2m_changed.connect(_given, sender=through, dispatch_uid=f"catalog.security.{through.__name__}")


def _signed_in(sender: Any, user: User, **_: Any) -> None:
    security.signed_in(user)


def _failed(sender: Any, credentials: dict[str, Any], **_: Any) -> None:
    security.wrong_password(str(credentials.get("username") or ""))


def _before(sender: type[User], instance: User, raw: bool, update_fields: Any, **_: Any) -> None:
    """Note what is about to change. Django writes a better hash of the same password now and then: no change."""
    noted = vars(instance)["_security"] = []
    if raw or not instance.pk or (update_fields and not {"password", *RIGHTS} & set(update_fields)):
        return
    if instance._password is not None:  # type: ignore[attr-defined]  # set_password was called
        noted.append((Kind.PASSWORD_CHANGED, ""))
    known = sender._base_manager.filter(pk=instance.pk).values(*RIGHTS).first()
    for name, words in RIGHTS.items():
        now = bool(getattr(instance, name))
        if known is not None and known[name] != now:
            noted.append((Kind.RIGHTS_CHANGED, words[0 if now else 1]))


def _after(sender: type[User], instance: User, created: bool, raw: bool, **_: Any) -> None:
    if created and not raw:
        for name in ("is_staff", "is_superuser"):
            if getattr(instance, name):
                security.record(Kind.RIGHTS_CHANGED, instance, detail=RIGHTS[name][0])
    for kind, detail in vars(instance).pop("_security", []):
        security.record(kind, instance, detail=detail)


def _goes(sender: type[User], instance: User, **_: Any) -> None:
    """Its other events go with the account; that it went, and what it was called, stays for staff."""
    security.record(Kind.DELETED, None, detail=instance.get_username())


def _given(
    sender: Any, instance: Any, action: str, reverse: bool, model: Any, pk_set: set[int] | None, **_: Any
) -> None:
    """Groups and permissions, given or taken; from either side."""
    given = {"post_add": "was given", "post_remove": "lost", "post_clear": "lost all"}.get(action)
    if given is None:
        return
    people = get_user_model().objects.filter(pk__in=pk_set or ()) if reverse else [instance]
    things = [instance] if reverse else list(model.objects.filter(pk__in=pk_set or ()))
    kind = "group" if (Group in (model, type(instance))) else "permission"
    names = ", ".join(one.name for one in things if isinstance(one, Group | Permission))
    for user in people:
        security.record(Kind.RIGHTS_CHANGED, user, detail=f"{given} {kind} {names}".strip())
