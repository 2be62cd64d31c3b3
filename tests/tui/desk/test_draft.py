"""What stands in a ticket becomes exactly one order on tick and lot, or words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tests.support.frames import (
    BTC_PERP,
    BTC_SPOT,
    CAPABILITIES,
    desk_view,
    invalid_book,
    order_view,
    sample_frame,
    spot_frame,
    venue_view,
)
from tui.desk.appraisal import Context, make_context
from tui.desk.draft import Draft, Field, edit_fields, evaluate, evaluate_edit, fields_for, why_not_editable
from venues.model import Instrument, InstrumentKind, MarginMode, OrderStatus, OrderType, Side, TimeInForce
from venues.port import Capabilities, Mode

D = Decimal
EVERYTHING = msgspec.structs.replace(CAPABILITIES, attached_exits=True, margin_modes=frozenset(MarginMode))


def perp(**views: Any) -> Context:
    views.setdefault("venues", (venue_view(capabilities=EVERYTHING),))
    found = make_context(sample_frame(**views), BTC_PERP)
    assert found is not None
    return found


def spot(**views: Any) -> Context:
    found = make_context(spot_frame(**views), BTC_SPOT)
    assert found is not None
    return found


def limit(side: Side = Side.BUY, price: str = "60000", size: str = "0.1", **more: Any) -> Draft:
    return Draft(side=side, price=price, size=size, **more)


def test_an_order_as_it_was_sketched() -> None:
    draft = limit(price="bid-2t", size="5% balance", post_only=True, take_profit="+1%", leverage="10")
    found = evaluate(draft, perp())
    intent = found.intent
    assert intent is not None
    assert (intent.price, intent.quantity, intent.take_profit) == (D("60623.5"), D("0.169"), D("61230.0"))
    assert found.resolved == {
        Field.PRICE: "= 60,623.5",
        Field.SIZE: "= 0.169 BTC",
        Field.TAKE_PROFIT: "= 61,230.0",
    }
    assert found.appraisal is not None
    assert found.appraisal.line == "BUY 0.169 BTC @ 60,623.5 post-only 10x TP 61,230.0"
    assert found.appraisal.estimate.notional == D("10245.3715")
    assert found.appraisal.estimate.margin == D("1024.53715")
    assert found.appraisal.estimate.fee == D("10245.3715") * D("0.0002")
    assert found.appraisal.estimate.share == 0


@pytest.mark.parametrize(
    ("side", "typed", "sent"),
    [(Side.BUY, "60000.3", "60000.0"), (Side.SELL, "60000.3", "60000.5"), (Side.BUY, "60000.5", "60000.5")],
)
def test_prices_are_rounded_so_that_no_more_is_paid(side: Side, typed: str, sent: str) -> None:
    intent = evaluate(limit(side, typed), perp()).intent
    assert intent is not None and intent.price == D(sent)


@pytest.mark.parametrize(
    ("draft", "field", "words"),
    [
        (limit(price="0,5"), Field.PRICE, "no commas"),
        (limit(price="0.4"), Field.PRICE, "below one tick"),
        (limit(price="bid-99999999"), Field.PRICE, "below one tick"),
        (limit(size="0"), Field.SIZE, "above zero"),
        (limit(size="0.0009"), Field.SIZE, "less than one lot of 0.001 BTC"),
        (limit(size="99999999999999999999"), Field.SIZE, "too large to be meant"),
        (limit(size=""), Field.SIZE, "type a size in BTC"),
        (limit(leverage="101"), Field.LEVERAGE, "from 1 to 100"),
        (limit(leverage="0.5"), Field.LEVERAGE, "from 1 to 100"),
        (limit(post_only=True, time_in_force=TimeInForce.IOC), Field.POST_ONLY, "GTC only"),
        (limit(Side.BUY, reduce_only=True), Field.REDUCE_ONLY, "no short position here"),
        (limit(take_profit="-1%"), Field.TAKE_PROFIT, "take-profit of a buy is above its entry, like +1%"),
        (limit(stop_loss="+1%"), Field.STOP_LOSS, "stop-loss of a buy is below its entry, like -1%"),
        (limit(Side.SELL, stop_loss="-1%"), Field.STOP_LOSS, "stop-loss of a sell is above its entry"),
        (limit(type=OrderType.STOP, trigger="60000"), Field.TRIGGER, "must be above the last price"),
        (limit(Side.SELL, type=OrderType.STOP, trigger="61000"), Field.TRIGGER, "must be below the last"),
        (limit(type=OrderType.TAKE_PROFIT, trigger="61000"), Field.TRIGGER, "must be below the last price"),
    ],
)
def test_a_mistake_is_said_in_its_field_and_makes_no_order(draft: Draft, field: Field, words: str) -> None:
    found = evaluate(draft, perp())
    assert found.intent is None
    assert words in found.problems[field]


def test_minimum_notional_and_size_of_the_balance_on_spot() -> None:
    assert "minimum of 5 USDT" in evaluate(limit(size="0.00001"), spot()).problems[Field.SIZE]
    assert "spot has no position" in evaluate(limit(size="50%p"), spot()).problems[Field.SIZE]
    sale = evaluate(limit(Side.SELL, "61000", "100%b"), spot()).intent
    assert sale is not None and sale.quantity == D("0.03500")


def test_quote_amounts_and_shares_of_the_position() -> None:
    bought = evaluate(limit(price="60000", size="500 usdt"), perp()).intent
    assert bought is not None and bought.quantity == D("0.008")
    reduced = evaluate(limit(Side.SELL, "61000", "50% position", reduce_only=True), perp()).intent
    assert reduced is not None and reduced.quantity == D("0.125") and reduced.reduce_only
    assert reduced.position_id is None  # the only one there is


def test_market_orders_walk_the_book() -> None:
    found = evaluate(Draft(side=Side.BUY, type=OrderType.MARKET, size="3"), perp())
    assert found.intent is not None and found.intent.price is None
    assert found.appraisal is not None
    expected = found.appraisal.estimate
    context = perp()
    assert context.book is not None
    left, cost = D(3), D(0)
    for level in context.book.asks:
        taken = min(left, level.quantity)
        cost, left = cost + taken * level.price, left - taken
    assert expected.notional == cost
    assert expected.average_price == cost / 3
    assert expected.share == D(3) / sum(level.quantity for level in context.book.asks[:10])


def test_hidden_fields_are_never_sent() -> None:
    draft = Draft(
        side=Side.BUY, type=OrderType.MARKET, size="0.1", price="1", trigger="2", post_only=True,
        time_in_force=TimeInForce.FOK, take_profit="nonsense", leverage="nonsense",
    )  # fmt: skip
    intent = evaluate(draft, spot()).intent
    assert intent is not None
    assert (intent.price, intent.trigger_price, intent.take_profit, intent.leverage) == (None,) * 4
    assert not intent.post_only and intent.time_in_force is TimeInForce.GTC


@pytest.mark.parametrize(
    ("draft", "around", "fields"),
    [
        (limit(), "perp", "type tif price size leverage margin post-only reduce-only TP SL"),
        (limit(reduce_only=True), "perp", "type tif price size post-only reduce-only"),
        (limit(type=OrderType.MARKET), "perp", "type size leverage margin reduce-only TP SL"),
        (limit(type=OrderType.STOP_LIMIT), "perp", "type trigger price size leverage margin reduce-only TP SL"),
        (limit(), "spot", "type tif price size post-only"),
        (limit(type=OrderType.STOP), "spot", "type trigger size"),
    ],
)
def test_the_venue_and_the_type_decide_the_fields(draft: Draft, around: str, fields: str) -> None:
    context = perp() if around == "perp" else spot()
    assert " ".join(fields_for(draft, context)) == fields


def test_exits_go_with_a_perpetual_only() -> None:
    exits = {Field.TAKE_PROFIT, Field.STOP_LOSS}
    assert exits <= set(fields_for(limit(), perp()))
    assert not exits & set(fields_for(limit(), spot(venues=(venue_view(capabilities=EVERYTHING),))))


def test_a_bare_venue_has_only_what_it_can_do() -> None:
    bare = spot(venues=(venue_view(capabilities=Capabilities(mode=Mode.PAPER)),))
    assert fields_for(limit(), bare) == (Field.TYPE, Field.PRICE, Field.SIZE)
    assert "no such orders" in evaluate(limit(type=OrderType.STOP, trigger="61000"), bare).problems[Field.TYPE]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": InstrumentKind.INVERSE_PERPETUAL}, "inverse contracts are shown and not traded"),
        ({"is_tradable": False, "note": "halted"}, "not tradable: halted"),
    ],
)
def test_what_can_not_be_traded_makes_no_order(change: dict[str, Any], words: str) -> None:
    instrument: Instrument = msgspec.structs.replace(BTC_PERP, **change)
    found = evaluate(limit(), msgspec.structs.replace(perp(), instrument=instrument))
    assert (found.intent, found.obstacle) == (None, words)


def test_read_only_makes_no_order() -> None:
    found = evaluate(limit(), perp(venues=(venue_view(mode=Mode.READ_ONLY),)))
    assert (found.intent, found.obstacle) == (None, "this venue is read-only here")


def test_a_book_that_can_not_be_trusted_anchors_nothing() -> None:
    found = evaluate(limit(price="bid-2t"), perp(book=invalid_book()))
    assert found.problems[Field.PRICE] == "there is no bid price right now"
    typed = evaluate(limit(), perp(book=invalid_book()))
    assert typed.appraisal is not None
    assert any("book is not valid (checksum mismatch)" in text for text in typed.appraisal.warnings)


@pytest.mark.parametrize(
    ("draft", "views", "words"),
    [
        (limit(), {"desk": desk_view(is_armed=False, lock_reason="idle")}, "locked (idle)"),
        (limit(price="50000"), {}, "price is 17.5% below the market"),
        (limit(price="60625", post_only=True), {}, "post-only at a price that would trade at once"),
        (limit(size="500"), {}, "needs"),
        (Draft(side=Side.BUY, type=OrderType.MARKET, size="5000"), {}, "larger than the whole book"),
        (limit(price="60625", size="300", time_in_force=TimeInForce.FOK), {}, "fill-or-kill"),
        (limit(time_in_force=TimeInForce.IOC), {}, "nothing trades at this price now"),
        (limit(Side.SELL, "61000", "1", reduce_only=True), {}, "more than the position of 0.250 BTC"),
    ],
)
def test_warnings_do_not_stop_an_order(draft: Draft, views: dict[str, Any], words: str) -> None:
    found = evaluate(draft, perp(**views))
    assert found.intent is not None and found.appraisal is not None
    assert any(words in text for text in found.appraisal.warnings), found.appraisal.warnings


def test_isolated_liquidation_is_near_the_entry() -> None:
    draft = limit(size="1", price="60000", leverage="10", margin_mode=MarginMode.ISOLATED)
    found = evaluate(draft, perp(positions=()))
    assert found.appraisal is not None
    # 60000 x (1 - 1/10) / (1 - 0.005) = 54271.36, on the tick
    assert found.appraisal.estimate.liquidation == D("54271.5")


def test_an_edit_sends_only_what_changed() -> None:
    view = order_view("p1", quantity="0.500", price="60000.0", filled="0.100")
    draft = limit(price="60100", size="0.5")
    found = evaluate_edit(view, draft, perp())
    assert found.amend is not None
    assert (found.amend.key, found.amend.price, found.amend.quantity) == ("p1", D(60100), None)
    assert found.judged is not None and found.judged.quantity == D("0.400")
    same = evaluate_edit(view, limit(price="60000", size="0.500"), perp())
    assert (same.amend, same.obstacle) == (None, "nothing is changed yet")
    low = evaluate_edit(view, limit(price="60000", size="0.1"), perp())
    assert "0.100 is filled already" in low.problems[Field.SIZE]


def test_what_can_be_edited() -> None:
    stop = order_view("p1", kind=OrderType.STOP_LIMIT, trigger_price=D(61000))
    assert edit_fields(stop) == (Field.TRIGGER, Field.PRICE, Field.SIZE)
    assert "nobody has said" in why_not_editable(order_view("p1", status=OrderStatus.UNKNOWN))
    assert "is over" in why_not_editable(order_view("p1", status=OrderStatus.CANCELED))
    assert "on its way" in why_not_editable(order_view("p1", status=OrderStatus.PENDING_CANCEL))
    assert why_not_editable(order_view("p1")) == ""
    anew = perp(venues=(venue_view(capabilities=msgspec.structs.replace(CAPABILITIES, amend=False)),))
    assert evaluate_edit(order_view("p1"), limit(price="60100", size="0.25"), anew).notes == (
        "by cancel and new: it loses its place in the queue, and for a moment nothing rests",
    )


def test_what_an_edit_by_cancel_and_new_would_send_must_be_an_order_of_its_own() -> None:
    view = order_view("p1", quantity="0.500", price="60000.0", filled="0.100")
    draft = limit(price="60000", size="0.10001")
    assert evaluate_edit(view, draft, perp()).problems.keys() <= {Field.SIZE}
    anew = perp(venues=(venue_view(capabilities=msgspec.structs.replace(CAPABILITIES, amend=False)),))
    least = msgspec.structs.replace(anew.instrument, min_quantity=D("0.2"))
    small = msgspec.structs.replace(anew, instrument=least)
    found = evaluate_edit(view, limit(price="60000", size="0.25"), small)
    assert "below" in found.problems[Field.SIZE], found.problems
    in_place = msgspec.structs.replace(perp(), instrument=least)
    assert evaluate_edit(view, limit(price="60000", size="0.25"), in_place).amend is not None
