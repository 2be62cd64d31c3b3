"""Every call of the client at the local exchange, which is written from the same document by other hands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from tests.venues.mayex.documented import methods
from tests.venues.mayex.scripted_mayex import PREFIX, new_order
from tests.venues.simulators.mayex_rig import BTC, ETH, KEY, SECRET, D, Rig, rig
from tests.venues.watched import Watched
from venues.errors import (
    AuthenticationError,
    DuplicateClientOrderId,
    InsufficientFunds,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RequestError,
    VenueError,
    VenueUnavailable,
)
from venues.mayex import Client
from venues.mayex.client import make_session
from venues.mayex.models import OrderType, PositionSide, ResponseType, Side
from venues.mayex.profile import Profile
from venues.mayex.requests import NewOrder
from venues.port import Credentials
from venues.transport.privacy import no_tls
from venues.transport.timing import Timing
from venues.transport.verdicts import RefusedByLimit


class Walk:
    """A client at the exchange, and the calls that it has made."""

    def __init__(self, opened: Rig, client: Client, watched: Watched) -> None:
        self.opened = opened
        self.client = client
        self.watched = watched
        self.made: set[str] = set()
        self._orders = 0

    async def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """Makes a call, and holds verb, path and the names in its body against the document."""
        answer = await getattr(self.client, name)(*args, **kwargs)
        row, sent = methods()[name], self.watched.last
        assert sent is not None
        assert (sent.method, sent.path, sent.is_private) == (row.verb, PREFIX + row.path, not row.is_public)
        assert bool(sent.body) is (row.body is not None)
        if sent.body and name != "place_order":
            assert msgspec.json.decode(sent.body).keys() == (row.body or {}).keys()
        self.made.add(name)
        return answer

    def order(self, **changes: Any) -> NewOrder:
        """Returns an order that rests, with an id of its own."""
        self._orders += 1
        return new_order(**({"client_order_id": f"A-{self._orders}_", "price": D(59_000)} | changes))

    async def place(self, **changes: Any) -> Any:
        return await self.call("place_order", self.order(**changes))

    async def market(self, side: Side, position_side: PositionSide, **changes: Any) -> Any:
        given = {"side": side, "position_side": position_side, "type": "MARKET", "price": None}
        return await self.place(**(given | {"response_type": ResponseType.RESULT} | changes))


@asynccontextmanager
async def walking(opened: Rig, profile: Profile | None = None, **given: Any) -> AsyncIterator[Walk]:
    session = make_session(
        given.get("credentials", Credentials(KEY, SECRET)),
        base_url=opened.practice.rest_url + given.get("prefix", PREFIX),
        profile=profile or Profile(),
        now=lambda: opened.clock.now,
        timing=Timing(attempts=1),
        tls=no_tls(),
    )
    watched = Watched(session)
    async with Client(
        session=watched, profile=profile or Profile(), base_url=f"{opened.practice.rest_url}/api"
    ) as it:
        yield Walk(opened, it, watched)


@pytest.fixture
async def walk() -> AsyncIterator[Walk]:
    async with rig() as opened, walking(opened) as made:
        yield made


async def test_every_call_of_the_document(walk: Walk) -> None:
    pairs = await walk.call("pairs")
    assert [pair.symbol for pair in pairs] == [BTC, ETH]
    assert (pairs[0].base, pairs[0].quote) == ("BTC", "USDT")
    (before,) = (await walk.call("assets")).accounts
    assert (before.currency, before.account_balance) == ("USDT", before.avail_balance)
    await walk.call("adjust_leverage", BTC, 12, isolated=True)
    change = await walk.call("adjust_leverage", BTC, 10, isolated=True)
    with pytest.raises(OrderRejected) as same:
        await walk.call("adjust_leverage", BTC, 10, isolated=True)
    assert same.value.code == "1006"
    assert (change.leverage, change.isolated, change.symbol) == (10, True, None)

    resting = await walk.place()
    assert (resting.status, resting.client_order_id, resting.cum_qty) == ("NEW", "A-1_", D(0))
    long = await walk.market(Side.BUY, PositionSide.LONG)
    short = await walk.market(Side.SELL, PositionSide.SHORT, quantity=D("0.02"), isolated=False)
    assert (long.status, short.status) == ("FILLED", "FILLED")
    (row,) = await walk.call("open_orders")
    assert (row.order_id, row.orig_qty, row.price) == (resting.order_id, D("0.01"), D(59_000))
    held = {(one.position_side, one.isolated): one for one in await walk.call("positions")}
    assert {key: one.quantity for key, one in held.items()} == {
        ("LONG", True): D("0.01"),
        ("SHORT", False): D("0.02"),
    }
    one = held["LONG", True]
    assert (one.margin, one.liq_price) == (None, None), "the venue leaves them blank"
    assert one.isolated_margin == one.avg_entry_price * one.quantity / 10
    await walk.call("adjust_position_margin", BTC, "LONG", D("5.5"))
    await walk.call("adjust_position_margin", BTC, "LONG", D("-0.5"))
    more = next(each for each in await walk.call("positions") if each.isolated)
    assert more.isolated_margin == one.isolated_margin + 5

    fills = (await walk.call("trade_history", "btc")).rows
    assert [fill.order_id for fill in fills] == [short.order_id, long.order_id], "the newest first"
    assert all(fill.fee < 0 < fill.fee_paid for fill in fills)
    assert fills[1].fee_paid == pytest.approx(fills[1].last_qty * fills[1].last_price * D("0.0005"), rel=D("0.5"))
    cancelled = await walk.call("cancel_order", BTC, resting.order_id)
    assert (cancelled.status, cancelled.order_id) == ("NEW", resting.order_id), "carried out later"
    past = (await walk.call("order_history", "btcusdt")).rows
    assert {each.order_id: each.status for each in past} == {
        resting.order_id: "CANCELED", long.order_id: "FILLED", short.order_id: "FILLED",
    }  # fmt: skip
    assert next(each.average_price for each in past if each.order_id == long.order_id) == one.avg_entry_price
    await walk.place(quantity="0.02")
    assert [order.orig_qty for order in await walk.call("cancel_all_orders", symbol=BTC)] == [D("0.02")]
    assert await walk.call("open_orders") == []
    with pytest.raises(OrderNotFound):
        await walk.call("cancel_all_orders")
    assert walk.made == methods().keys()


@pytest.mark.parametrize("kind", [kind for kind in OrderType if kind.has_trigger])
async def test_each_type_with_a_trigger_waits_for_it(walk: Walk, kind: OrderType) -> None:
    await walk.market(Side.BUY, PositionSide.LONG)
    is_exit = not kind.value.startswith("CONDITIONAL")
    below = {"trigger_price": D(58_000), "trigger_type": "MARK_PRICE"}
    above = {"trigger_price": D(62_000), "trigger_type": "LAST_PRICE"}
    order = await walk.place(
        type=kind,
        side=Side.SELL if is_exit else Side.BUY,
        price=D(62_500) if kind.has_price else None,
        conditional=None if is_exit else True,
        **(below if kind.value.startswith("STOP") else above),
    )
    assert (order.status, order.orig_type, order.trigger_price) == (
        "NEW", kind.value, D(58_000) if kind.value.startswith("STOP") else D(62_000),
    )  # fmt: skip
    (row,) = await walk.call("open_orders")
    assert (row.type, row.mark_price_at_place) == (kind.value, D(60_000))


async def test_exits_are_sent_along_and_stand_beside_their_parent(walk: Walk) -> None:
    exits: dict[str, Any] = {"tp_trigger_type": "MARK_PRICE", "tp_trigger_price": D(65_000)}
    exits |= {"sl_trigger_type": "MARK_PRICE", "sl_trigger_price": D(55_000)}
    order = await walk.market(Side.BUY, PositionSide.LONG, **exits)
    rows = {row.type: row for row in await walk.call("open_orders")}
    assert rows.keys() == {"TAKE_PROFIT_MARKET", "STOP_LOSS_MARKET"}
    assert {row.strategy_parent_id for row in rows.values()} == {order.order_id}
    assert rows["STOP_LOSS_MARKET"].trigger_price == D(55_000)


async def test_no_acknowledgement_is_asked_for(walk: Walk) -> None:
    assert await walk.place(response_type=ResponseType.NO_ACK) is None
    assert [row.client_order_id for row in await walk.call("open_orders")] == ["A-1_"]


@pytest.mark.parametrize(
    ("changes", "code", "kind"),
    [
        ({"price": D("59000.3")}, "203", OrderRejected),
        ({"quantity": D("0.0105")}, "207", OrderRejected),
        ({"symbol": "dogeusdt"}, "300", OrderRejected),
        ({"quantity": D(90)}, "408", InsufficientFunds),
        ({"price": D(70_000)}, "4051", OrderRejected),
        ({"side": "SELL"}, "4008", OrderRejected),
        ({"client_order_id": "twice"}, "4014", DuplicateClientOrderId),
        (
            {"type": "CONDITIONAL_MARKET", "price": None, "conditional": True, "trigger_type": "MARK_PRICE",
             "trigger_price": D(60_000)},
            "4006", OrderRejected,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
async def test_refusals_are_proven(walk: Walk, changes: dict[str, Any], code: str, kind: type[VenueError]) -> None:
    await walk.place(client_order_id="twice")
    with pytest.raises(OrderRejected) as caught:
        await walk.place(**changes)
    assert (type(caught.value), caught.value.code) == (kind, code)
    assert len(await walk.call("open_orders")) == 1


async def test_what_is_not_there_can_not_be_cancelled(walk: Walk) -> None:
    with pytest.raises(OrderNotFound) as caught:
        await walk.call("cancel_order", BTC, 1)
    assert caught.value.code in {"4000", "4020"}


async def test_a_token_lives_until_it_is_deleted(walk: Walk) -> None:
    with pytest.raises(VenueError):
        await walk.client.refresh_token()
    first = await walk.client.create_token()
    assert (await walk.client.create_token()).token == first.token, "the same while it lives"
    assert first.expiry is not None
    walk.opened.clock.turn(60)
    refreshed = await walk.client.refresh_token()
    assert refreshed.token == first.token
    assert (refreshed.expiry or 0) > first.expiry
    await walk.client.delete_token()
    assert (await walk.client.create_token()).token != first.token


async def test_the_product_list_and_the_tokens_may_not_be_there(walk: Walk) -> None:
    assert [each.symbol for each in await walk.client.products()] == [BTC, ETH]
    assert {each.settle_currency for each in await walk.client.products()} == {"USDT"}
    walk.opened.act("endpoints", products=False, token=False)
    for call in (walk.client.products, walk.client.create_token):
        with pytest.raises(NotSupported):
            await call()


@pytest.mark.parametrize(
    ("rule", "profile"),
    [
        ({"prefix": "x-mayex-"}, Profile(header_prefix="x-mayex-")),
        ({"secret": "base64url"}, Profile(secret_decoding="base64url")),
        ({"path": "bare"}, Profile(signed_path="bare")),
    ],
    ids=str,
)
async def test_each_way_to_sign_is_taken_where_the_venue_wants_it_so(
    rule: dict[str, str], profile: Profile
) -> None:
    async with rig() as opened:
        opened.act("signing", **rule)
        async with walking(opened, profile) as other, walking(opened) as usual:
            assert (await other.call("assets")).accounts
            with pytest.raises(AuthenticationError):
                await usual.client.assets()
            with pytest.raises(OrderRejected):
                await usual.client.place_order(usual.order())


async def test_another_key_and_an_expired_request_are_refused(walk: Walk) -> None:
    async with walking(walk.opened, credentials=Credentials(KEY[:-1] + "f", SECRET)) as stranger:
        with pytest.raises(AuthenticationError) as caught:
            await stranger.client.assets()
        assert caught.value.code == "10500"
    assert (await walk.client.assets(expired_by=-30.0)).accounts, "half a minute before it expires"
    with pytest.raises((AuthenticationError, RequestError)):
        await walk.client.assets(expired_by=60.0)
    walk.opened.act("expiry", enforced=False)
    assert (await walk.client.assets(expired_by=60.0)).accounts


async def test_a_quota_that_is_used_up_and_a_lost_answer(walk: Walk) -> None:
    walk.opened.act("quota", minute=1)
    with pytest.raises(RateLimited):
        for _ in range(2):
            await walk.client.assets()
    async with walking(walk.opened) as other:  # that knows of no limit yet
        with pytest.raises(RefusedByLimit) as caught:
            await other.client.place_order(other.order())
        assert caught.value.code == "HTTP 429"
    walk.opened.act("quota", minute=100_000)
    assert walk.opened.simulator.state()["orders"] == []


@pytest.mark.parametrize("fault", ["maintenance", "late-booking"])
async def test_a_failing_server_proves_nothing_of_a_command(fault: str) -> None:
    async with rig(faults=fault) as opened, walking(opened) as walk:
        with pytest.raises(OutcomeUnknown):
            await walk.client.place_order(walk.order())
        if fault == "maintenance":
            with pytest.raises(VenueUnavailable):
                await walk.client.open_orders()
