from __future__ import annotations

from django.contrib.admin.utils import unquote

from catalog.ids import new_id


def test_an_id_means_itself_in_an_address_of_the_admin() -> None:
    ids = [new_id("gen") for _ in range(3000)]  # six in a thousand went wrong when a digit could come first
    assert [unquote(one) for one in ids] == ids
    assert len(set(ids)) == len(ids)
