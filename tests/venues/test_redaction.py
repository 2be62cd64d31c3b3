"""What a venue quotes of a key, in whichever form; and what must be left as it is."""

from __future__ import annotations

import base64
import json
import threading
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venues.port import Credentials
from venues.redaction import Redaction, redaction_of
from venues.secret import Secret
from venues.transport.strict_json import parse_json

KEY, SECRET, PHRASE = "CANARYKEY0123456789", "canary/secret+98=76", 'canary "phrase" \\ 77 ü'
CANARIES = (KEY, SECRET, PHRASE)


def full() -> Redaction:
    return Redaction(*(Secret(text) for text in CANARIES))


FORMS = {
    "as it is": lambda text: text,
    "in lower case": str.lower,
    "in upper case": str.upper,
    "in JSON": json.dumps,
    "in JSON with a slash escaped": lambda text: json.dumps(text).replace("/", "\\/"),
    "in JSON, not ASCII": lambda text: json.dumps(text, ensure_ascii=False),
    "in a Python repr": repr,
    "in the repr of bytes": lambda text: repr(text.encode())[2:-1] if text.isascii() else text,
    "in a URL": lambda text: quote(text, safe=""),
    "in a URL's path": quote,
    "in a form": quote_plus,
    "in a query": lambda text: urlencode({"k": text}),
    "in base64": lambda text: base64.b64encode(text.encode()).decode(),
    "in base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "in basic auth": lambda text: base64.b64encode(f"a:{text}".encode()).decode(),
    "in basic auth, further on": lambda text: base64.b64encode(f"ab:{text}:x".encode()).decode(),
    "in hex": lambda text: text.encode().hex(),
}


def told(form: str, text: str) -> bool:
    """Says whether `form` still tells the secret to whoever knows what it was."""
    core = base64.b64encode(text.encode()).decode()[4:16]
    return any(part in form.lower() for part in (text.lower(), text[6:16].lower(), core.lower()))


@pytest.mark.parametrize("form", FORMS.values(), ids=list(FORMS))
@pytest.mark.parametrize("text", CANARIES, ids=["key", "secret", "phrase"])
def test_a_secret_is_masked_in_every_form(text: str, form: object) -> None:
    assert callable(form)
    line = f"invalid access_id {form(text)}; see the manual"
    cleaned = full().clean(line)
    assert cleaned != line
    assert "***" in cleaned
    assert not told(cleaned, text)
    assert cleaned.startswith("invalid access_id ")
    assert cleaned.endswith("; see the manual")


def test_what_is_no_secret_is_left_as_it_is() -> None:
    for text in ("", "insufficient balance", "CANARY", "canary", '{"id": 1}', "*" * 50, "ü\x1b[31m"):
        assert full().clean(text) == text
        assert full().clean_bytes(text.encode()) == text.encode()


def test_a_short_secret_does_not_mask_half_of_everything() -> None:
    hide = Redaction(Secret(""), Secret("a"), Secret("limit"), Secret("market"))
    assert hide.clean("a limit order on the market") == "a limit order on the ***"
    # Of bytes that are still to be read only what can not be there by chance is taken away.
    assert hide.clean_bytes(b'{"type": "market"}') == b'{"type": "market"}'
    assert Redaction(Secret("12345678901234567")).clean_bytes(b'{"id":12345678901234567}')[:6] == b'{"id":'
    assert parse_json(Redaction(Secret("12345678901234567")).clean_bytes(b'{"id":12345678901234567}'))


def test_nobody_has_a_key() -> None:
    assert redaction_of(None).clean("x") == "x"
    keys = Credentials(KEY, SECRET, PHRASE)
    assert redaction_of(keys).clean(f"{KEY} {SECRET} {PHRASE}") == "*** *** ***"
    assert "canary" not in repr(redaction_of(keys)).lower()


@pytest.mark.parametrize(
    ("raw", "reads"),
    [
        (f'{{"code": 25, "message": "no {KEY} here"}}', {"code": 25, "message": "no *** here"}),
        (f'["{SECRET}"]', ["***"]),
        (json.dumps([SECRET]).replace("/", "\\/"), ["***"]),
        (json.dumps([PHRASE]), ["***"]),
        (json.dumps([PHRASE], ensure_ascii=False), ["***"]),
        # Every character escaped, which no venue need do.
        ('["' + "".join(f"\\u{ord(c):04x}" for c in KEY) + '"]', ["***"]),
        ('["x' + "".join(f"\\u{ord(c):04X}" for c in SECRET) + 'y"]', ["x***y"]),
        # An escaped backslash, and then what only looks like an escape.
        ('["\\\\u0041", "\\u0041"]', ["\\u0041", "A"]),
        ('["\\u0022", "\\u005c", "\\u4e2d"]', ['"', "\\", "中"]),
        (f'["\\\\\\u0041", "{KEY}"]', ["\\A", "***"]),
    ],
)
def test_json_stays_the_json_that_it_was(raw: str, reads: object) -> None:
    assert parse_json(full().clean_bytes(raw.encode())) == reads


TEXTS = st.lists(
    st.sampled_from(["\\", '"', "u", "0", "41", "\\u0041", "\\u005c", "\\u0022", "é", "a"]), max_size=12
)


@given(parts=TEXTS, where=st.integers(0, 12))
def test_no_escape_is_ever_read_differently(parts: list[str], where: int) -> None:
    text = "".join([*parts[:where], KEY, *parts[where:]])
    for escape in (True, False):
        raw = json.dumps([text, "".join(parts)], ensure_ascii=escape)
        raw = raw.replace("A", "\\u0041") if where % 2 else raw
        assert parse_json(full().clean_bytes(raw.encode())) == [text.replace(KEY, "***"), "".join(parts)]


def test_the_last_signatures_are_masked_and_old_ones_forgotten() -> None:
    hide = Redaction(Secret(KEY))
    signatures = [f"{number:032X}" for number in range(0xA0, 0xA0 + 20)]
    for signature in signatures:
        hide.note_signatures(Secret(signature))
    quoted = hide.clean_bytes(json.dumps([signatures[-1], signatures[-1].lower(), KEY]).encode())
    assert parse_json(quoted) == ["***", "***", "***"]
    assert hide.clean(signatures[-2]) == "***"
    assert hide.clean(signatures[0]) == signatures[0]
    # Short ones are left alone on the wire: an order's number may look like that.
    hide.note_signatures(Secret("12345678"))
    assert hide.clean_bytes(b'{"id": 12345678}') == b'{"id": 12345678}'


def test_it_may_be_told_of_more_while_others_read() -> None:
    hide = Redaction()
    ready = threading.Barrier(5)

    def teach(number: int) -> None:
        ready.wait()
        for n in range(50):
            hide.learn(Secret(f"secret-{number}-{n:03}"))
            hide.note_signatures(Secret(f"signature-{number}-{n:03}"))

    threads = [threading.Thread(target=teach, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    ready.wait()
    while any(thread.is_alive() for thread in threads):
        assert hide.clean("nothing") == "nothing"
    for thread in threads:
        thread.join()
    for number in range(4):
        assert hide.clean(f"secret-{number}-049") == "***"
