"""What the control API shows of positions and their money, whatever the venue calls them."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from venues.simulators.figures import amount, cut, plain
from venues.simulators.perpetuals.positions import HeldPosition
from venues.simulators.perpetuals.wallet import Purse

if TYPE_CHECKING:
    from venues.simulators.perpetuals.venue import PerpetualVenue


def money_state(venue: PerpetualVenue, available: Callable[[Purse], Decimal]) -> dict[str, Any]:
    """Returns balances, positions, bills and margin moves.

    `available` adds up what is available as a client does, from figures that are told; the rest is frozen.
    """
    purses = {}
    for purse in venue.wallet.purses():
        free = available(purse)
        purses[purse.coin] = {"available": plain(free), "frozen": plain(cut(purse.wallet) - free)}
    return {
        "balances": purses,
        "accounts": {"0": purses},
        "positions": [position_state(venue, one) for one in venue.book.of()],
        "bills": [
            {
                "id": str(bill.id),
                "kind": bill.kind,
                "symbol": bill.symbol,
                "currency": bill.coin,
                "amount": f"{bill.amount:f}",
                "ts_ns": bill.ts_event,
            }
            for bill in venue.wallet.bills
        ],
        "margin_moves": [
            {"position_id": str(move.position_id), "amount": f"{move.amount:f}"} for move in venue.positions.moved
        ],
    }


def position_state(venue: PerpetualVenue, one: HeldPosition) -> dict[str, Any]:
    """Returns a position with what the venue never tells of it: its mark, and where it is liquidated."""
    instrument = venue.market.instruments[one.symbol]
    mark = venue.mark(one.symbol)
    price = venue.wallet.liquidation_price(one, instrument.tick_size)
    return {
        "id": str(one.id),
        "symbol": one.symbol,
        "side": one.side.value,
        "type": one.margin_type.value,
        "leverage": one.leverage,
        "contracts": one.size,
        "quantity": f"{one.quantity:f}",
        "entry_price": f"{round(one.entry_price, 8):f}",
        "margin": amount(one.margin),
        "mark": f"{mark:f}",
        "pnl": amount(one.pnl(mark)),
        "realized": amount(one.realized),
        "fees": amount(one.fees),
        "liquidation_price": None if price is None else f"{price:f}",
    }
