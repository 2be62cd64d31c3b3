"""A Pumpkin that does as it is told: its REST half on a real socket of this loop.

It checks signatures by the document, not by our own code, over the very bytes that it received.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import msgspec

from tests.venues.scripted_rest import Answer, ScriptedRest
from tests.venues.transport.scripted import Received

KEY, SECRET = "AK_TEST_0123456789", "SECRET_TEST"
FORM = "application/x-www-form-urlencoded"


class Call(msgspec.Struct, frozen=True):
    """What one request asked for; `sent` is its query or its body."""

    verb: str
    path: str
    sent: str
    parameters: dict[str, str]
    headers: dict[str, str]

    @property
    def is_signed(self) -> bool:
        return "x_signature" in self.headers


class ScriptedPumpkin(ScriptedRest[Call]):
    def __init__(self, *, signs_encoded: bool = True) -> None:
        super().__init__()
        self.signs_encoded = signs_encoded

    def data(self, data: object) -> None:
        self.answer({"code": 0, "msg": "success", "data": data, "bizCode": None})

    def error(self, code: int, msg: str = "invalid_price", status: int = 200, data: object = None) -> None:
        self.answer({"code": code, "msg": msg, "data": data}, status)

    def judge(self, request: Received) -> Answer | None:
        url = urlsplit(request.target)
        body = request.body.decode("ascii")
        assert not (url.query and body)
        assert not (request.method == "GET" and body)
        sent = url.query or body
        pairs = parse_qsl(sent, keep_blank_values=True, strict_parsing=bool(sent))
        assert len(dict(pairs)) == len(pairs)
        found = Call(request.method, url.path, sent, dict(pairs), request.headers)
        self.calls.append(found)
        assert found.headers["content-type"] == FORM
        if found.is_signed and not self._is_right(found):
            return 200, {}, b'{"code": 1, "msg": "sign-error"}'
        return None

    def _is_right(self, call: Call) -> bool:
        names = [pair.partition("=")[0] for pair in call.sent.split("&")]
        text = call.sent if self.signs_encoded else unquote_plus(call.sent)
        expected = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
        is_ours = call.headers["x_access_key"] == KEY and call.headers["x_signature"] == expected
        return is_ours and names == sorted(names)
