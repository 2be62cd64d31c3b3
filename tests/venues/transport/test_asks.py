"""Asks whose answers repeat a number."""

from __future__ import annotations

import json
from typing import Any

from venues.errors import BadRequest, VenueError
from venues.transport.asks import Ask, NumberedAsks
from venues.transport.frames import Frame


def read(frame: Frame) -> dict[str, Any] | None:
    message = json.loads(frame.data)
    return message if "id" in message else None


def number_of(reply: dict[str, Any]) -> int | None:
    return reply["id"] if isinstance(reply["id"], int) else None


def judge(reply: dict[str, Any]) -> bool | VenueError:
    return True if reply["ok"] else BadRequest("here", "no")


def frame(**message: Any) -> Frame:
    return Frame(data=json.dumps(message).encode(), is_text=True, ts_recv=1, connection=1)


def made(ask: Ask) -> str:
    text = ask.make()
    assert isinstance(text, str)
    return text


def test_the_answer_to_the_last_sending_counts_and_no_other() -> None:
    asks = NumberedAsks(read, number_of)
    first, second = (asks.ask(name, lambda number: f"sub {number}", judge) for name in ("a", "b"))
    assert [made(first), made(second), made(first)] == ["sub 1", "sub 2", "sub 3"]
    assert first.judge(frame(id=1, ok=True)) is None  # a sending that was given up
    assert first.judge(frame(id=2, ok=True)) is None
    assert first.judge(frame(id="3", ok=True)) is None
    assert first.judge(frame(price=3)) is None
    assert first.judge(frame(id=3, ok=True)) is True
    assert isinstance(second.judge(frame(id=2, ok=False)), BadRequest)
    assert first.what == "a"


def test_before_it_was_sent_nothing_answers_it() -> None:
    ask = NumberedAsks(read, number_of).ask("a", str, judge)
    assert ask.judge(frame(id=1, ok=True)) is None
