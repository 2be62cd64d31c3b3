"""Keys that come at once are carried out one after another, each where the one before has put the focus."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, cast

from textual import events
from textual.message_pump import MessagePump
from textual.widgets import Input

from tests.support.desk_app import running
from tui.key_order import KeyOrder

PRICE, SIZE = "#field-price", "#field-size"


def key(character: str) -> events.Key:
    return events.Key("tab", None) if character == "\t" else events.Key(character, character)


async def test_what_follows_a_tab_belongs_to_the_next_field() -> None:
    async with running() as desk:
        await desk.press("tab", "b")
        ticket = desk.dashboard.ticket
        for character in "59123.5\t0.25":
            desk.app.post_message(key(character))
        await desk.until(lambda: ticket.query_one(SIZE, Input).value == "0.25")
        assert ticket.query_one(PRICE, Input).value == "59123.5"


async def test_what_follows_the_key_that_opens_a_ticket_is_typed_into_it() -> None:
    async with running() as desk:
        await desk.press("tab")
        for character in "b6":
            desk.app.post_message(key(character))
        await desk.until(lambda: desk.dashboard.ticket.is_open)
        await desk.until(lambda: desk.dashboard.ticket.query_one(PRICE, Input).value == "6")


async def test_panic_does_not_wait_for_the_keys_before_it() -> None:
    async with running() as desk:
        for _ in range(50):
            desk.app.post_message(key("j"))
        desk.app.post_message(events.Key("ctrl+x", None))
        await desk.until(lambda: not desk.shows(type(desk.dashboard)))


class Queue:
    """Keeps what is to be called later until the test runs it."""

    def __init__(self) -> None:
        self.kept: list[Callable[[], Awaitable[None]]] = []

    def call_later(self, callback: Callable[..., Awaitable[None]], *arguments: Any) -> bool:
        self.kept.append(lambda: callback(*arguments))
        return True

    async def run(self) -> None:
        for callback in self.kept:
            await callback()
        self.kept.clear()


async def test_the_next_key_goes_when_the_one_before_has_come_to_the_end_or_its_time_is_over() -> None:
    now = 0.0
    field, app = Queue(), Queue()
    delivered: list[events.Key | events.Paste] = []

    async def deliver(event: events.Key | events.Paste) -> list[MessagePump]:
        delivered.append(event)
        return [] if event is dropped else cast("list[MessagePump]", [field, app])

    order = KeyOrder(deliver, lambda: now, patience=1)
    one, two, dropped, three, four = (key(name) for name in "12345")
    for event in (one, two, dropped, three, four):
        await order.take(event)
    assert delivered == [one]
    await field.run()
    assert delivered == [one]
    await app.run()
    assert delivered == [one, two]
    # The field of the second one has gone, and its queue with it.
    late = field.kept.pop()
    await order.look()
    assert delivered == [one, two]
    now = 1.5
    await order.look()
    assert delivered == [one, two, dropped, three]
    await late()
    await app.run()
    assert delivered == [one, two, dropped, three]
    await field.run()
    await app.run()
    assert delivered == [one, two, dropped, three, four]
