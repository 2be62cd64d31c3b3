"""What Mayex lists: contracts by the product list where there is one, else by a table; spot pairs, to look at.

The document has no product list. Of two contracts its samples tell a tick and a step, which the table has, coarse
enough to be whole ones of any finer; what a person states in the configuration adds to both, and goes first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import msgspec

from venues.errors import DecodeError, TransientError, VenueError
from venues.events import Event, Notice
from venues.mayex import VENUE
from venues.mayex.client import Client
from venues.mayex.figures import instrument_id, pair_of, positive_or_none, spot_id
from venues.mayex.models import Pair, Product
from venues.mayex.settings import Settings, TableRow
from venues.model import ZERO, Instrument, InstrumentId, InstrumentKind
from venues.transport.listing import InstrumentList

logger = logging.getLogger(__name__)

_FEE = Decimal("0.00035")  # of the document's only execution, a taker's; what a maker pays is taken for no less
TABLE: Mapping[str, TableRow] = {
    symbol: TableRow(
        base=base, quote="USDT", tick=Decimal(tick), step=Decimal(step), maker_fee=_FEE, taker_fee=_FEE
    )
    for symbol, base, tick, step in (("btcusdt", "BTC", "0.5", "0.001"), ("ethusdt", "ETH", "0.05", "0.01"))
}
"""The contracts of the document's samples: prices such as 42745.5 and 3013.71, quantities of 0.001 and 0.12."""

_FINEST = Decimal("0.00000001")  # where nobody tells: shown in full, whatever the price
_STATED = "tick and step as the configuration states them"
_LEVERAGE = Decimal(100)  # the most that the platform allows, where nobody tells


class Listing(InstrumentList):
    """The venue's contracts, then its spot pairs. `emit` gets the word that the list of contracts is a table."""

    def __init__(
        self,
        client: Client,
        settings: Settings,
        *,
        emit: Callable[[Sequence[Event]], None] = lambda _: None,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(VENUE, self._read, time_scale=settings.time_scale, monotonic=monotonic)
        self.emit = emit
        self._client = client
        self._settings = settings
        self._wall = wall
        self._is_told = False
        self._pairs: Sequence[Pair] = ()

    async def _read(self) -> dict[InstrumentId, Instrument]:
        stated = {symbol.lower(): row for symbol, row in self._settings.instruments.items()}
        products = await self._products()
        contracts: dict[str, Instrument | None] = {}
        if not products:
            contracts = {symbol: from_table(symbol, row) for symbol, row in TABLE.items()}
        for product in products:
            symbol = product.symbol.lower()
            contracts[symbol] = parse_product(product, stated.get(symbol) or TABLE.get(symbol))
        for symbol, row in stated.items():
            contracts[symbol] = with_row(contracts.get(symbol) or from_table(symbol, row), row, _STATED)
        found = [self._completed(one) for one in contracts.values() if one is not None]
        if self._settings.spot_address:
            found += [parse_pair(pair) for pair in await self._spot_pairs()]
        return {instrument.id: instrument for instrument in found}

    async def _products(self) -> Sequence[Product]:
        """Returns the product list, empty where there is none. Raises TransientError."""
        if not self._settings.facts.product_path:
            return ()
        try:
            products = await self._client.products()
        except TransientError:
            raise
        except VenueError as error:
            self._fall_back(error.message)
            return ()
        if not products:
            self._fall_back("it is empty")
        return products

    async def _spot_pairs(self) -> Sequence[Pair]:
        """Returns the spot pairs, those that were read last where they can not be read now."""
        try:
            self._pairs = await self._client.pairs()
        except VenueError as error:
            logger.warning("%s: the spot pairs can not be read: %s", VENUE, error.message)
        return self._pairs

    def _completed(self, instrument: Instrument) -> Instrument:
        """Adds what is assumed of every contract of which it is not told."""
        changes: dict[str, Decimal] = {}
        if not instrument.maintenance_margin:
            changes["maintenance_margin"] = self._settings.maintenance_margin
        return msgspec.structs.replace(instrument, **changes)

    def _fall_back(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            text = f"there is no list of contracts, a table of our own counts: {why}"
            logger.warning("%s: %s", VENUE, text)
            self.emit((Notice(VENUE, text, ts_event=self._wall()),))


def parse_product(product: Product, row: TableRow | None) -> Instrument | None:
    """Returns a contract, with what a table has of it where the list has nothing; None for one that is not linear.

    Raises:
        DecodeError: a figure makes no sense.
    """
    symbol = product.symbol.lower()
    base, quote = _pair(symbol, product.base_currency, product.quote_currency)
    settle = (product.settle_currency or quote).upper()
    if settle != quote:
        return None
    row = row or TableRow()
    tick, step = positive_or_none(product.tick_size), positive_or_none(product.step_size)
    instrument = _contract(
        symbol,
        base,
        quote,
        tick=tick or row.tick,
        step=step or row.step,
        note="" if tick and step else _table_note(TableRow(tick=tick or row.tick, step=step or row.step)),
    )
    minimum, maximum = positive_or_none(product.min_order_qty), positive_or_none(product.max_order_qty)
    maker = next((rate for rate in (product.maker_fee_rate, row.maker_fee) if rate is not None), ZERO)
    taker = next((rate for rate in (product.taker_fee_rate, row.taker_fee) if rate is not None), ZERO)
    return msgspec.structs.replace(
        instrument,
        min_quantity=minimum or instrument.lot_size,
        max_quantity=maximum,
        maker_fee=maker,
        taker_fee=max(maker, taker),
        max_leverage=positive_or_none(product.max_leverage) or _LEVERAGE,
        maintenance_margin=positive_or_none(product.maintain_margin_rate) or ZERO,
        band_up=positive_or_none(product.limit_price_diff_rate),
        band_down=positive_or_none(product.limit_price_diff_rate),
    )


def from_table(symbol: str, row: TableRow) -> Instrument:
    """Returns a contract of which nothing but a row is known. Raises DecodeError: its currencies are not named."""
    base, quote = _pair(symbol, row.base, row.quote)
    instrument = _contract(symbol, base, quote, tick=row.tick, step=row.step, note=_table_note(row))
    return with_row(instrument, row, instrument.note)


def with_row(instrument: Instrument, row: TableRow, note: str) -> Instrument:
    """Returns a contract with what a row states of it; `note` says whose word tick and step are."""
    changes: dict[str, Decimal | str | None] = {
        "tick_size": row.tick,
        "lot_size": row.step,
        "min_quantity": row.minimum,
        "max_quantity": row.maximum,
        "maker_fee": row.maker_fee,
        "taker_fee": row.taker_fee,
        "max_leverage": row.maximum_leverage,
        "maintenance_margin": row.maintenance_margin,
        "note": note if instrument.is_tradable and (row.tick or row.step) else None,
    }
    return msgspec.structs.replace(
        instrument, **{name: value for name, value in changes.items() if value is not None}
    )


def parse_pair(pair: Pair) -> Instrument:
    """Returns a spot pair, which can only be watched: the document has no orders of it. Raises DecodeError."""
    symbol = pair.symbol.lower()
    base, quote = _pair(symbol, pair.base, pair.quote)
    tick, step = positive_or_none(pair.tick_size), positive_or_none(pair.step_size)
    note = "market data only" if tick else "market data only; tick from prices"
    return Instrument(
        id=spot_id(symbol),
        name=f"{base}/{quote}",
        kind=InstrumentKind.SPOT,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=tick or _step_of(pair.last_price),
        lot_size=step or _FINEST,
        min_quantity=positive_or_none(pair.min_order_qty) or ZERO,
        is_tradable=False,
        note=note,
    )


def _contract(
    symbol: str, base: str, quote: str, *, tick: Decimal | None, step: Decimal | None, note: str
) -> Instrument:
    return Instrument(
        id=instrument_id(symbol),
        name=f"{base}/{quote} perp",
        kind=InstrumentKind.LINEAR_PERPETUAL,
        base=base,
        quote=quote,
        settle=quote,
        tick_size=tick or _FINEST,
        lot_size=step or _FINEST,
        min_quantity=step or ZERO,
        max_leverage=_LEVERAGE,
        is_tradable=bool(tick and step),
        note=note,
    )


def _table_note(row: TableRow) -> str:
    if row.tick and row.step:
        return "tick and step from a table, not from the venue"
    return "no tick and step are known: state them in the configuration"


def _pair(symbol: str, base: str | None, quote: str | None) -> tuple[str, str]:
    """Returns base and quote, by the symbol where they are not named. Raises DecodeError."""
    if base and quote:
        return base.upper(), quote.upper()
    found = pair_of(symbol)
    if found is None:
        raise DecodeError(VENUE, "a symbol whose currencies nobody names")
    return found


def _step_of(price: Decimal | None) -> Decimal:
    """Returns the last place of a price."""
    exponent = price.as_tuple().exponent if price is not None else None
    return Decimal(1).scaleb(exponent) if isinstance(exponent, int) and -12 <= exponent <= 0 else _FINEST
