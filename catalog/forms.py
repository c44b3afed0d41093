"""What people type about themselves and their tracks."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import password_validators_help_texts
from django.core.exceptions import ValidationError

from catalog.models import Track

RIGHTS = "I hold the rights to the recordings I upload."


class Ruled:
    """Fields as the pages draw them: one hairline, errors announced, autofill hints."""

    fields: dict[str, forms.Field]

    def ruled(self) -> None:
        for field in self.fields.values():
            if not isinstance(field.widget, (forms.CheckboxInput, forms.RadioSelect)):
                field.widget.attrs.setdefault("class", "input")


class SignUpForm(Ruled, forms.Form):
    username = forms.CharField(
        max_length=150, label="Username", widget=forms.TextInput(attrs={"autocomplete": "username"})
    )
    name = forms.CharField(
        max_length=120,
        required=False,
        label="Artist name",
        help_text="As it will stand on your certificates. Your username, if you leave it empty.",
        widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        help_text=" ".join(password_validators_help_texts()[1:2]),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    rights = forms.BooleanField(
        label=RIGHTS,
        error_messages={
            "required": "Starforge works with your own recordings only. Confirm that they are yours."
        },
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ruled()

    def take_errors(self, error: ValidationError) -> None:
        """Errors of `accounts.create_artist` under the fields they belong to."""
        if hasattr(error, "error_dict"):
            for name, errors in error.error_dict.items():
                self.add_error(name if name in self.fields else None, errors)
        else:
            self.add_error("password", error)


class LogInForm(Ruled, AuthenticationForm):
    error_messages = {
        "invalid_login": "No account has this username and password. Both tell capitals from small letters.",
        "inactive": "This account is closed.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ruled()


class ChangePasswordForm(Ruled, PasswordChangeForm):
    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.fields["old_password"].widget.attrs.pop("autofocus", None)
        self.ruled()


class ProfileForm(Ruled, forms.Form):
    name = forms.CharField(max_length=120, label="Artist name")
    dna_includes_generated = forms.BooleanField(
        required=False, label="Count takes I added to my library in my DNA"
    )
    watermark = forms.BooleanField(
        required=False,
        label="Mark new takes inaudibly, so that copies without tags are still recognised",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ruled()


class CorrectionForm(Ruled, forms.Form):
    """Title, BPM, key and genre by hand. Empty BPM, key or genre: what was measured or found in the tags."""

    title = forms.CharField(max_length=200, label="Title")
    bpm = forms.CharField(max_length=12, required=False, label="BPM")
    key = forms.CharField(max_length=24, required=False, label="Key")
    genre = forms.CharField(max_length=120, required=False, label="Genre")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["bpm"].widget.attrs["inputmode"] = "decimal"
        self.ruled()

    def show_measured(self, track: Track) -> None:
        """What counts while a field is empty, in grey; a locked BPM cannot be typed over."""
        measured = track.analysis
        bpm = (measured.bpm if measured else None) or track.imported_bpm
        found = {
            "bpm": f"{bpm:.1f}" if bpm else "",
            "key": (measured.key_name if measured else "") or track.imported_key,
            "genre": str(track.tags.get("genre", "") or track.imported.get("genre", "")),
        }
        if track.bpm_locked:
            self.fields["bpm"].widget.attrs["readonly"] = True
        for name, words in found.items():
            self.fields[name].widget.attrs["placeholder"] = words

    def take_errors(self, error: ValidationError) -> None:
        for name, messages in error.message_dict.items():
            self.add_error(name if name in self.fields else None, messages)
