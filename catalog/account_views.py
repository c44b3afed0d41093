"""Sign up, log in and out, password, tokens, and what the artist declares."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe

from catalog import accounts, rates, security
from catalog.api.token import TokenThrottle
from catalog.forms import RIGHTS, ChangePasswordForm, LogInForm, ProfileForm, SignUpForm
from catalog.models import AccessToken, Artist
from catalog.sessions import artist_in

TOO_MANY = "More attempts came from your address than allowed. Wait a minute, then try again."
TOO_OFTEN = "Too many wrong passwords were given for this account. Wait {minutes}, then try again."
EVENTS_ON_ACCOUNT, EVENTS_PER_PAGE = 5, 50


def must_wait(request: HttpRequest, name: str | None = None) -> tuple[int, str]:
    """(seconds, in words) until a password may be tried again; (0, "") for an attempt within the rates.

    Guessing is slow on the pages too: they share both counts, by address and by account, with POST /api/token/.
    """
    if seconds := rates.must_wait(TokenThrottle, request):
        return seconds, TOO_MANY
    if name is not None and (seconds := security.must_wait(name)):
        minutes = -(-seconds // 60)
        return seconds, TOO_OFTEN.format(minutes="a minute" if minutes == 1 else f"{minutes} minutes")
    return 0, ""


@sensitive_post_parameters("password")
@never_cache
def signup(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("catalog:library")
    seconds, words = must_wait(request) if request.method == "POST" else (0, "")
    if seconds:
        typed = {name: request.POST.get(name, "") for name in ("username", "name")}
        context = {"form": SignUpForm(initial=typed), "refused": words}
        answer = render(request, "account/signup.html", context, status=429)
        answer.headers["Retry-After"] = str(seconds)
        return answer
    form = SignUpForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            artist = accounts.create_artist(
                username=data["username"], password=data["password"], name=data["name"]
            )
        except ValidationError as error:
            form.take_errors(error)
        else:
            accounts.declare_rights(artist, statement=RIGHTS)
            login(request, artist.user, backend="django.contrib.auth.backends.ModelBackend")
            return redirect("catalog:library")
    return render(request, "account/signup.html", {"form": form}, status=422 if form.errors else 200)


class LogIn(auth.LoginView):
    template_name = "account/login.html"
    authentication_form = LogInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        name = request.POST.get("username", "")
        seconds, words = must_wait(request, name)
        if not seconds:
            return super().post(request, *args, **kwargs)
        form = LogInForm(request, initial={"username": name})
        context = self.get_context_data(form=form, refused=words)
        return self.render_to_response(context, status=429, headers={"Retry-After": str(seconds)})

    def get_default_redirect_url(self) -> str:
        return str(reverse_lazy("home"))

    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        open_demo = Artist.objects.filter(is_demo=True, user__is_active=True)
        return super().get_context_data(has_demo=open_demo.exists(), **kwargs)


class LogOut(auth.LogoutView):
    """By POST only, so that no foreign page can end a session."""


@method_decorator(login_required, name="dispatch")
class ChangePassword(auth.PasswordChangeView):
    template_name = "account/password.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("catalog:account")

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        """Whoever finds a session open may not guess the password here either."""
        seconds, words = must_wait(request, request.user.get_username())
        if not seconds:
            return super().post(request, *args, **kwargs)
        context = self.get_context_data(form=self.get_form_class()(artist_in(request).user), refused=words)
        return self.render_to_response(context, status=429, headers={"Retry-After": str(seconds)})

    def form_invalid(self, form: PasswordChangeForm) -> HttpResponse:
        if "old_password" in form.errors and form.data.get("old_password"):
            security.wrong_password(self.request.user.get_username())
        return super().form_invalid(form)

    def form_valid(self, form: PasswordChangeForm) -> HttpResponse:
        messages.success(self.request, "Your password is changed.")
        return super().form_valid(form)


@login_required
@never_cache
def account(request: HttpRequest) -> HttpResponse:
    artist = artist_in(request)
    form = ProfileForm(
        request.POST or None,
        initial={
            "name": artist.name,
            "dna_includes_generated": artist.dna_includes_generated,
            "watermark": accounts.wants_watermark(artist),
        },
    )
    if request.method == "POST" and form.is_valid():
        artist.name = form.cleaned_data["name"].strip()
        artist.dna_includes_generated = form.cleaned_data["dna_includes_generated"]
        artist.save(update_fields=["name", "dna_includes_generated"])
        accounts.choose_watermark(artist, form.cleaned_data["watermark"])
        messages.success(request, "Saved.")
        return redirect("catalog:account")
    return render(
        request,
        "account/account.html",
        {
            "artist": artist,
            "form": form,
            "tokens": artist.tokens.filter(revoked_at=None),
            "scopes": AccessToken.Scope.choices,
            "events": security.of(artist.user)[:EVENTS_ON_ACCOUNT],
            "days": settings.STARFORGE_SECURITY_DAYS,
            "rights": RIGHTS,
            "consents": accounts.consents(artist),
        },
        status=422 if form.errors else 200,
    )


@login_required
@never_cache
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """All that is kept of what happened to this account."""
    rows = Paginator(security.of(artist_in(request).user), EVENTS_PER_PAGE)
    page = rows.get_page(request.GET.get("page"))
    context = {"page": page, "query": {}, "days": settings.STARFORGE_SECURITY_DAYS}
    return render(request, "account/events.html", context)


@login_required
@require_POST
def rights(request: HttpRequest) -> HttpResponse:
    accounts.declare_rights(artist_in(request), statement=RIGHTS)
    if request.headers.get("Accept") == "application/json":
        return JsonResponse({"declared": True})
    messages.success(request, "Recorded.")
    return redirect("catalog:library")


@login_required
@require_POST
def consent(request: HttpRequest) -> HttpResponse:
    accounts.consent(artist_in(request), request.POST.getlist("allow"))
    messages.success(request, "Saved.")
    return redirect("catalog:account")


@login_required
@never_cache
@require_POST
def create_token(request: HttpRequest) -> HttpResponse:
    """Answers with the key itself instead of a redirect: it exists in this one answer only."""
    artist = artist_in(request)
    try:
        token, key = accounts.issue_token(
            artist,
            name=request.POST.get("name", ""),
            scope=request.POST.get("scope", AccessToken.Scope.WRITE),
        )
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("catalog:account")
    return render(request, "account/token.html", {"token": token, "key": key}, status=201)


@login_required
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    token = get_object_or_404(AccessToken, pk=pk, artist=artist_in(request), revoked_at=None)
    if request.method == "POST":
        accounts.revoke_token(token)
        messages.success(request, f"“{token.name}” no longer works.")
        return redirect("catalog:account")
    return render(request, "account/revoke.html", {"token": token})
