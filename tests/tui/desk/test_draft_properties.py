"""Whatever is typed, what would be sent is on tick and lot, is paid for, and costs no more than was typed."""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.support.frames import BTC_PERP, BTC_SPOT, book_view, sample_frame, spot_frame
from tui.desk.appraisal import Context, make_context
from tui.desk.draft import Draft, evaluate
from tui.desk.estimate import affordable, sweep
from tui.desk.frame import BookLevel
from tui.desk.key_gate import KeyGate
from venues.model import Balance, Instrument, OrderType, Side, TimeInForce
from venues.rounding import order_faults

D = Decimal
SIDES = st.sampled_from(Side)
STEPS = st.sampled_from([D("0.0001"), D("0.01"), D("0.05"), D("0.5"), D("1"), D("25")])
LOTS = st.sampled_from([D("0.00001"), D("0.001"), D("0.1"), D("1"), D("100")])
PRICES = st.decimals(min_value=D("30000"), max_value=D("90000"), places=6)
FREE = st.decimals(min_value=D("0.01"), max_value=D("10000000"), places=8)

TEXTS = st.one_of(
    st.text(max_size=12),
    st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,8})?", fullmatch=True),
    st.from_regex(r"(bid|ask|last|mid|mark)[+-][0-9]{1,3}(\.[0-9])?[t%]?", fullmatch=True),
    st.from_regex(r"[0-9]{1,3}(\.[0-9])?% ?(balance|position|b|p)", fullmatch=True),
    st.from_regex(r"[0-9]{1,6} (usdt|btc)", fullmatch=True),
    st.from_regex(r"[+-][0-9]{1,2}%", fullmatch=True),
)


def around(instrument: Instrument, free: Decimal | None = None, seed: int = 7) -> Context:
    frame = sample_frame() if instrument.is_perpetual else spot_frame()
    base = BTC_PERP if instrument.is_perpetual else BTC_SPOT
    found = make_context(frame, base)
    assert found is not None
    if free is not None:
        balances = tuple(
            Balance(currency=currency, total=free, available=free, locked=D(0)) for currency in ("USDT", "BTC")
        )
        found = msgspec.structs.replace(found, balances=balances, positions=())
    return msgspec.structs.replace(found, instrument=instrument, book=book_view(base, seed=seed))


@given(
    st.builds(
        Draft,
        side=SIDES,
        type=st.sampled_from(OrderType),
        price=TEXTS,
        size=TEXTS,
        trigger=TEXTS,
        time_in_force=st.sampled_from(TimeInForce),
        post_only=st.booleans(),
        reduce_only=st.booleans(),
        leverage=st.one_of(st.just(""), TEXTS),
    ),
    st.sampled_from([BTC_PERP, BTC_SPOT]),
)
def test_an_intent_is_on_tick_and_lot_and_only_without_problems(draft: Draft, instrument: Instrument) -> None:
    found = evaluate(draft, around(instrument))
    assert (found.intent is None) == bool(found.problems or found.obstacle)
    if found.intent is not None:
        intent = found.intent
        assert order_faults(instrument, intent.quantity, intent.price) == ()
        assert intent.quantity > 0
        assert (intent.price is not None) == draft.type.has_price
        assert (intent.trigger_price is not None) == draft.type.has_trigger


@given(SIDES, PRICES, STEPS)
def test_it_never_pays_worse_than_typed(side: Side, typed: Decimal, tick: Decimal) -> None:
    instrument = msgspec.structs.replace(BTC_PERP, tick_size=tick)
    intent = evaluate(Draft(side=side, price=f"{typed:f}", size="1"), around(instrument)).intent
    assert intent is not None and intent.price is not None
    assert intent.price <= typed if side is Side.BUY else intent.price >= typed
    assert abs(intent.price - typed) < tick


@given(
    SIDES,
    st.sampled_from([OrderType.LIMIT, OrderType.MARKET]),
    PRICES,
    FREE,
    LOTS,
    st.sampled_from(["", "1", "3", "10", "99.5"]),
    st.booleans(),
    st.integers(0, 20),
)
def test_the_whole_balance_pays_for_it_fee_included(
    side: Side,
    kind: OrderType,
    price: Decimal,
    free: Decimal,
    lot: Decimal,
    leverage: str,
    is_perpetual: bool,
    seed: int,
) -> None:
    base = BTC_PERP if is_perpetual else BTC_SPOT
    instrument = msgspec.structs.replace(base, lot_size=lot, min_quantity=lot, min_notional=D(0))
    draft = Draft(side=side, type=kind, price=f"{price:f}", size="100% balance", leverage=leverage)
    found = evaluate(draft, around(instrument, free, seed))
    if found.intent is None:
        return
    assert found.appraisal is not None
    expected = found.appraisal.estimate
    if not is_perpetual and side is Side.SELL:
        assert found.intent.quantity <= free
        return
    assert expected.notional is not None and expected.fee is not None
    needed = expected.notional / (D(leverage or 1) if is_perpetual else 1) + expected.fee
    assert needed.quantize(D("1e-15"), ROUND_CEILING) <= free
    assert not any(text.startswith("needs") for text in found.appraisal.warnings)


@given(
    st.lists(st.tuples(st.integers(1, 500), st.integers(1, 50)), min_size=1, max_size=20),
    st.decimals(min_value=1, max_value=100000, places=2),
)
def test_what_is_affordable_costs_no_more(levels: list[tuple[int, int]], amount: Decimal) -> None:
    asks = [BookLevel(D(price), D(size) / 10) for price, size in sorted(dict(levels).items())]
    quantity = affordable(asks, amount, D("1.001"))
    taken = sweep(asks, Side.BUY, quantity)
    assert taken.quantity == quantity
    assert taken.cost * D("1.001") <= amount * (1 + D("1e-20"))


@given(st.lists(st.integers(0, 749_999_999), max_size=40), st.integers(0, 399_999_999))
def test_a_gate_never_opens_for_keys_that_follow_one_another(gaps: list[int], first: int) -> None:
    gate, now = KeyGate(), 1_000
    gate.put(now)
    now += first
    assert not gate.let_through(now)
    for gap in gaps:
        now += gap
        assert not gate.let_through(now)
    assert gate.let_through(now + 750_000_000)
