"""A MAX that does as it is told: its REST half on a real socket of this loop.

It checks signatures by the document, not by our own code: what the payload says must be what was sent, and a nonce
is good once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tests.venues.scripted_rest import JSON, Answer, ScriptedRest
from tests.venues.transport.scripted import Received

KEY, SECRET = "AK_TEST", "SK_TEST_0123456789abcdef"


class Call(msgspec.Struct, frozen=True):
    """What one request asked for; `parameters` hold neither the nonce nor the path."""

    verb: str
    path: str
    parameters: dict[str, Any]
    nonce: int | None
    headers: dict[str, str]


class ScriptedMax(ScriptedRest[Call]):
    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[int] = set()

    def error(self, code: int, status: int = 400, message: str = "the venue's words") -> None:
        self.answer({"success": False, "error": {"code": code, "message": message}}, status)

    def judge(self, request: Received) -> Answer | None:
        url = urlsplit(request.target)
        sent = _query(url.query) if request.method == "GET" else json.loads(request.body)
        nonce = sent.pop("nonce", None)
        found = Call(request.method, url.path, sent, None if nonce is None else int(nonce), request.headers)
        self.calls.append(found)
        if found.nonce is not None and (code := self._wrong(found)):
            return 401, JSON, json.dumps({"success": False, "error": {"code": code, "message": "no"}}).encode()
        return None

    def _wrong(self, call: Call) -> int:
        payload = call.headers["x-max-payload"]
        said = json.loads(base64.b64decode(payload, validate=True))
        signature = hmac.new(SECRET.encode(), payload.encode(), hashlib.sha256).hexdigest()
        whole = {"nonce": call.nonce, "path": call.path, **call.parameters}
        if call.verb == "GET":  # a query is text; the payload may say numbers
            said, whole = ({name: _text(value) for name, value in each.items()} for each in (said, whole))
        if call.headers["x-max-signature"] != signature or said != whole:
            return 2005
        if call.headers["x-max-accesskey"] != KEY or call.headers["content-type"] != "application/json":
            return 2008
        if call.nonce is None or call.nonce in self.nonces:
            return 2006
        self.nonces.add(call.nonce)
        return 0


def _query(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text)):
        if name.endswith("[]"):
            found.setdefault(name.removesuffix("[]"), []).append(value)
        else:
            assert name not in found
            found[name] = value
    return found


def _text(value: object) -> object:
    return json.dumps(value) if isinstance(value, bool | int) else value
