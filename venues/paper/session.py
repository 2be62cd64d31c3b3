"""One opening of the paper market: exchange, crowd, candles and feed put together. Synchronous, no wall clock.

What the exchange tells depends on the seed, the session's number, the rate, the start and the trader's commands
with the paper times at which they came; it never depends on how the steps between are cut.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

from venues.model import NANOSECONDS, Instrument, Order
from venues.paper.bars import CandleSeries, past_candles
from venues.paper.exchange import TRADER, PaperExchange
from venues.paper.feed import MOST_BEHIND, Feed
from venues.paper.flow import OrderFlow, check_rate
from venues.paper.instruments import Listing, instruments_of
from venues.paper.state import BrokenState, Kept, session_seed
from venues.rounding import nearest_to

DEPOSITS: Mapping[str, Decimal] = {"USDT": Decimal(100_000), "BTC": Decimal("0.5"), "ETH": Decimal(5)}
_WARM_UP = 400  # actions before the start, so that the tape is not empty when the first one looks
_LONGEST_WARM_UP = 2 * NANOSECONDS
_LOWEST_TICKS = 100  # of an opening price: a book must fit below it
_TRADED_SHARE = 0.05  # of a typical resting order, by message: what the flow trades in the mean


class Session:
    """The market from its opening on. `number` counts the openings of one account, from 1.

    Raises:
        BrokenState: `kept` holds an account that makes no sense.
        ValueError: the rate is out of its range.
    """

    def __init__(
        self,
        market: Sequence[Listing],
        *,
        seed: int,
        number: int,
        rate: float,
        start: int,
        kept: Kept | None = None,
        most_behind: int = MOST_BEHIND,
    ) -> None:
        check_rate(rate)
        self.seed = seed
        self.number = number
        start = max(start, kept.ts_saved) if kept else start
        opening = max(
            start - min(_LONGEST_WARM_UP, int(_WARM_UP / rate * NANOSECONDS)), kept.ts_saved if kept else 0
        )
        self.market = tuple(_priced(listing, kept.prices) for listing in market) if kept else tuple(market)
        instruments = instruments_of(self.market)
        self.exchange = _opened(tuple(instruments.values()), opening, kept)
        self.feed = Feed(self.exchange, instruments, most_behind)
        total = sum(listing.share for listing in self.market)
        for listing in self.market:
            instrument = listing.instrument
            past = past_candles(
                # A coin's spot pair and perpetual draw the same numbers: their pasts move together.
                random.Random(session_seed(seed, number, f"past:{listing.coin}")),
                int(listing.opening_price / instrument.tick_size),
                opening,
                listing.daily_volatility,
                rate * listing.share / total * listing.typical_lots * _TRADED_SHARE,
            )
            self.feed.add_candles(CandleSeries(instrument, past))
        self.flow = OrderFlow(self.exchange, self.market, session_seed(seed, number), rate, opening)
        self.flow.open_market()
        self.feed.publish(self.exchange.drain())
        while not self.step(start, _WARM_UP):
            pass
        self.feed.is_account_changed = False

    def step(self, until: int, most: int) -> bool:
        """Lets at most `most` actions happen, up to paper time `until`; says whether all that was due is done."""
        self.feed.publish(self.flow.run(until, most))
        return self.flow.next_at > until

    def pause(self, duration: int) -> None:
        """Moves the paper clock on by `duration` nanoseconds in which nobody trades; funding is still paid."""
        self.flow.pause(duration)
        self.exchange.advance(self.exchange.now + duration)
        self.feed.publish(self.exchange.drain())

    def keep(self, *, closing: bool = False) -> Kept:
        """Returns what the state file shall hold. `closing` cancels what rests, and records it."""
        exchange = self.exchange
        resting: tuple[Order, ...]
        if closing:
            resting = exchange.cancel_all(TRADER)
            self.feed.publish(exchange.drain())
        else:
            resting = exchange.open_orders(TRADER)
        prices = {
            listing.id.symbol: f"{exchange.last(listing.id) or listing.opening_price:f}" for listing in self.market
        }
        return Kept(
            seed=self.seed,
            session=self.number,
            ts_saved=exchange.now,
            is_clean=closing,
            account=exchange.to_state(),
            prices=prices,
            resting=resting,
        )


def _opened(instruments: Sequence[Instrument], start: int, kept: Kept | None) -> PaperExchange:
    if kept is None:
        return PaperExchange(instruments, start=start, deposits={TRADER: DEPOSITS})
    try:
        counters = [kept.account["number"], kept.account["trade_number"]]
        if not all(isinstance(counter, int) for counter in counters) or TRADER not in kept.account["owners"]:
            raise BrokenState("the account's counters or its owner are missing")
        return PaperExchange(instruments, start=start, deposits={}, state=kept.account)
    # What a file with the right outline and the wrong inside can cause while it is read, and nothing else.
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, msgspec.ValidationError) as error:
        raise BrokenState(f"the account in it can not be read: {error}") from error


def _priced(listing: Listing, prices: Mapping[str, str]) -> Listing:
    """Returns the listing opening at the price it was left at."""
    text = prices.get(listing.id.symbol)
    if text is None:
        return listing
    tick = listing.instrument.tick_size
    try:
        price = max(_LOWEST_TICKS * tick, nearest_to(Decimal(text), tick))
    except ArithmeticError as error:
        raise BrokenState(f"{text!r} is no price of {listing.id.symbol}") from error
    return msgspec.structs.replace(listing, opening_price=price)
