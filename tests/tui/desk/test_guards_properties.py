"""No answer sends what a hard limit denies, and no limit keeps a trader in a position."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tui.desk.rig import START, capabilities, instrument, intent, order
from tui.desk.control import OrderIntent, Verdict
from tui.desk.guards import Guards, Limits, MarketNow
from venues.model import NANOSECONDS, Order, OrderStatus, OrderType, Side
from venues.port import Mode

D = Decimal
LIMITS = Limits(
    max_quantity={"BTC-PERP": D(40)}, max_notional=D(5_000), session_budget=D(6_000), day_loss=D(500)
)  # fmt: skip
NAMES = frozenset(
    {
        "read-only", "steps", "venue", "loss", "recovery", "panic", "lock", "reconciling", "instrument",
        "supported", "size", "notional", "budget", "band", "fresh", "duplicate",
    }
)  # fmt: skip


class Case(msgspec.Struct, frozen=True):
    """A wish and the world it comes into."""

    wish: OrderIntent
    market: MarketNow
    is_armed: bool
    is_busy: bool
    is_recovering: bool
    is_watching: bool
    pnl: Decimal
    budget_used: Decimal
    was_just_sent: bool
    is_unknown: bool
    notional_before: Decimal | None  # of an amendment

    def guards(self) -> Guards:
        one = Guards(LIMITS, self.is_armed)
        one.is_busy, one.is_recovering = self.is_busy, self.is_recovering
        one.read_only_reason = "it watches" if self.is_watching else ""
        if self.was_just_sent:
            one.note_sent(self.wish, D(0), START - NANOSECONDS)
        one.inherit(self.budget_used)
        one.note_day(self.pnl, START)
        return one

    @property
    def unknown(self) -> list[Order]:
        wish = self.wish
        same = order(
            "a", OrderStatus.UNKNOWN, side=wish.side, type=wish.type, quantity=wish.quantity, price=wish.price,
            reduce_only=wish.reduce_only,
        )  # fmt: skip
        return [same] if self.is_unknown else []


def whole(least: int, most: int) -> st.SearchStrategy[Decimal]:
    return st.integers(least, most).map(Decimal)


wishes = st.builds(
    lambda is_limit, side, quantity, price, reduces, overrides: intent(
        type=OrderType.LIMIT if is_limit else OrderType.MARKET, side=side, quantity=quantity,
        price=price if is_limit else None, reduce_only=reduces, overrides=overrides,
    ),
    st.booleans(), st.sampled_from(Side), whole(1, 60), whole(70, 130), st.booleans(),
    st.frozensets(st.sampled_from(sorted(NAMES))),
)  # fmt: skip
markets = st.builds(
    lambda is_valid, age, is_reconciling, fault, mode: MarketNow(
        instrument=instrument(), capabilities=capabilities(mode=mode), mid=D(100), best_bid=D("99.5"),
        best_ask=D("100.5"), is_book_valid=is_valid, ts_recv=START - age * NANOSECONDS,
        is_reconciling=is_reconciling, fault=fault,
    ),
    st.booleans(), st.integers(0, 20), st.booleans(), st.sampled_from(["", "", "", "no key"]),
    st.sampled_from([Mode.LIVE, Mode.PAPER, Mode.PAPER, Mode.READ_ONLY]),
)  # fmt: skip
mostly_not = st.sampled_from([False, False, False, True])
cases = st.builds(
    Case, wishes, markets, st.sampled_from([True, True, False]), mostly_not, mostly_not, mostly_not,
    whole(-520, 100), whole(0, 7_000), st.booleans(), st.booleans(), st.none() | whole(0, 5_000),
)  # fmt: skip


def hard_limits(case: Case) -> set[str]:
    """Works out anew, from the words of the product, what must keep this wish from being sent."""
    wish, market = case.wish, case.market
    if case.is_watching or market.capabilities.mode is Mode.READ_ONLY:
        return {"read-only"}
    broken = {"venue"} if market.fault else set()
    if wish.price is not None and abs(wish.price - 100) > 20:
        broken.add("band")
    if wish.reduce_only:
        return broken
    price = (
        wish.price if wish.price is not None else (D("100.5") if wish.side is Side.BUY else D("99.5")) * D("1.01")
    )
    value = wish.quantity * price
    added = max(D(0), value - (case.notional_before or 0))
    broken |= {
        name
        for name, is_broken in {
            "loss": case.pnl <= -500,
            "recovery": case.is_recovering,
            "panic": case.is_busy,
            "lock": not case.is_armed,
            "reconciling": market.is_reconciling,
            "size": wish.quantity > 40,
            "notional": value > 5_000,
            "budget": added > 0 and case.budget_used + added > 6_000,
        }.items()
        if is_broken
    }
    return broken


def questions(case: Case) -> set[str]:
    """Works out anew what the trader is asked about where nothing hard stands against it."""
    wish, market = case.wish, case.market
    asked = {
        "band": wish.price is not None and abs(wish.price - 100) > 5,
        "fresh": not wish.reduce_only and (not market.is_book_valid or START - market.ts_recv > 10 * NANOSECONDS),
        "duplicate": case.notional_before is None and (case.was_just_sent or case.is_unknown),
    }
    return {name for name, is_asked in asked.items() if is_asked}


def ask(one: Guards, case: Case, wish: OrderIntent) -> tuple[Verdict, list[str]]:
    before = case.notional_before
    outcome = one.check(
        wish, case.market, case.unknown, START, is_amend=before is not None, notional_before=before or D(0)
    )
    return outcome.verdict, [reason.guard for reason in outcome.reasons]


@settings(max_examples=1_500, deadline=None)
@given(cases)
def test_every_yes_in_the_world_sends_only_what_no_hard_limit_denies(case: Case) -> None:
    one, wish, broken = case.guards(), case.wish, hard_limits(case)
    left = questions(case) - wish.overrides
    for _ in range(len(NAMES) + 1):
        verdict, names = ask(one, case, wish)
        assert len(names) <= 3
        if verdict is not Verdict.NEEDS_YES:
            break
        assert set(names) == left
        left = set()
        wish = msgspec.structs.replace(wish, overrides=wish.overrides | set(names))
    if broken:
        assert verdict is Verdict.DENIED
        assert set(names) <= broken
        assert len(names) == min(3, len(broken))
    else:
        assert (verdict, names, left) == (Verdict.SENT, [], set())


@settings(max_examples=500, deadline=None)
@given(cases)
def test_a_name_in_the_overrides_changes_nothing_about_a_denial(case: Case) -> None:
    bare, every = (msgspec.structs.replace(case.wish, overrides=names) for names in (frozenset[str](), NAMES))
    without, with_all = ask(case.guards(), case, bare), ask(case.guards(), case, every)
    if without[0] is Verdict.DENIED:
        assert with_all == without
    else:
        assert with_all == (Verdict.SENT, [])


@settings(max_examples=500, deadline=None)
@given(cases)
def test_nothing_but_price_and_connection_stands_against_a_way_out(case: Case) -> None:
    wish = msgspec.structs.replace(case.wish, reduce_only=True, overrides=frozenset({"duplicate", "band"}))
    verdict, names = ask(case.guards(), case, wish)
    assert set(names) <= {"read-only", "venue", "band"}
    if case.wish.price is None and not names:
        assert verdict is Verdict.SENT
