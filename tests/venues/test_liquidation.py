"""Liquidation prices, against the exchange's own: by its pure rules, and over a socket."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import count
from typing import Any

import httpx
import pytest

from tests.venues.pumpkin.client_rig import shared_tls
from venues.liquidation import (
    Stake,
    bracket_of,
    brackets_of,
    cross_backing,
    key_of,
    liquidation_price,
    liquidation_prices,
    maintenance_margin,
    most_leverage,
    unrealized_pnl,
)
from venues.model import ZERO, Bracket, Instrument, InstrumentId, InstrumentKind, MarginMode, Position
from venues.port import Credentials
from venues.pumpkin import Client
from venues.pumpkin import models as venue
from venues.pumpkin.client import make_session
from venues.pumpkin.readings import Readings
from venues.simulators.perpetuals.positions import HeldPosition, MarginType, PositionSide
from venues.simulators.perpetuals.wallet import Wallet
from venues.simulators.pumpkin.markets import BILL_WORDS, COIN, TERMS, listings
from venues.simulators.pumpkin.positions import PositionBook
from venues.simulators.serving import Practice, served_in_thread

D = Decimal
TIERS = (
    Bracket(max_quantity=D(1), max_leverage=D(100), maintenance_rate=D("0.005")),
    Bracket(max_quantity=D(10), max_leverage=D(20), maintenance_rate=D("0.01"), maintenance_amount=D("0.5")),
)


def instrument_of(listed: Instrument) -> Instrument:
    """Returns a market of the exchange with its brackets in base units."""
    terms = TERMS[listed.id.symbol]
    brackets = tuple(
        Bracket(
            max_quantity=one.max_position * terms.contract_size,
            max_leverage=D(one.max_leverage),
            maintenance_rate=one.rate,
            maintenance_amount=one.amount,
        )
        for one in terms.brackets
    )
    return Instrument(
        **({name: getattr(listed, name) for name in listed.__struct_fields__} | {"brackets": brackets})
    )


LISTED = {one.instrument.id: instrument_of(one.instrument) for one in listings()}
OPENING = {one.instrument.id: one.opening_price for one in listings()}
SYMBOLS = {one.symbol: one for one in LISTED}


def told(held: HeldPosition) -> Position:
    """Returns a position as the adapter does, but for what the wire rounds."""
    mode = MarginMode.ISOLATED if held.is_isolated else MarginMode.CROSS
    return Position(
        instrument=SYMBOLS[held.symbol],
        quantity=held.side.sign * held.quantity,
        entry_price=held.entry_price,
        position_id=str(held.id),
        leverage=D(held.leverage),
        margin_mode=mode,
        margin=held.margin,
    )


class Drawn:
    """An account of random positions, by the exchange's own rules, with nothing of it liquidated."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.book = PositionBook()
        self.marks = {one: self.near(price, D("0.03"), LISTED[one].tick_size) for one, price in OPENING.items()}
        self.wallet = Wallet(
            self.book,
            {COIN: ZERO},
            coin=COIN,
            words=BILL_WORDS,
            mark=lambda symbol: self.marks[SYMBOLS[symbol]],
            frozen=lambda: ZERO,
            number=int,
        )
        numbers = count(1)
        for _ in range(rng.randint(1, 6)):
            self.open(next(numbers))
        needed = sum(
            (one.maintenance(self.mark_of(one)) - one.pnl(self.mark_of(one)) for one in self.book.crossed()), ZERO
        )
        held = sum((one.margin for one in self.book.isolated()), ZERO)
        spare = D(rng.randint(1, 10**7)) / 100
        self.wallet.cash[COIN] = held + max(ZERO, needed) + spare

    def near(self, price: Decimal, share: Decimal, tick: Decimal) -> Decimal:
        moved = price * (1 + share * D(self.rng.randint(-1000, 1000)) / 1000)
        return max(tick, moved // tick * tick)

    def mark_of(self, held: HeldPosition) -> Decimal:
        return self.marks[SYMBOLS[held.symbol]]

    def open(self, number: int) -> None:
        rng = self.rng
        symbol = rng.choice(list(SYMBOLS)[: rng.choice((2, len(SYMBOLS)))])
        instrument = SYMBOLS[symbol]
        bracket = rng.choice(TERMS[symbol].brackets)
        settings = self.book.settings(symbol)
        settings.margin_type = rng.choice(tuple(MarginType))
        settings.leverage = rng.randint(1, bracket.max_leverage)
        held = self.book.begin(number, symbol, rng.choice(tuple(PositionSide)), 0)
        below = max(
            (one.max_position for one in TERMS[symbol].brackets if one.number < bracket.number), default=ZERO
        )
        size = rng.randint(int(below) + 1, int(bracket.max_position))
        first = rng.randint(0, size - 1)
        for contracts in (first, size - first):
            if contracts:
                held.open(self.near(self.marks[instrument], D("0.01"), LISTED[instrument].tick_size), contracts, 0)
        if held.is_isolated:
            held.margin += D(rng.randint(0, 10**6)) / 100

    def computed(self) -> Mapping[Any, Decimal | None]:
        held = [told(one) for one in self.book.of()]
        return liquidation_prices(held, {COIN: self.wallet.purse().wallet}, self.marks.get, LISTED.get)


def test_liquidation_prices_equal_the_exchanges_own_over_10_000_positions() -> None:
    rng = random.Random(7)
    kinds: Counter[tuple[str, bool, PositionSide, int]] = Counter()
    priced, total = 0, 0
    while total < 10_000:
        drawn = Drawn(rng)
        computed = drawn.computed()
        for held in drawn.book.of():
            instrument = LISTED[SYMBOLS[held.symbol]]
            own = drawn.wallet.liquidation_price(held, instrument.tick_size)
            ours = computed[key_of(told(held))]
            assert (ours is None) is (own is None), (held, ours, own)
            if own is not None and ours is not None:
                priced += 1
                assert abs(ours - own) <= instrument.tick_size, (held, ours, own)
            bracket = bracket_of(instrument.brackets, held.quantity)
            kinds[held.symbol, held.is_isolated, held.side, instrument.brackets.index(bracket)] += 1
            total += 1
    assert priced > 5_000
    every = {
        (one.symbol, is_isolated, side, number)
        for one, instrument in LISTED.items()
        for is_isolated in (True, False)
        for side in PositionSide
        for number in range(len(instrument.brackets))
    }
    assert set(kinds) == every


@pytest.mark.parametrize("side", list(PositionSide))
def test_unrealised_profit_is_the_documented_formula(side: PositionSide) -> None:
    """(price - entry) x contracts x contract size, with the sign of the side."""
    row = venue.Position(
        symbol="btc_usdt", position_id="1", position_type="CROSSED", position_side=side.value,
        position_size=D(120), close_order_size=ZERO, available_close_size=D(120), entry_price=D("60000.1"),
        isolated_margin=ZERO, open_order_margin_frozen=ZERO, realized_profit=ZERO, leverage=10,
        contract_size=D("0.0001"),
    )  # fmt: skip
    mark = D("61234.5")
    documented = (mark - D("60000.1")) * 120 * D("0.0001") * side.sign
    quantity = side.sign * 120 * D("0.0001")
    assert unrealized_pnl(quantity, row.entry_price, mark) == documented == row.unrealized_profit(mark)
    held = HeldPosition(1, "btc_usdt", side, MarginType.CROSSED, 10, D("0.0001"), TERMS["btc_usdt"].brackets)
    held.open(D("60000.1"), 120, 0)
    assert held.pnl(mark) == documented


@pytest.fixture
def practice() -> Iterator[Practice]:
    with served_in_thread("pumpkin", seed=3, rate=0, time_scale=0.05) as served:
        yield served


async def test_liquidation_prices_equal_those_of_a_served_exchange(practice: Practice) -> None:
    """What REST tells of hundreds of positions leads to the prices that the exchange keeps to itself."""
    rng = random.Random(11)
    readings = Readings(minute_quota=1_200)
    session = make_session(
        Credentials(practice.api_key, practice.api_secret),
        base_url=practice.rest_url,
        readings=readings,
        tls=shared_tls(),
    )
    compared: Counter[tuple[str, str]] = Counter()
    with httpx.Client(base_url=practice.rest_url, trust_env=False) as control:

        def kept() -> dict[str, Any]:
            return {row["id"]: row for row in control.get("/practice/state").json()["positions"]}

        def act(do: str, **wish: object) -> None:
            answer = control.post("/practice/act", json={"do": do, **wish})
            assert answer.status_code == 200, answer.text

        async with Client(session=session, readings=readings) as client:
            for number, (one, listed) in enumerate(LISTED.items()):
                kind = "ISOLATED" if number % 2 else "CROSSED"
                await client.change_position_type(one.symbol, kind, "DISAGGREGATION")
                for _ in range(14):
                    act("mark", symbol=one.symbol, price=f"{OPENING[one]:f}")
                    size = rng.randint(300, 9_000) // (OPENING[one] * listed.lot_size) * listed.lot_size
                    side = rng.choice(("buy", "buy", "sell") if number in (0, 3, 4) else ("sell", "sell", "buy"))
                    act("place", symbol=one.symbol, side=side, type="market", quantity=f"{size:f}", leverage=10)
            (purse,) = await client.balances()
            act("fund", currency="usdt", amount=f"{9_000 - purse.available_balance:f}")
            for _ in range(4):
                for one, listed in LISTED.items():
                    moved = OPENING[one] * (1 + D(rng.randint(-30, 30)) / 10_000)
                    act("mark", symbol=one.symbol, price=f"{moved // listed.tick_size * listed.tick_size:f}")
                rows = await client.positions()
                marks = {SYMBOLS[row.symbol]: row.price for row in await client.mark_prices()}
                (purse,) = await client.balances()
                own_prices = kept()
                held = [_of_row(row) for row in rows]
                prices = liquidation_prices(held, {"usdt": purse.wallet_balance}, marks.get, LISTED.get)
                for row, each in zip(rows, held, strict=True):
                    own = own_prices[row.position_id]["liquidation_price"]
                    ours = prices[key_of(each)]
                    assert (own is None) is (ours is None)
                    if ours is not None:
                        assert abs(ours - D(own)) <= LISTED[each.instrument].tick_size
                        compared[row.position_type, row.position_side] += 1
    assert sum(compared.values()) >= 300
    assert len(compared) == 4


def _of_row(row: venue.Position) -> Position:
    sign = 1 if row.position_side == "LONG" else -1
    return Position(
        instrument=SYMBOLS[row.symbol],
        quantity=sign * row.position_size * row.contract_size,
        entry_price=row.entry_price,
        position_id=row.position_id,
        margin_mode=MarginMode.ISOLATED if row.position_type == "ISOLATED" else MarginMode.CROSS,
        margin=row.isolated_margin,
    )


def test_brackets_follow_from_the_size_alone() -> None:
    assert [bracket_of(TIERS, D(size)) for size in ("1", "-1", "1.01", "10", "11")] == [
        TIERS[0], TIERS[0], TIERS[1], TIERS[1], TIERS[1],
    ]  # fmt: skip
    assert maintenance_margin(TIERS, D(-2), D(100)) == D("1.5")


def _instrument(**changes: Any) -> Instrument:
    fixed: dict[str, Any] = {
        "id": InstrumentId("somewhere", "x"), "name": "X perp", "kind": InstrumentKind.LINEAR_PERPETUAL,
        "base": "X", "quote": "USDT", "settle": "USDT", "tick_size": D("0.1"), "lot_size": D("0.1"),
        "max_leverage": D(50), "maintenance_margin": D("0.01"),
    }  # fmt: skip
    return Instrument(**(fixed | changes))


def test_a_venue_that_tells_no_brackets_has_one_without_an_end() -> None:
    plain, tiered = _instrument(), _instrument(brackets=TIERS)
    (only,) = brackets_of(plain)
    assert (only.maintenance_rate, only.max_leverage) == (D("0.01"), D(50))
    assert most_leverage(plain, D(10**9)) == 50
    assert [most_leverage(tiered, D(size)) for size in ("-1", "5", "10.1")] == [100, 20, 0]


def test_prices_of_a_long_and_of_what_can_never_be_liquidated() -> None:
    long = Stake(D(1), D(100), TIERS)
    price = liquidation_price([long], D(10), D("0.1"))
    assert price == D("90.5")  # 10 + (90.45 - 100) = 90.45 x 0.005
    assert liquidation_price([long], D(100), D("0.1")) is None
    assert liquidation_price([], D(100), D("0.1")) is None
    assert liquidation_price([Stake(ZERO, ZERO, TIERS)], D(1), D("0.1")) is None


def test_what_stands_behind_cross_positions() -> None:
    others = [(Stake(D(2), D(100), TIERS), D(110))]
    assert cross_backing(D(1000), D(300), others) == 700 + 20 - (220 * D("0.01") - D("0.5"))


def test_a_price_that_rests_on_something_unknown_is_left_out() -> None:
    here, there = _instrument(brackets=TIERS), _instrument(id=InstrumentId("somewhere", "y"), brackets=TIERS)
    listed = {here.id: here, there.id: there}
    cross = Position(instrument=here.id, quantity=D(1), entry_price=D(100), position_id="1")
    other = Position(instrument=there.id, quantity=D(-1), entry_price=D(100), position_id="2")
    alone = Position(
        instrument=here.id, quantity=D(1), entry_price=D(100), position_id="3",
        margin_mode=MarginMode.ISOLATED, margin=D(10),
    )  # fmt: skip
    wallet, marks = {"USDT": D(50)}, {here.id: D(100)}
    unmarked: dict[InstrumentId, Decimal] = {}
    # Its own mark is not needed; that of the other one is.
    assert set(liquidation_prices([cross, alone], wallet, unmarked.get, listed.get)) == {
        key_of(cross),
        key_of(alone),
    }
    assert set(liquidation_prices([cross, other, alone], wallet, marks.get, listed.get)) == {
        key_of(other),
        key_of(alone),
    }
    assert set(liquidation_prices([cross, alone], {}, marks.get, listed.get)) == {key_of(alone)}
    stranger = Position(
        instrument=InstrumentId("somewhere", "z"), quantity=D(1), entry_price=D(1), position_id="4"
    )
    assert set(liquidation_prices([cross, alone, stranger], wallet, marks.get, listed.get)) == {key_of(alone)}
    closed = Position(instrument=here.id, quantity=ZERO, entry_price=D(100), position_id="5")
    assert liquidation_prices([closed], wallet, marks.get, listed.get) == {}


def held(quantity: str, mode: MarginMode = MarginMode.ISOLATED, symbol: str = "x_usdt") -> Position:
    return Position(
        instrument=InstrumentId("v", symbol), quantity=D(quantity), entry_price=D(100), position_id=quantity,
        leverage=D(10), margin_mode=mode, margin=D(10),
    )  # fmt: skip


def perpetual(symbol: str = "x_usdt", **terms: Any) -> Instrument:
    given: dict[str, Any] = {"brackets": TIERS} | terms
    return Instrument(
        id=InstrumentId("v", symbol), name=symbol, kind=InstrumentKind.LINEAR_PERPETUAL, base="X", quote="USDT",
        settle="USDT", tick_size=D("0.1"), lot_size=D("0.1"), maker_fee=ZERO, taker_fee=ZERO, **given,
    )  # fmt: skip


def test_what_no_bracket_takes_has_no_price_that_could_be_wrong() -> None:
    listed = {InstrumentId("v", name): perpetual(name) for name in ("x_usdt", "y_usdt")}
    wallets, marks = {"USDT": D(1_000)}, dict.fromkeys(listed, D(100))
    inside, beyond = held("10"), held("10.1")
    assert set(liquidation_prices([inside, beyond], wallets, marks.get, listed.get)) == {key_of(inside)}
    crossed = [held("1", MarginMode.CROSS), held("11", MarginMode.CROSS, "y_usdt")]
    assert liquidation_prices(crossed, wallets, marks.get, listed.get) == {}
    assert len(liquidation_prices(crossed[:1], wallets, marks.get, listed.get)) == 1
    bare = {InstrumentId("v", "x_usdt"): perpetual(brackets=(), maintenance_margin=ZERO)}
    assert liquidation_prices([inside], wallets, marks.get, bare.get) == {}


def test_figures_beyond_all_measure_make_no_price_and_no_fault() -> None:
    most = D("9" * 29)
    for backing in (most, -most, D("1E-40")):
        for quantity in (D("1E-30"), most, -most):
            price = liquidation_price([Stake(quantity, most, TIERS)], backing, D("0.1"))
            assert price is None or 0 < price <= D(10) ** 14
    assert liquidation_price([Stake(D("1E-20"), D(100), TIERS)], D(-1_000), D("0.1")) is None
