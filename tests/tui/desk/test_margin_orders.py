"""Orders of the margin wallet: it goes along with a close, an edit and a twin, and panic says what it owes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from tests.tui.desk.funds_rig import D, FundsRig, MarginVenue
from tests.tui.desk.rig import SPOT, capabilities, instrument, intent, order, ticker, until
from tui.desk.control import AmendIntent, Outcome, Verdict
from tui.desk.editing import as_intent, request_of
from tui.desk.frame import PanicLine
from tui.desk.guards import Guards, Limits, MarketNow, body_of
from tui.desk.orders import OrderTracker
from venues.commands import OrderRequest
from venues.errors import VenueUnavailable
from venues.model import Order, OrderStatus, OrderType, Position, Side
from venues.port import Depart

S = OrderStatus
CAN = capabilities(margin_wallet="M-wallet", reduce_only=False, amend=False)
CLOSE = {
    "instrument": SPOT, "type": OrderType.MARKET, "price": None, "reduce_only": True, "in_margin_wallet": True,
    "position_id": "m",
}  # fmt: skip


class WalletVenue(MarginVenue):
    """Its positions are what the wallet holds. `is_slow`: a close is carried out, and read back only later."""

    def __init__(self) -> None:
        super().__init__(CAN)
        self.asked: list[OrderRequest] = []
        self.is_slow = False

    async def submit_order(self, request: OrderRequest, *, depart: Depart | None = None) -> Order:
        self.asked.append(request)
        answered = await super().submit_order(request, depart=depart)
        return self._wallet(answered.client_order_id, request.in_margin_wallet)

    def _wallet(self, key: str, in_margin_wallet: bool) -> Order:
        self.orders[key] = msgspec.structs.replace(self.orders[key], in_margin_wallet=in_margin_wallet)
        return self.orders[key]

    def show(self, quantity: str) -> None:
        self.held = [wallet_position(quantity)]

    def _move_position(self, request: OrderRequest) -> None:
        if not self.is_slow:
            super()._move_position(request)

    async def fetch_positions(self) -> Sequence[Position]:
        held = await super().fetch_positions()
        if self.is_slow and held:  # interest is charged while it is
            held = [
                msgspec.structs.replace(
                    held[0], quantity=held[0].quantity - D(self.called("fetch_positions")) / 10**8
                )
            ]
        if self.is_slow and self.called("fetch_positions") > 6:
            self.held = []
        return held


def wallet_position(quantity: str) -> Position:
    return Position(
        instrument=SPOT, quantity=D(quantity), entry_price=D(100), position_id="m", in_margin_wallet=True
    )


def said(outcome: Outcome) -> tuple[Verdict, str]:
    return outcome.verdict, outcome.reasons[0].guard if outcome.reasons else ""


def judged(market: dict[str, Any], **wish: Any) -> tuple[Verdict, str]:
    now = MarketNow(
        instrument=instrument(SPOT, **({"takes_margin": True} | market.pop("instrument", {}))),
        capabilities=market.pop("capabilities", CAN), mid=D(100), best_bid=D("99.5"), best_ask=D("100.5"),
        is_book_valid=True, **market,
    )  # fmt: skip
    guards = Guards(Limits(), is_armed=False)
    return said(guards.check(intent(**wish), now, (), 0))


@pytest.mark.parametrize(
    ("in_wallet", "side", "quantity", "guard"),
    [
        ("-2", Side.BUY, "2", ""),
        ("-2", Side.BUY, "2.001", "position"),
        ("-2", Side.SELL, "1", "position"),
        ("3", Side.SELL, "3", ""),
        ("3", Side.BUY, "1", "position"),
        ("0", Side.BUY, "1", "position"),
    ],
)
def test_while_locked_only_what_the_wallet_holds_can_be_closed(
    in_wallet: str, side: Side, quantity: str, guard: str
) -> None:
    """No venue holds an order of the wallet to reducing, and reducing passes the lock."""
    found = judged({"in_wallet": D(in_wallet)}, side=side, quantity=D(quantity), **CLOSE)
    assert found == ((Verdict.DENIED, guard) if guard else (Verdict.SENT, ""))


def test_a_wallet_that_is_not_there_takes_no_order() -> None:
    plain = {"instrument": {"takes_margin": False}}
    assert judged(dict(plain), instrument=SPOT, in_margin_wallet=True)[0] is Verdict.DENIED
    nowhere = {"capabilities": capabilities()}
    assert judged(dict(nowhere), instrument=SPOT, in_margin_wallet=True)[0] is Verdict.DENIED
    assert judged({}, instrument=SPOT, reduce_only=True) == (Verdict.DENIED, "supported")


def test_the_wallet_is_part_of_what_makes_two_orders_the_same() -> None:
    spot, margin = intent(instrument=SPOT), intent(instrument=SPOT, in_margin_wallet=True)
    assert body_of(spot) != body_of(margin)
    made = request_of(margin, "a")
    assert made.in_margin_wallet
    tracker = OrderTracker(lambda: 0, lambda *_: None)
    tracked = tracker.submitted(made, 0)
    assert tracked.order.in_margin_wallet
    tracker.command_ended(tracked, None)
    tracker.apply(order("a", instrument=SPOT, ts_event=5))  # a stream that does not tell the wallet
    assert tracked.order.in_margin_wallet
    assert body_of(as_intent(tracked.order)) == body_of(tracked.order)
    found = tracker.confirm(order("b", instrument=SPOT, in_margin_wallet=True))
    assert found is not None
    assert as_intent(found.order).in_margin_wallet


async def test_a_close_and_a_reversal_stay_in_the_wallet() -> None:
    venue = WalletVenue()
    venue.show("-2")
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        assert (await rig.session.close_position(SPOT, "m", 50)).verdict is Verdict.SENT
        await rig.session.settled()
        sent = venue.asked[-1]
        assert (sent.side, sent.quantity, sent.in_margin_wallet, sent.position_id) == (Side.BUY, D(1), True, "m")
        venue.show("-1")
        rig.store.ledger.replace_positions("test", venue.held, rig.clock.now + 1)
        assert (await rig.session.reverse_position(SPOT, "m")).verdict is Verdict.SENT
        await rig.session.settled()
        close, opening = venue.asked[-2:]
        assert (close.reduce_only, close.quantity, close.in_margin_wallet) == (True, D(1), True)
        assert (opening.reduce_only, opening.side, opening.quantity) == (False, Side.BUY, D(1))
        assert (opening.in_margin_wallet, opening.position_id) == (True, None)


async def test_an_edit_stays_in_the_wallet_also_of_an_order_from_elsewhere() -> None:
    venue = WalletVenue()
    venue.orders["x"] = order("x", instrument=SPOT, in_margin_wallet=True)
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        for key in ("x", await rig.place(instrument=SPOT, in_margin_wallet=True, price=D(98))):
            tracked = rig.store.orders.get(key)
            assert tracked is not None
            assert (tracked.status, tracked.order.in_margin_wallet) == (S.NEW, True)
            outcome = await rig.session.amend(AmendIntent(key=key, price=D(99)))
            assert outcome.verdict is Verdict.SENT, outcome
            await rig.session.settled()
            assert rig.status(key) is S.CANCELED
            assert (venue.asked[-1].price, venue.asked[-1].in_margin_wallet) == (D(99), True)


async def panic(rig: FundsRig) -> PanicLine:
    return (await rig.session.panic()).lines[0]


async def test_panic_closes_in_the_wallet_says_what_is_owed_and_pays_nothing_back() -> None:
    venue = WalletVenue()
    venue.show("-2")
    venue.owe("0.1")
    venue.owe("3.50", "USDT")
    async with FundsRig(venue) as rig:
        line = await panic(rig)
        assert (line.closed, line.positions_left, line.is_proven) == (1, 0, True)
        assert line.note == "M-wallet still owes 0.1 BTC, 3.5 USDT"
        assert [(one.quantity, one.in_margin_wallet, one.position_id) for one in venue.asked] == [
            (D(2), True, "m")
        ]
        assert not venue.sent
        venue.faults = {"fetch_margin_account": [VenueUnavailable("test", "502")]}
        assert (await panic(rig)).note == "M-wallet still owes 0.1 BTC, 3.5 USDT, as last heard"
        venue.owe("0")
        venue.owe("0", "USDT")
        assert not (await panic(rig)).note


async def test_panic_says_what_nobody_knows_of() -> None:
    venue = WalletVenue()
    venue.fates, venue.bounds = ["lost before"], False
    async with FundsRig(venue) as rig:
        await rig.move()
        assert (await panic(rig)).note == "nobody knows what became of BORROW 0.1 BTC at test"


@pytest.mark.parametrize(
    ("held", "money", "asked"),
    [("-2", "153", ["1.5", "0.5"]), ("-2", "500", ["2"]), ("-2", "0", ["2"]), ("2", "153", ["2"])],
)
async def test_panic_buys_back_what_there_is_money_for(held: str, money: str, asked: list[str]) -> None:
    venue = WalletVenue()
    venue.show(held)
    venue.owe("0", "USDT", available=D(money))
    async with FundsRig(venue) as rig:
        await rig.tell(ticker(D(100), SPOT))
        await panic(rig)
        assert [f"{one.quantity.normalize():f}" for one in venue.asked] == asked


async def test_panic_does_not_close_twice_what_is_only_shown_late() -> None:
    """A second close would open the other side: nothing holds an order of the wallet to reducing."""
    venue = WalletVenue()
    venue.show("-2")
    venue.is_slow = True
    async with FundsRig(venue) as rig:
        line = await panic(rig)
        assert [one.quantity for one in venue.asked] == [D(2)]
        assert (line.positions_left, line.is_proven) == (0, True)


async def test_while_money_is_on_its_way_the_key_stays() -> None:
    venue = WalletVenue()
    venue.fates, venue.bounds = ["lost before"], False
    async with FundsRig(venue) as rig:
        await rig.move()
        other = WalletVenue()
        outcome = await rig.session.rekey(other)
        assert outcome.verdict is Verdict.DENIED
        assert "this key alone can prove" in outcome.reasons[0].text
        assert (await rig.session.decide_gone(rig.view().funds[0].request.request_id)).verdict is Verdict.SENT
        outcome = await rig.session.rekey(WalletVenue())
        assert outcome.verdict is Verdict.SENT
        await until(lambda: rig.session.links["test"].is_reconciled)
