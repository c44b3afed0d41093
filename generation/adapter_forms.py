"""The form that asks for a training."""

from __future__ import annotations

from typing import Any

from django import forms

from generation import adapters
from generation.training.recipe import LIMITS, Recipe

SHOWN = ("steps", "rank", "learning_rate")


class TrainForm(forms.Form):
    """`asked()` is what `adapters.start` is told. Hyper-parameters that are left empty keep their defaults."""

    name = forms.CharField(max_length=adapters.LONGEST_NAME, required=False, label="Name")
    base = forms.ChoiceField(label="Model", required=False)
    aggregate = forms.BooleanField(required=False, label="Together with all who agreed to it")
    generated = forms.BooleanField(required=False, label="Also from takes in my library")
    steps = forms.IntegerField(min_value=1, max_value=100_000, required=False, label="Steps at most")
    rank = forms.IntegerField(min_value=1, max_value=128, required=False, label="Rank")
    learning_rate = forms.FloatField(min_value=1e-6, max_value=1e-2, required=False, label="Learning rate")
    request_key = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        here = {model.name for model in adapters.available_bases()}
        choices = [(model.name, model.label) for model in adapters.bases() if model.name in here]
        self.fields["base"].choices = choices  # type: ignore[attr-defined]
        usual = Recipe()
        for name in SHOWN:
            low, high = LIMITS[name]
            self.fields[name].widget.attrs["placeholder"] = f"{getattr(usual, name):g}"
            self.fields[name].help_text = f"{low:g} to {high:g}"
        for field in self.fields.values():
            if not isinstance(field.widget, forms.CheckboxInput):
                field.widget.attrs["class"] = "input"

    def asked(self) -> dict[str, Any]:
        data = self.cleaned_data
        said = {name: data[name] for name in SHOWN if data[name] is not None}
        base = {"base": data["base"]} if data["base"] else {}
        return {
            "name": data["name"],
            "aggregate": data["aggregate"],
            "generated": data["generated"],
            "request_key": data["request_key"] or None,
            "recipe": Recipe(**said),
            **base,
        }
