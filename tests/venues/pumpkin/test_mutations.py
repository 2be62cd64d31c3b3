"""Answers that are not what they should be: whatever the bytes, what comes out of a call is a VenueError."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.venues.documented import RestExample
from tests.venues.pumpkin.documented import examples, shape
from venues.errors import NotSent, OrderError, OutcomeUnknown, VenueError
from venues.pumpkin import VENUE
from venues.pumpkin.codes import judge_cancel, judge_new, judge_read, judge_read_order
from venues.transport.exchange import Answer, Request
from venues.transport.verdicts import command_result, read_result

ASK = Request(what="test", method="GET", path="/")
SHAPED = [each for each in examples() if each.kind == "documented"]
PIECES = (
    b"", b"null", b"true", b"-1", b"0", b"439", b'"NaN"', b'"1e999999"', b"9" * 30, b"1e400", b"[]", b"{}", b'"',
    b'{"code":', b'{"reset": ', b"\xff", b"\\ud800", b'"code": -1', b'"code": 429,', b"[[[[", b"\x00",
)  # fmt: skip
ROUNDS = 20


def mutated(raw: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(raw) + 1)
        match rng.randrange(3):
            case 0:
                raw = raw[:start] + rng.choice(PIECES) + raw[start:]
            case 1:
                raw = raw[:start] + rng.choice(PIECES) + raw[start + rng.randint(1, 12) :]
            case _:
                raw = raw[:start] if rng.random() < 0.2 else raw[:start] + raw[start + rng.randint(1, 30) :]
    return raw


@pytest.mark.parametrize("each", SHAPED[::3], ids=lambda each: each.name)
def test_nothing_but_venue_errors_comes_out(each: RestExample) -> None:
    rng = random.Random(each.name)
    into: Any = shape(each.name)
    for _ in range(ROUNDS):
        status = rng.choice((200, 200, 200, 400, 403, 429, 439, 500))
        answer = Answer(status=status, headers={}, body=mutated(each.raw, rng))
        for read in (judge_read, judge_read_order):
            try:
                read_result(VENUE, ASK, answer, into, read)
            except VenueError as error:
                assert not isinstance(error, NotSent)
        for judge in (judge_new, judge_cancel):
            try:
                command_result(VENUE, ASK, answer, into, judge)
            except (OrderError, OutcomeUnknown):
                pass
            else:
                assert status == 200
