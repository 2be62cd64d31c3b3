"""The traps of CoinEx on the wire: at a scripted venue that records each byte, and at the local exchange."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.venues.coinex.account_rig import (
    BTC,
    ETH,
    Refused,
    ScriptedRest,
    fills_in,
    order_push,
    order_row,
    orders_in,
    page,
    request_for,
    rig,
    stop_row,
)
from venues.coinex.settings import Settings
from venues.coinex.venue import CoinexVenue
from venues.commands import AmendRequest, CancelRequest, Channel, OrderRequest, Subscription
from venues.errors import OrderNotFound, VenueError
from venues.events import Event
from venues.model import Order, OrderStatus, OrderType, Side
from venues.port import Credentials
from venues.simulators.serving import Practice, served_in_thread

STOPS = "/order/stop/pending"
BARE = {"DELETE /order/pending": "id", f"DELETE {STOPS}": ""}


def moody(rng: random.Random, good: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """Answers well, or not at all as asked."""

    def answer(params: dict[str, Any]) -> Any:
        code = rng.choice((0, 0, 0, 600, 36, 2, 3))
        if code:
            raise Refused(code)
        return good(params)

    return answer


def script(venue: ScriptedRest, rng: random.Random) -> None:
    """Whatever is asked is answered somehow; ids come in all that the venue may tell."""

    def some_order(_: dict[str, Any]) -> dict[str, Any]:
        status = rng.choice(("not_deal", "part_deal", "cancel"))
        return order_row(id=rng.choice((501, 502, 7)), client_id=rng.choice(("s1", "s2", "", "x")), status=status)

    def some_stop(_: dict[str, Any]) -> dict[str, Any]:
        return stop_row(order_id=rng.choice((701, 702)), client_id=rng.choice(("s1", "s3", "")))

    for call in ("POST /order/limit", "POST /order/modify", "GET /order/status", "DELETE /order/pending"):
        venue.on(call, moody(rng, some_order))
    for call in ("POST /order/stop/limit", "POST /order/stop/modify"):
        venue.on(call, moody(rng, lambda _: {"status": "success"}))
    for call in ("GET /order/pending", "GET /order/finished"):
        venue.on(call, moody(rng, lambda _: page(some_order({}))))
    for call in (f"GET {STOPS}", "GET /order/stop/finished"):
        venue.on(call, moody(rng, lambda _: page(some_stop({}))))
    for call in (f"DELETE {STOPS}", "DELETE /order/pending/batch", f"DELETE {STOPS}/701", f"DELETE {STOPS}/702"):
        venue.on(call, moody(rng, lambda _: None))
    items = ({"code": 0, "order": order_row(), "message": ""}, {"code": 600, "order": None, "message": ""})
    venue.on("DELETE /order/pending/by_client_id", moody(rng, lambda _: rng.choices(items, k=rng.randint(0, 2))))
    venue.on(f"DELETE {STOPS}/by_client_id", moody(rng, lambda _: rng.choices(items, k=rng.randint(0, 2))))
    venue.on("GET /order/status/batch", moody(rng, lambda _: []))
    venue.on("GET /order/user/deals", page())


@pytest.mark.parametrize("seed", range(8))
async def test_nothing_but_the_wish_to_cancel_all_ever_cancels_all(seed: int) -> None:
    """Sixty commands a sequence, at a venue that answers anything: no cancel without an id leaves."""
    rng = random.Random(seed)
    async with rig() as desk:
        script(desk.venue, rng)
        account, names, ids = desk.account, ("", "s1", "s2", "s3", "x"), ("", "501", "502", "701", "7")
        for _ in range(60):
            name, ident = rng.choice(names), rng.choice(ids)
            side = rng.choice(list(Side))
            try:
                match rng.randrange(5):
                    case 0:
                        kind = rng.choice((OrderType.LIMIT, OrderType.STOP_LIMIT))
                        await account.submit_order(request_for(kind, client_order_id=name or "s9"))
                    case 1 if name or ident:
                        await account.amend_order(
                            AmendRequest(
                                instrument=BTC.id, client_order_id=name, venue_order_id=ident, price=Decimal(9)
                            )
                        )
                    case 2:
                        await account.cancel_all_orders(rng.choice((BTC.id, ETH.id, None)), side)
                    case 3:
                        desk.push(order_push(rng.choice((1, 2, 3)), id=rng.choice((501, 502)), client_id=name))
                    case _ if name or ident:
                        await account.cancel_order(
                            CancelRequest(instrument=BTC.id, client_order_id=name, venue_order_id=ident)
                        )
            except VenueError:
                continue
        deletes = [asked for asked in desk.venue.asked if asked.call.startswith("DELETE")]
        assert deletes
        for asked in deletes:
            assert asked.call != f"DELETE {STOPS}"
            named = {"id", "batch_ids", "client_id"} & {name for name, value in asked.params.items() if value}
            assert named or asked.call.rsplit("/", 1)[-1].isdecimal(), asked


async def test_only_a_whole_market_is_swept_without_ids() -> None:
    async with rig() as desk:
        script(desk.venue, random.Random(1))
        desk.venue.on("GET /order/pending", page(order_row()))
        desk.venue.on(f"GET {STOPS}", page())
        desk.venue.on("DELETE /order/pending", {})
        desk.venue.on(f"DELETE {STOPS}", None)
        await desk.account.cancel_all_orders(BTC.id)
        bare = [asked for asked in desk.venue.asked if asked.call in BARE and "id" not in asked.params]
        assert [asked.call for asked in bare] == ["DELETE /order/pending", f"DELETE {STOPS}"]
        assert {asked.params["market"] for asked in bare} == {"BTCUSDT"}


# At the local exchange


class Live:
    """The venue at a served exchange, and the truth of the latter."""

    def __init__(self, practice: Practice, venue: CoinexVenue) -> None:
        self.practice = practice
        self.venue = venue
        self.events: list[Event] = []
        self._control = httpx.AsyncClient(base_url=practice.rest_url, trust_env=False)
        self._news = asyncio.Event()
        self._number = 0
        self._consumer = asyncio.create_task(self._consume())
        self.last = Decimal(0)

    async def act(self, **wish: Any) -> Any:
        named = {name: str(value) for name, value in wish.items()}
        answer = await self._control.post("/practice/act", json=named)
        assert answer.is_success, answer.text
        return answer.json()

    async def state(self) -> Any:
        return (await self._control.get("/practice/state")).json()

    async def set_scene(self) -> None:
        """One seller 1 above the last price, one 10 above, many 30 above; many buyers 1 below and 100 below."""
        await self.venue.cancel_all_orders()
        (ticker,) = await self.venue.fetch_tickers([BTC.id])
        self.last = ticker.last
        await self.act(do="clear", symbol="BTCUSDT")
        await self.act(do="fund", currency="USDT", amount=100_000)
        for side, away, quantity in (
            ("sell", 1, 1), ("sell", 10, 1), ("sell", 30, 50), ("buy", -1, 1), ("buy", -100, 50)
        ):  # fmt: skip
            await self.act(do="quote", symbol="BTCUSDT", side=side, price=self.last + away, quantity=quantity)

    async def row(self, client_id: str, *, status: str = "") -> Any:
        rows = [row for row in (await self.state())["orders"] if row["client_id"] == client_id]
        return next(row for row in reversed(rows) if status in ("", row["status"]))

    def request(self, kind: OrderType = OrderType.LIMIT, **changes: Any) -> OrderRequest:
        """A buy of 0.01 BTC with a name of its own; a limit far below the market."""
        self._number += 1
        fields: dict[str, Any] = {"quantity": Decimal("0.01"), "client_order_id": f"s{id(self)}x{self._number}"}
        if kind.has_price:
            fields["price"] = self.last - 1_000
        return request_for(kind, **fields | changes)

    async def until(self, is_it: Callable[[list[Event]], bool]) -> list[Event]:
        async with asyncio.timeout(10):
            while not is_it(self.events):
                self._news.clear()
                await self._news.wait()
        return self.events

    async def told(self, client_id: str, status: OrderStatus) -> Order:
        """Waits until the stream has told that."""

        def found(events: list[Event]) -> list[Order]:
            named = [order for order in orders_in(events) if order.client_order_id == client_id]
            return [order for order in named if order.status is status]

        return found(await self.until(lambda events: bool(found(events))))[-1]

    async def _consume(self) -> None:
        async for batch in self.venue.events():
            self.events += batch
            self._news.set()

    async def aclose(self) -> None:
        await self.venue.aclose()
        await self._consumer
        await self._control.aclose()


@pytest.fixture(scope="module")
def practice() -> Iterator[Practice]:
    with served_in_thread("coinex", rate=0, symbols=("BTCUSDT", "ETHUSDT"), time_scale=0.1) as served:
        yield served


@asynccontextmanager
async def live_at(practice: Practice) -> AsyncIterator[Live]:
    keys = Credentials(practice.api_key, practice.api_secret)
    venue = CoinexVenue(
        Settings(
            rest_url=practice.rest_url, ws_url=practice.ws_url, credentials=keys, is_practice=True, time_scale=0.3
        )
    )
    await venue.connect()
    live = Live(practice, venue)
    try:
        await venue.subscribe(Subscription(Channel.ACCOUNT))
        await live.set_scene()
        yield live
    finally:
        practice.faults.heal()
        await live.aclose()


async def test_live_one_cancel_leaves_all_others(practice: Practice) -> None:
    async with live_at(practice) as live:
        requests = [live.request() for _ in range(3)]
        placed = [await live.venue.submit_order(request) for request in requests]
        stop = live.request(OrderType.STOP_LIMIT, trigger_price=live.last + 1_000)
        await live.venue.submit_order(stop)
        first = placed[0]
        cancel = CancelRequest(
            instrument=BTC.id, client_order_id=first.client_order_id, venue_order_id=first.venue_order_id
        )
        assert (await live.venue.cancel_order(cancel)).status is OrderStatus.CANCELED
        left = {order.client_order_id for order in await live.venue.fetch_open_orders()}
        assert left == {requests[1].client_order_id, requests[2].client_order_id, stop.client_order_id}


async def test_live_an_order_that_ended_unfilled_vanishes(practice: Practice) -> None:
    async with live_at(practice) as live:
        order = await live.venue.submit_order(live.request())
        cancel = CancelRequest(
            instrument=BTC.id, client_order_id=order.client_order_id, venue_order_id=order.venue_order_id
        )
        await live.venue.cancel_order(cancel)
        for client_id, venue_id in (
            (order.client_order_id, ""), ("", order.venue_order_id), (order.client_order_id, order.venue_order_id),
        ):  # fmt: skip
            with pytest.raises(OrderNotFound):
                await live.venue.fetch_order(BTC.id, client_id, venue_id)
        with pytest.raises(OrderNotFound):
            await live.venue.cancel_order(cancel)
        assert (await live.told(order.client_order_id, OrderStatus.CANCELED)).filled_quantity == 0


@pytest.mark.parametrize("kind", [OrderType.MARKET, OrderType.STOP])
async def test_live_a_market_buy_buys_base_units(practice: Practice, kind: OrderType) -> None:
    """0.05 would be five cents' worth if it were read in the quote currency."""
    async with live_at(practice) as live:
        request = live.request(kind, quantity=Decimal("0.05"))
        if kind is OrderType.STOP:
            request = live.request(kind, quantity=Decimal("0.05"), trigger_price=live.last + 5)
            waiting = await live.venue.submit_order(request)
            assert (waiting.quantity, waiting.type) == (Decimal("0.05"), OrderType.STOP)
            await live.act(do="trade", symbol="BTCUSDT", side="buy", quantity="1.5")
        else:
            await live.venue.submit_order(request)
        order = await live.told(request.client_order_id, OrderStatus.FILLED)
        assert (order.quantity, order.filled_quantity, order.type) == (Decimal("0.05"), Decimal("0.05"), kind)

        def bought(events: list[Event]) -> Decimal:
            mine = [fill for fill in fills_in(events) if fill.client_order_id == request.client_order_id]
            return sum((fill.quantity for fill in mine), Decimal(0))

        await live.until(lambda events: bought(events) >= Decimal("0.05"))
        assert bought(live.events) == Decimal("0.05")


async def test_live_two_orders_share_a_client_id_and_stay_two(practice: Practice) -> None:
    async with live_at(practice) as live:
        name = f"robot{id(live)}"
        wish = {"symbol": "BTCUSDT", "side": "buy", "quantity": "0.01", "client_id": name}
        ids = [(await live.act(do="place", price=live.last - 900 - n, **wish))["id"] for n in range(2)]
        orders = await live.venue.fetch_open_orders()
        assert {order.venue_order_id for order in orders} == set(ids)
        assert sorted(order.client_order_id for order in orders) == ["", name]
        (named,) = (order for order in orders if order.client_order_id)
        cancel = CancelRequest(instrument=BTC.id, client_order_id=name, venue_order_id=named.venue_order_id)
        await live.venue.cancel_order(cancel)
        (left,) = await live.venue.fetch_open_orders()
        assert left.venue_order_id in ids and left.venue_order_id != named.venue_order_id


async def test_live_a_stop_gets_its_id_and_keeps_its_name_when_it_triggers(practice: Practice) -> None:
    async with live_at(practice) as live:
        request = live.request(OrderType.STOP_LIMIT, trigger_price=live.last + 20, price=live.last - 500)
        stop = await live.venue.submit_order(request)
        row = await live.row(request.client_order_id)
        assert (stop.venue_order_id, stop.trigger_price, row["trigger"] is not None) == (
            row["id"], live.last + 20, True,
        )  # fmt: skip
        await live.act(do="trade", symbol="BTCUSDT", side="buy", quantity="2.5")
        await live.until(
            lambda events: any(order.is_triggered and order.venue_order_id != stop.venue_order_id
                               for order in orders_in(events))
        )  # fmt: skip
        (order,) = await live.venue.fetch_open_orders()
        assert (order.client_order_id, order.type, order.is_triggered, order.price) == (
            request.client_order_id, OrderType.STOP_LIMIT, True, live.last - 500,
        )  # fmt: skip
        # By the id that it had as a stop it is still found, and cancelled.
        cancel = CancelRequest(
            instrument=BTC.id, client_order_id=request.client_order_id, venue_order_id=stop.venue_order_id
        )
        assert (await live.venue.cancel_order(cancel)).status is OrderStatus.CANCELED
        assert await live.venue.fetch_open_orders() == []


@pytest.mark.parametrize("is_in_array", [False, True])
async def test_live_an_order_is_pushed_bare_or_in_an_array(practice: Practice, *, is_in_array: bool) -> None:
    async with live_at(practice) as live:
        if is_in_array:
            practice.faults.switch("order-array")
        request = live.request()
        await live.venue.submit_order(request)
        order = await live.told(request.client_order_id, OrderStatus.NEW)
        assert order.price == request.price


async def test_live_reads_and_pushes_name_the_same_trades(practice: Practice) -> None:
    async with live_at(practice) as live:
        maker = live.request(price=live.last - 50, quantity=Decimal("0.5"))
        await live.venue.submit_order(maker)
        taker = live.request(OrderType.MARKET, quantity=Decimal("1.2"))
        await live.venue.submit_order(taker)
        await live.act(do="trade", symbol="BTCUSDT", side="sell", quantity="1.7")

        def by_client_id(client_id: str) -> Decimal:
            mine = [fill for fill in fills_in(live.events) if fill.client_order_id == client_id]
            return sum((fill.quantity for fill in mine), Decimal(0))

        await live.until(lambda _: by_client_id(taker.client_order_id) == Decimal("1.2"))
        await live.until(lambda _: by_client_id(maker.client_order_id) == Decimal("0.5"))
        pushed = {fill.trade_id: fill for fill in fills_in(live.events)}
        read = {fill.trade_id: fill for fill in await live.venue.fetch_fills(0)}
        truth = {row["trade_id"]: row for row in (await live.state())["fills"]}
        assert set(pushed) <= set(read) == set(truth)
        for trade_id, fill in pushed.items():
            again, row = read[trade_id], truth[trade_id]
            assert (fill.fee, fill.fee_currency, fill.liquidity) == (
                again.fee, again.fee_currency, again.liquidity,
            )  # fmt: skip
            assert (fill.price, fill.quantity, fill.client_order_id) == (
                Decimal(row["price"]), Decimal(row["quantity"]), row["client_id"],
            )  # fmt: skip
