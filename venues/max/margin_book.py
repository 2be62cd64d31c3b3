"""What the M-wallet holds, owes and may owe, put together from reads and from what the stream tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

import msgspec

from venues.margin import MarginAccount, MarginAsset
from venues.max import VENUE
from venues.max.figures import amount, at_least_zero
from venues.max.models import Account, MWalletADRatio
from venues.max.wire import WireBalance, WireDebt, WireRatio
from venues.model import ZERO

WORTH_IN = "USDT"
_BALANCE, _DEBT, _RATIO = "balance", "debt", "ratio"


class Worth(msgspec.Struct, frozen=True):
    """The wallet by the venue's index prices, in USDT, and its AD ratio; None for what was not told."""

    ratio: Decimal | None = None
    assets: Decimal | None = None
    debts: Decimal | None = None


class MarginBook:
    """The state of one M-wallet.

    Nothing that the venue tells of it is numbered. Of the stream's messages what is older than was told is passed
    over; a read that was under way while the stream told something does not undo that, and `mark` is what to take
    before such a read. Every `time` is that of a message, in milliseconds.
    """

    def __init__(self) -> None:
        self._assets: dict[str, MarginAsset] = {}
        self._worth = Worth()
        self._told = 0  # pushes so far
        self._told_of: dict[tuple[str, str], int] = {}  # (what, currency) -> the number of the newest push
        self._times: dict[tuple[str, str], int] = {}  # and the time of it

    @property
    def assets(self) -> tuple[MarginAsset, ...]:
        return tuple(self._assets.values())

    @property
    def has_debt(self) -> bool:
        return any(asset.debt for asset in self._assets.values())

    @property
    def ratio(self) -> Decimal | None:
        """Assets over debts; None without a debt, or while it is not told of the debt that there is."""
        worth = self._worth
        is_old = worth.debts is not None and not worth.debts
        if not self.has_debt or is_old:
            return None
        # Zero is the worst there is where a debt is told beside it; alone it is a ratio that is not there.
        return worth.ratio if worth.ratio or worth.debts else None

    def debt(self, currency: str) -> Decimal:
        """Returns what is owed of a currency ("BTC"), as far as it is known."""
        asset = self._assets.get(currency)
        return asset.debt if asset is not None else ZERO

    def begin(self) -> None:
        """Is told of a new connection: its server may have a clock of its own."""
        self._times.clear()

    def mark(self) -> int:
        """Returns where the stream stands: what it tells from here on is newer than a read that begins now."""
        return self._told

    def take_accounts(self, rows: Iterable[Account], mark: int) -> None:
        """Takes a read of the whole wallet. Raises DecodeError."""
        read = {row.currency.upper(): row for row in rows}
        found: dict[str, MarginAsset] = {}
        for currency in dict.fromkeys([*read, *self._assets]):
            row, known = read.get(currency), self._assets.get(currency, MarginAsset(currency=currency))
            held = (row.balance, row.locked) if row is not None else (ZERO, ZERO)
            owed = (row.principal or ZERO, row.interest or ZERO) if row is not None else (ZERO, ZERO)
            if self._is_newer(_BALANCE, currency, mark):
                held = known.available, known.locked
            if self._is_newer(_DEBT, currency, mark):
                owed = known.principal, known.interest
            asset = MarginAsset(
                currency=currency,
                available=at_least_zero(held[0]),
                locked=at_least_zero(held[1]),
                principal=at_least_zero(owed[0]),
                interest=at_least_zero(owed[1]),
            )
            if row is not None or asset.net or asset.debt:
                found[currency] = asset
        self._assets = found

    def take_read_ratio(self, told: MWalletADRatio | None, mark: int) -> None:
        """Takes a read of the AD ratio, None where the venue has none."""
        if not self._is_newer(_RATIO, "", mark):
            worth = told or MWalletADRatio()
            self._worth = Worth(worth.ad_ratio, worth.asset_in_usdt, worth.debt_in_usdt)

    def take_balances(self, rows: Iterable[WireBalance], time: int) -> None:
        """Takes what the stream tells of balances. Raises DecodeError."""
        changes = {row.cu.upper(): {"available": amount(row.av), "locked": amount(row.locked)} for row in rows}
        self._change(_BALANCE, changes, time)

    def take_debts(self, rows: Iterable[WireDebt], time: int) -> None:
        """Takes what the stream tells of loans. Raises DecodeError."""
        changes = {row.cu.upper(): {"principal": amount(row.dbp), "interest": amount(row.dbi)} for row in rows}
        self._change(_DEBT, changes, time)

    def take_ratio(self, told: WireRatio, time: int) -> None:
        """Takes what the stream tells of the AD ratio. Raises DecodeError."""
        assets = None if told.assets is None else amount(told.assets)
        debts = None if told.db is None else amount(told.db)
        worth = Worth(None if told.ad is None else amount(told.ad), assets, debts)
        if self._note(_RATIO, "", time):
            self._worth = worth

    def account(
        self, complete: Callable[[MarginAsset], MarginAsset], lent: Iterable[str], at: int
    ) -> MarginAccount:
        """Returns the wallet: a row of each currency in it, and of each that is `lent`; `at` is in nanoseconds."""
        whole = [asset for asset in self._assets.values() if asset.available or asset.locked or asset.debt]
        held = {asset.currency for asset in whole}
        whole += [MarginAsset(currency=currency) for currency in lent if currency not in held]
        return MarginAccount(
            venue=VENUE,
            assets=tuple(complete(asset) for asset in sorted(whole, key=lambda asset: asset.currency)),
            ratio=self.ratio,
            total_assets=self._worth.assets,
            total_debts=self._worth.debts,
            currency=WORTH_IN,
            ts_event=at,
        )

    def _change(self, what: str, changes: Mapping[str, Mapping[str, Decimal]], time: int) -> None:
        for currency, change in changes.items():
            if self._note(what, currency, time):
                before = self._assets.get(currency) or MarginAsset(currency=currency)
                self._assets[currency] = msgspec.structs.replace(before, **change)

    def _note(self, what: str, currency: str, time: int) -> bool:
        """Notes that the stream has told of something; False where it told of a later moment before."""
        key = what, currency
        if time < self._times.get(key, 0):
            return False
        self._told += 1
        self._told_of[key], self._times[key] = self._told, time
        return True

    def _is_newer(self, what: str, currency: str, mark: int) -> bool:
        return self._told_of.get((what, currency), 0) > mark
