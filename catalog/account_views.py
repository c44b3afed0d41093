"""Sign up, log in and out, password, tokens, and what the artist declares."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import PasswordChangeForm
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse_lazy
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from catalog import accounts, rates
from catalog.api.token import TokenThrottle
from catalog.forms import RIGHTS, ChangePasswordForm, LogInForm, ProfileForm, SignUpForm
from catalog.models import AccessToken, Artist
from catalog.sessions import artist_in

TOO_MANY = "More attempts came from your address than allowed. Wait a minute, then try again."


def must_wait(request: HttpRequest) -> int:
    """Seconds until this address may try again; 0 for an attempt within the rate.

    Guessing is slow on the pages too: they share one count with POST /api/token/.
    """
    return rates.must_wait(TokenThrottle, request)


@sensitive_post_parameters("password")
@never_cache
def signup(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("catalog:library")
    if request.method == "POST" and (seconds := must_wait(request)):
        typed = {name: request.POST.get(name, "") for name in ("username", "name")}
        context = {"form": SignUpForm(initial=typed), "refused": TOO_MANY}
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
        if not (seconds := must_wait(request)):
            return super().post(request, *args, **kwargs)
        form = LogInForm(request, initial={"username": request.POST.get("username", "")})
        context = self.get_context_data(form=form, refused=TOO_MANY)
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
            "rights": RIGHTS,
            "consents": accounts.consents(artist),
        },
        status=422 if form.errors else 200,
    )


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
        token, key = accounts.issue_token(artist, name=request.POST.get("name", ""))
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
