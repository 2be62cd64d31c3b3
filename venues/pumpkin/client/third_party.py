"""The formats of third parties; those of CoinMarketCap and CoinGecko come without an envelope.

Raises (all of them):
    BadRequest: it is not written as the venue writes it; nothing was sent.
    VenueError: what went wrong with the answer.
"""

from __future__ import annotations

from venues.pumpkin.client.calls import Calls
from venues.pumpkin.models import CgContract, CmcContract, ContractSpec, DefiContract, DefiFee, ThirdPartyDepth
from venues.pumpkin.parameters import MOST_LEVELS, limit_of, moment_of, ticker_of
from venues.transport.parameters import compact, given

_COMMON, _CMC, _CG = (f"/{who}/v2/perpetual" for who in ("common", "cmc", "cg"))


class ThirdPartyCalls(Calls):
    """Contracts are named as "BTC_USDT" here; a `timestamp` names a day by any of its milliseconds."""

    async def defi_contracts(self, timestamp: int) -> list[DefiContract]:
        """Section "DeFi Contract List"."""
        found = compact(timestamp=moment_of(timestamp))
        return await self._ask("list contracts", f"{_COMMON}/contracts", list[DefiContract], found)

    async def defi_fee(self, timestamp: int) -> DefiFee:
        """Section "DeFi Trading Fees"."""
        return await self._ask("read fees", f"{_COMMON}/fee", DefiFee, compact(timestamp=moment_of(timestamp)))

    async def cmc_contracts(self) -> list[CmcContract]:
        """Section "CMC Contract List"."""
        return await self._ask_bare("list contracts", f"{_CMC}/contracts", list[CmcContract])

    async def cmc_contract_specs(self, ticker_id: str) -> ContractSpec:
        """Section "CMC Contract Specifications"."""
        found = compact(symbol=ticker_of(ticker_id))
        return await self._ask_bare("read contract", f"{_CMC}/contract_specs", ContractSpec, found)

    async def cmc_depth(self, ticker_id: str) -> ThirdPartyDepth:
        """Section "CMC Depth"."""
        found = compact(symbol=ticker_of(ticker_id))
        return await self._ask_bare("read order book", f"{_CMC}/depth", ThirdPartyDepth, found)

    async def cg_contracts(self) -> list[CgContract]:
        """Section "CG Contract List"."""
        return await self._ask_bare("list contracts", f"{_CG}/contracts", list[CgContract])

    async def cg_contract_specs(self, ticker_id: str) -> ContractSpec:
        """Section "CG Contract Specifications"."""
        found = compact(ticker_id=ticker_of(ticker_id))
        return await self._ask_bare("read contract", f"{_CG}/contract_specs", ContractSpec, found)

    async def cg_depth(self, ticker_id: str, *, depth: int | None = None) -> ThirdPartyDepth:
        """Returns 50 levels of each side unless it is told (section "CG Depth")."""
        found = compact(ticker_id=ticker_of(ticker_id), depth=given(depth, limit_of, MOST_LEVELS))
        return await self._ask_bare("read order book", f"{_CG}/depth", ThirdPartyDepth, found)
