"""One key as text, both ways: what is not exactly what pitside writes is refused without quoting it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.desk.vault_rig import MAIN, entry
from tui.desk.key_codec import decode_entry, encode_entry
from tui.desk.key_entries import KeyEntry, KeyringCode, KeyringFault
from venues.port import Credentials, Permissions

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
told = st.sampled_from([None, True, False])


@given(texts, texts, st.text(st.characters(codec="utf-8"), max_size=9), told, told, st.integers(0, 2**62))
def test_a_key_comes_back_as_it_was(
    key: str, secret: str, other: str, trade: bool | None, withdraw: bool | None, created_at: int
) -> None:
    stored = KeyEntry(
        name=MAIN,
        credentials=Credentials(key, secret, other, other),
        permissions=Permissions(trade=trade, withdraw=withdraw, told_by="you"),
        created_at=created_at,
    )
    assert decode_entry(MAIN, encode_entry(stored)) == stored


def test_the_text_has_the_parts_that_are_documented() -> None:
    assert sorted(json.loads(encode_entry(entry()))) == [
        "created_at",
        "key",
        "passphrase",
        "permissions",
        "secret",
        "sub_account",
        "version",
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"version": 2}, "newer"),
        ({"version": 2, "shape": "another"}, "newer"),
        ({"version": 0}, "version 0"),
        ({"key": ""}, "not whole"),
        ({"secret": None}, "not as pitside writes it"),
        ({"created_at": -1}, "not whole"),
        ({"created_at": "5"}, "not as pitside writes it"),
        ({"extra": 1}, "not as pitside writes it"),
        ({"permissions": {"trade": "yes"}}, "not as pitside writes it"),
    ],
)
def test_a_text_that_is_another_is_refused_in_words(changes: dict[str, object], why: str) -> None:
    text = json.dumps({**json.loads(encode_entry(entry())), **changes})
    with pytest.raises(KeyringFault, match=why) as caught:
        decode_entry(MAIN, text)
    state = caught.value.state
    assert state.code is KeyringCode.BROKEN
    assert "pitside keys add coinex" in state.remedy
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "hunter2-CANARY", "[" * 9000, '"CANARY', "{}", "\ud800", "x" * 70_000])
def test_a_text_of_something_else_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(KeyringFault) as caught:
        decode_entry(MAIN, text)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None
