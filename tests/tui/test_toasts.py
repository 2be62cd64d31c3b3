"""Toasts of what goes on: the newest word of it, and none when it is over."""

from __future__ import annotations

import msgspec

from tests.support.desk_app import Running, running
from tests.support.frames import NOW, order_view, sample_frame
from tests.support.scripted_desk import ScriptedDesk
from tui.desk.frame import Fact, FactKind, Severity
from venues.model import OrderStatus


async def tell(desk: Running, kind: FactKind, severity: Severity, text: str, key: str = "") -> None:
    desk.desk.facts.append(Fact(ts=NOW, kind=kind, severity=severity, text=text, order_key=key))
    desk.app.take_news()
    await desk.pilot.pause()


async def test_a_lost_venue_has_one_toast_until_it_is_live_again() -> None:
    async with running(draws_toasts=True) as desk:
        link = FactKind.CONNECTION
        await tell(desk, link, Severity.WARNING, "coinex reconnecting")
        await tell(desk, link, Severity.WARNING, "max reconnecting")
        await tell(desk, link, Severity.ALARM, "coinex down: nothing was heard")
        assert desk.toasts == ["max reconnecting", "coinex down: nothing was heard"]
        await tell(desk, link, Severity.INFO, "coinex stale: no data")
        assert desk.toasts == ["max reconnecting", "coinex down: nothing was heard"]
        await tell(desk, link, Severity.GOOD, "coinex live")
        assert desk.toasts == ["max reconnecting"]


async def test_the_toast_of_an_unknown_order_goes_when_its_state_is_known() -> None:
    unknown = order_view("p9", status=OrderStatus.UNKNOWN)
    scripted = ScriptedDesk([sample_frame(orders=(unknown,))])
    async with running(scripted, draws_toasts=True) as desk:
        key = unknown.key
        await tell(desk, FactKind.UNKNOWN, Severity.ALARM, "UNKNOWN what became of it", key)
        await tell(desk, FactKind.FILL, Severity.GOOD, "bought 0.1", key)
        await tell(desk, FactKind.FILL, Severity.GOOD, "bought 0.2", key)
        both = ["UNKNOWN what became of it", "bought 0.1", "bought 0.2"]
        assert desk.toasts == both
        # A frame from before the order was lost knows nothing yet.
        scripted.frames.append(sample_frame(2, orders=()))
        scripted.frames[-1] = msgspec.structs.replace(scripted.frames[-1], ts=NOW)
        desk.app.take_news()
        await desk.pilot.pause()
        assert desk.toasts == both
        resting = order_view("p9", status=OrderStatus.NEW)
        scripted.frames.append(msgspec.structs.replace(sample_frame(3, orders=(resting,)), ts=NOW + 1_000_000_000))
        desk.app.take_news()
        await desk.pilot.pause()
        assert desk.toasts == both[1:]


async def test_an_alarm_that_stays_goes_by_esc_only() -> None:
    async with running(draws_toasts=True) as desk:
        text = "LIQUIDATED by pumpkin: LONG 0.25 BTC/USDT perp at 54,780.2"
        fact = Fact(ts=NOW, kind=FactKind.NOTICE, severity=Severity.ALARM, text=text, stays=True)
        desk.desk.facts.append(fact)
        desk.app.take_news()
        await desk.pilot.pause()
        assert desk.toasts == [f"{text}\nEsc on the desk dismisses this"]
        (toast,) = desk.app._notifications
        assert toast.timeout > 86_400 and toast.severity == "error"
        await tell(desk, FactKind.NOTICE, Severity.INFO, text)  # the same once more is no news
        assert len(desk.toasts) == 1
        for number in range(5):  # what comes after it, however grave, does not take its place
            await tell(desk, FactKind.NOTICE, Severity.ALARM, f"alarm {number}")
        assert desk.toasts[0].startswith(text) and len(desk.toasts) == 3
        await desk.press("escape")
        assert not any(shown.startswith(text) for shown in desk.toasts)
        await desk.press("escape")
        assert len(desk.toasts) == 2
