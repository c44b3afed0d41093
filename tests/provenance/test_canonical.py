"""One meaning has one byte form, and values without one are refused."""

from __future__ import annotations

import json
import math
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.canonical import CanonicalError, canonical, is_canonical, normalise

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e9, 1e9)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def test_it_sorts_keys_and_writes_numbers_the_rfc_8785_way():
    assert canonical({"b": 1, "a": [True, None, 0.82, 1e21 / 1e20]}) == b'{"a":[true,null,0.82,10],"b":1}'


def test_composed_and_decomposed_text_sign_alike():
    word = "Déjà vu"
    assert canonical({"t": unicodedata.normalize("NFD", word)}) == canonical({"t": word})


def test_a_64_bit_seed_is_kept_exactly_as_text():
    seed = 2**63 + 7
    assert json.loads(canonical({"generation_params": {"seed": seed}})) == {
        "generation_params": {"seed": "9223372036854775815"}
    }


@pytest.mark.parametrize(
    "bad",
    [
        math.nan,
        math.inf,
        -math.inf,
        2**53,
        -(2**53),
        1e30,
        b"bytes",
        object(),
        {1: "number as key"},
        "\ud800",
        "a\0b",
        {"a": {"b": [math.nan]}},
        np.float32("nan"),
    ],
)
def test_it_refuses_values_without_one_exact_form(bad):
    with pytest.raises(CanonicalError):
        normalise({"value": bad})


def test_it_refuses_two_keys_that_become_one():
    with pytest.raises(CanonicalError, match="two keys"):
        normalise({"é": 1, "e\u0301": 2})


def test_it_refuses_bottomless_nesting():
    deep: list = []
    for _ in range(100):
        deep = [deep]
    with pytest.raises(CanonicalError, match="deeper"):
        normalise(deep)


def test_numpy_numbers_become_plain_ones():
    assert normalise({"a": np.float32(0.5), "b": np.int64(140), "c": np.bool_(True), "d": -0.0}) == {
        "a": 0.5,
        "b": 140,
        "c": True,
        "d": 0,
    }


def test_the_place_of_the_fault_is_named():
    with pytest.raises(CanonicalError, match=r"\$\.source\.bpm\[1\]"):
        normalise({"source": {"bpm": [140, math.nan]}})


@given(json_values)
def test_normal_form_is_a_fixed_point(value):
    try:
        once = canonical(value)
    except CanonicalError:
        return
    again = json.loads(once)
    assert canonical(again) == once
    assert is_canonical(once, again)


def test_the_same_json_with_a_space_more_is_not_canonical():
    assert not is_canonical(b'{"a": 1}', {"a": 1})
    assert is_canonical(b'{"a":1}', {"a": 1})
