"""Margin wallets as last heard of, and how near each is to its liquidation: told once at each crossing of a level.

The levels are the desk's own where a venue names none. One that was crossed is left again only 2 % above it, so
that a ratio that trembles around it is told once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from enum import IntEnum

import msgspec

from tui.desk.facts import figure
from tui.desk.frame import Fact, FactKind, FundsView, MarginView, Severity
from tui.desk.inert import is_symbol
from venues.margin import MarginAccount
from venues.rounding import floor_to

_BACK = Decimal("1.02")  # of a level, at which it is left again
_STEP = Decimal("0.0001")
_LARGE = Decimal(1_000)  # a ratio of so much says no more than that next to nothing is owed


class MarginLevels(msgspec.Struct, frozen=True, kw_only=True):
    """The ratios of assets to debts below which a wallet is warned about."""

    warn_below: Decimal = Decimal("1.5")
    alarm_below: Decimal = Decimal("1.25")


class _Standing(IntEnum):
    CALM = 0
    WARNED = 1
    ALARMED = 2


class _Known:
    """One wallet. `ts_recv` is the engine's clock; `ts_stream` the venue's time of the newest that it pushed."""

    def __init__(self) -> None:
        self.wallet: MarginAccount | None = None
        self.ts_recv = 0
        self.ts_stream = 0
        self.standing = _Standing.CALM


class MarginWallets:
    """All margin wallets of a desk. `clock` is nanoseconds UTC; `name_of` gives a venue's word for its wallet."""

    def __init__(
        self, clock: Callable[[], int], tell: Callable[[Fact], None], name_of: Callable[[str], str]
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._name_of = name_of
        self._known: dict[str, _Known] = {}
        self._absent: set[str] = set()  # venues that said that the account has no wallet there
        self.levels = MarginLevels()

    def get(self, venue: str) -> MarginAccount | None:
        """Returns a venue's wallet; None while it is not known."""
        known = self._known.get(venue)
        return known.wallet if known is not None else None

    def __iter__(self) -> Iterator[MarginAccount]:
        return iter([known.wallet for known in self._known.values() if known.wallet is not None])

    def take(self, wallet: MarginAccount) -> None:
        """Takes what a stream told, unless it is older than what it told before."""
        known = self._known.setdefault(wallet.venue, _Known())
        if wallet.ts_event and wallet.ts_event < known.ts_stream:
            return
        known.ts_stream = wallet.ts_event
        self._hold(known, wallet)

    def replace(self, wallet: MarginAccount, since: int) -> None:
        """Takes what the venue answered; what a stream told after `since`, on the engine's clock, is newer."""
        known = self._known.setdefault(wallet.venue, _Known())
        if known.ts_recv <= since or not known.ts_stream:
            self._hold(known, wallet)

    def forget(self, venue: str) -> None:
        """Drops the wallet of an account that can not be read any more."""
        self._known.pop(venue, None)
        self._absent.discard(venue)

    def note_absent(self, venue: str) -> None:
        """Takes a venue's word that the account has no wallet there."""
        self._known.pop(venue, None)
        self._absent.add(venue)

    def is_absent(self, venue: str) -> bool:
        """Whether the venue has said that the account has no wallet there."""
        return venue in self._absent

    def views(
        self, account_of: Callable[[str], str], funds_of: Callable[[str], tuple[FundsView, ...]]
    ) -> tuple[MarginView, ...]:
        """Returns every wallet that is known, with what was asked of it."""
        return tuple(
            MarginView(
                venue=venue,
                account=account_of(venue),
                name=self._name_of(venue),
                wallet=known.wallet,
                ts_recv=known.ts_recv,
                warn_below=self.levels.warn_below,
                alarm_below=self.levels.alarm_below,
                funds=funds_of(venue),
            )
            for venue, known in self._known.items()
            if known.wallet is not None
        )

    def _hold(self, known: _Known, wallet: MarginAccount) -> None:
        known.wallet = wallet = _inert(wallet)
        self._absent.discard(wallet.venue)
        known.ts_recv = self._clock()
        before, known.standing = known.standing, self._standing(wallet, known.standing)
        if known.standing is not before:
            self._say(wallet, before, known.standing)

    def _standing(self, wallet: MarginAccount, before: _Standing) -> _Standing:
        if not wallet.has_debt:
            return _Standing.CALM
        if wallet.ratio is None:  # not told yet, which says nothing
            return before
        leave_alarm = self.levels.alarm_below * (_BACK if before is _Standing.ALARMED else 1)
        leave_warning = self.levels.warn_below * (_BACK if before is not _Standing.CALM else 1)
        if wallet.ratio < leave_alarm:
            return _Standing.ALARMED
        return _Standing.WARNED if wallet.ratio < leave_warning else _Standing.CALM

    def _say(self, wallet: MarginAccount, before: _Standing, now: _Standing) -> None:
        levels, venue = self.levels, wallet.venue
        name = f"{venue} {self._name_of(venue)}"
        ratio = _ratio_words(wallet.ratio)
        own = f"a level of this desk's own, {venue} names none"
        severity = Severity.WARNING
        if now is _Standing.CALM:
            severity = Severity.GOOD
            words = (
                f"AD ratio {ratio} is back above {figure(levels.warn_below)}" if ratio else "nothing is owed now"
            )
        elif now is _Standing.ALARMED:
            severity = Severity.ALARM
            words = f"AD ratio {ratio} is BELOW {figure(levels.alarm_below)} ({own}): pay back, or transfer in"
        elif before is _Standing.ALARMED:
            words = (
                f"AD ratio {ratio} is back above {figure(levels.alarm_below)}, "
                f"and still below {figure(levels.warn_below)} ({own})"
            )
        else:
            words = f"AD ratio {ratio} is below {figure(levels.warn_below)} ({own})"
        self._tell(Fact(ts=self._clock(), kind=FactKind.NOTICE, severity=severity, text=f"{name}: {words}"))


def _ratio_words(ratio: Decimal | None) -> str:
    """Writes a ratio rounded down, so that one below a level never reads like the level."""
    if ratio is None:
        return ""
    return figure(floor_to(ratio, _STEP)) if ratio < _LARGE else f"over {_LARGE:f}"


def _inert(wallet: MarginAccount) -> MarginAccount:
    """Returns `wallet` without what no currency can be called, and without a ratio that is no number."""
    assets = tuple(asset for asset in wallet.assets if is_symbol(asset.currency.upper()))
    ratio = wallet.ratio if wallet.ratio is not None and wallet.ratio.is_finite() else None
    currency = wallet.currency if is_symbol(wallet.currency.upper()) else ""
    return msgspec.structs.replace(wallet, assets=assets, ratio=ratio, currency=currency)
