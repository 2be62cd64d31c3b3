"""A key in whatever might show it: reprs, formats, logs, crash screens with locals, JSON, pickles, copies."""

from __future__ import annotations

import base64
import copy
import dataclasses
import io
import json
import logging
import pickle
from collections.abc import Callable

import msgspec
import pytest
from rich.console import Console
from rich.pretty import Pretty, pretty_repr
from rich.traceback import Traceback

from venues.coinex.settings import Settings
from venues.port import Credentials
from venues.secret import Secret

KEY, SECRET, PHRASE = "CANARYKEY0123456789", "canary/secret+9876543210", 'canary "phrase" \\ 77'
CANARIES = (KEY, SECRET, PHRASE)


@dataclasses.dataclass
class Entry:
    """As a vault or an adapter may hold one."""

    secret: Secret
    keys: Credentials


def credentials() -> Credentials:
    return Credentials(KEY, SECRET, PHRASE, sub_account="desk-2")


def values() -> list[object]:
    """Returns what may hold a key."""
    keys = credentials()
    entry = Entry(Secret(SECRET), keys)
    return [keys, keys.key, keys.secret, keys.passphrase, entry, Settings(credentials=keys), [keys], {"k": keys}]


def leaks(shown: str) -> list[str]:
    """Returns what of the canaries is in a text: whole, as JSON writes it, a piece of it, in base64."""
    forms = [form for text in CANARIES for form in (text, json.dumps(text)[1:-1], text[4:12])]
    forms += [base64.b64encode(text.encode()).decode()[:12] for text in CANARIES]
    return [form for form in forms if form.lower() in shown.lower()]


def on_console(show: Callable[[Console], None]) -> str:
    text = io.StringIO()
    show(Console(file=text, width=160))
    return text.getvalue()


def logged(value: object) -> str:
    text = io.StringIO()
    logger = logging.Logger("of its own")
    logger.addHandler(logging.StreamHandler(text))
    logger.warning("opened with %s and %r", value, value)
    logger.warning("in a dict: %(value)r", {"value": value})
    return text.getvalue()


def crashed(value: object) -> str:
    """Returns the crash screen with locals that Textual prints by itself."""
    held, copied_text = value, f"{value}"
    try:
        raise RuntimeError(f"no way with {held!r} and {copied_text}")
    except RuntimeError:
        return on_console(lambda console: console.print(Traceback(show_locals=True, width=160)))


SHOWN: dict[str, Callable[[object], str]] = {
    "repr": repr,
    "str": str,
    "an f-string": lambda value: f"{value} {value!r} {value!s:>40} {value!a}",
    "a message of click or an error": lambda value: str(ValueError("wrong", value)),
    "rich": lambda value: on_console(lambda console: console.print(value, Pretty(value, expand_all=True))),
    "rich's repr": lambda value: pretty_repr(value, max_depth=9),
    "logging": logged,
    "a crash screen": crashed,
}


@pytest.mark.parametrize("show", SHOWN.values(), ids=list(SHOWN))
def test_nothing_of_a_key_is_shown(show: Callable[[object], str]) -> None:
    for value in values():
        shown = show(value)
        assert shown
        assert leaks(shown) == []


def test_the_search_finds_a_key_that_is_shown() -> None:
    for canary in CANARIES:
        for show in SHOWN.values():
            assert leaks(show(canary))


def test_the_widths_of_a_format_are_kept() -> None:
    assert f"{Secret(SECRET):>6}" == "   ***"
    assert f"{Secret(SECRET):.1}" == "*"


@pytest.mark.parametrize("value", values(), ids=lambda value: type(value).__name__)
def test_it_is_neither_written_as_json_nor_pickled_nor_copied(value: object) -> None:
    for encode in (msgspec.json.encode, msgspec.msgpack.encode, json.dumps, pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError) as caught:
            encode(value)
        assert leaks(str(caught.value)) == []


def test_it_is_taken_apart_by_nobody() -> None:
    with pytest.raises(TypeError):
        dataclasses.asdict(Entry(Secret(SECRET), credentials()))
    with pytest.raises(TypeError):
        msgspec.to_builtins(credentials().secret)
    with pytest.raises(TypeError):
        vars(Secret(SECRET))
    with pytest.raises(AttributeError, match="do not change"):
        credentials().secret = Secret("another")
    with pytest.raises(TypeError):
        copy.copy(Secret(SECRET))


def test_a_setting_of_the_wrong_type_is_refused_without_it() -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({"credentials": {"key": KEY, "secret": SECRET}}, Settings)
    assert leaks(str(caught.value)) == []


def test_two_are_told_apart_only_by_who_has_them() -> None:
    assert Secret(SECRET) == Secret(Secret(SECRET))
    assert Secret(SECRET) != Secret(SECRET.lower() + "x")
    assert (Secret(SECRET) == SECRET) is False
    assert credentials() == credentials()
    assert credentials() != Credentials(KEY, SECRET, PHRASE)
    assert bool(Secret("")) is False
    assert credentials().secret.reveal() == SECRET


def test_a_person_tells_keys_apart_by_four_characters_and_short_ones_not_at_all() -> None:
    assert Secret(KEY).masked() == "CANA…"
    assert Secret("hunter2").masked() == "…"
