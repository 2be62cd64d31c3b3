"""Whether each venue can be reached: its addresses one by one, then as an adapter does it, within 5 s in all."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from tui.config import Config
from tui.desk.authentication import refusal_words, unproven_words
from tui.desk.key_entries import KeyEntry
from tui.doctor.clock import check_offset
from tui.doctor.findings import Finding, Severity, Topic, note, ok, warning
from tui.doctor.reach import Address, Heard, Resolve, Unreachable, address_of, reach
from tui.keyed_settings import account_settings
from venues.errors import (
    AuthenticationError,
    ConfigurationError,
    MissingCredentials,
    ProtocolError,
    RateLimited,
    VenueError,
)
from venues.events import LinkState, StreamStatus
from venues.port import Venue
from venues.registry import create_venue, key_parts, venue_names
from venues.simulators.registry import check_server, simulator_names

LOOKING = 4.0  # seconds for a venue, but for closing what was opened
REACHING = 3.0  # of these for its addresses: the adapter gets at least the rest
STEP = 2.0  # and of those for each step
CLOSING = 0.9  # seconds
_NARROW = 300_000_000  # nanoseconds: a clock that is known so closely can be judged
_SLOW = 1.0  # seconds of a round trip
_LOOK = 0.02  # seconds
_ADDRESSES = (("rest_url", True), ("ws_url", False), ("user_ws_url", False), ("spot_ws_url", False))
_POLLED = "polling"  # how an adapter's words on its link begin where no stream tells, but reads do


class Patient(NamedTuple):
    """A venue that is to be looked at. `severity` is that of its not being reached; `key` has been read before."""

    name: str
    settings: Mapping[str, Any]
    severity: Severity
    proxy: str = ""
    key: KeyEntry | None = None


def real_venues() -> list[str]:
    """Returns the venues that are somewhere else than in this program."""
    return [name for name in venue_names() if key_parts(name)]


def patients_of(
    configured: Sequence[str],
    asked: Sequence[str],
    account: str,
    config: Config,
    keys: Mapping[str, KeyEntry],
) -> list[Patient]:
    """Returns whom to look at: what the desk is configured to open, what was asked for, else every real venue."""
    severities = dict.fromkeys((name for name in asked if name in real_venues()), Severity.WARNING)
    severities |= dict.fromkeys((name for name in configured if name in real_venues()), Severity.FAULT)
    severities = severities or dict.fromkeys(real_venues(), Severity.NOTE)
    return [
        Patient(
            name,
            account_settings(name, account, config, keys.get(name)),
            severity,
            config.network.proxy,
            keys.get(name),
        )
        for name, severity in severities.items()
    ]


async def check_venues(patients: Sequence[Patient]) -> list[Finding]:
    """Looks at all of them at once."""
    found = await asyncio.gather(*(check_venue(patient) for patient in patients))
    return [each for findings in found for each in findings]


def check_practice() -> list[Finding]:
    """Says whether a practice exchange could be started."""
    for name in simulator_names():
        try:
            check_server(name)
        except ConfigurationError as error:
            words, _, remedy = error.message.partition(": ")
            return [note(Topic.VENUES, words, remedy)]
    return [ok(Topic.VENUES, f"practice exchanges can be started: {', '.join(simulator_names())}")]


async def check_venue(
    patient: Patient,
    *,
    tls: ssl.SSLContext | None = None,
    resolve: Resolve | None = None,
    wall: Callable[[], int] = time.time_ns,
) -> list[Finding]:
    """Looks at one venue, for 5 s at most. `tls` is whom to trust, for the addresses; `wall` nanoseconds UTC."""
    name = patient.name
    try:
        venue = create_venue(name, patient.settings)
    except MissingCredentials as error:
        return [note(Topic.VENUES, f"{name}: {error.message}", f"pitside keys add {name}")]
    except VenueError as error:
        return [Finding(Topic.VENUES, patient.severity, f"{name}: {error.message}", "correct it in config.toml")]
    deadline = asyncio.get_running_loop().time() + LOOKING
    try:
        heard = await _reach_all(addresses_of(venue), patient.proxy, tls, resolve, wall)
        return await _Examination(venue, patient, heard, wall).findings(deadline)
    except Unreachable as error:
        return [Finding(Topic.VENUES, patient.severity, f"{name}: {error.words}", error.remedy)]
    finally:
        with contextlib.suppress(VenueError, TimeoutError):
            async with asyncio.timeout(CLOSING):
                await venue.aclose()


def addresses_of(venue: Venue) -> list[tuple[Address, bool]]:
    """Returns where a venue is, each place once, and whether it can be asked something by HTTP."""
    settings = getattr(venue, "settings", None)
    found: dict[Address, bool] = {}
    for attribute, is_asked in _ADDRESSES:
        if url := getattr(settings, attribute, ""):
            found.setdefault(address_of(url), is_asked)
    return list(found.items())


async def _reach_all(
    addresses: Sequence[tuple[Address, bool]],
    proxy: str,
    tls: ssl.SSLContext | None,
    resolve: Resolve | None,
    wall: Callable[[], int],
) -> list[Heard]:
    """Raises Unreachable, of the first address that can not be reached."""
    steps = [
        reach(address, proxy=proxy, is_asked=is_asked, tls=tls, resolve=resolve, wall=wall, step=STEP)
        for address, is_asked in addresses
    ]
    try:
        async with asyncio.timeout(REACHING):
            outcomes = await asyncio.gather(*steps, return_exceptions=True)
    except TimeoutError:
        words = f"{addresses[0][0]}: each step was slow, and all together took more than {REACHING:g} s"
        raise Unreachable(words, "look at the line: a desk would lag as much") from None
    heard = []
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
        heard.append(outcome)
    return heard


class _Examination:
    """One venue that answers, asked as a desk asks it: for its instruments, its stream, its clock, its account."""

    def __init__(self, venue: Venue, patient: Patient, heard: Sequence[Heard], wall: Callable[[], int]) -> None:
        self._venue = venue
        self._patient = patient
        self._heard = heard
        self._wall = wall
        self._status: StreamStatus | None = None
        self._found: list[Finding] = []

    async def findings(self, deadline: float) -> list[Finding]:
        """Asks until the loop's clock shows `deadline` at most, and returns what was found."""
        beside = [asyncio.create_task(self._watch()), asyncio.create_task(self._connect())]
        try:
            if await self._read(deadline):
                await self._sign(deadline)
                await self._settle(deadline)
                self._judge_stream()
            self._judge_clock()
            self._judge_key()
            self._judge_readings()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        return self._found

    async def _watch(self) -> None:
        async for batch in self._venue.events():
            for event in batch:
                if isinstance(event, StreamStatus):
                    self._status = event

    async def _connect(self) -> None:
        with contextlib.suppress(VenueError):  # the stream's own words are in its status
            await self._venue.connect()

    async def _read(self, deadline: float) -> bool:
        began = time.monotonic()
        try:
            async with asyncio.timeout_at(deadline):
                instruments = await self._venue.fetch_instruments()
        except TimeoutError:
            self._fail("its list of instruments was not answered in time", "look at the line, and its status page")
            return False
        except VenueError as error:
            self._fail(f"reached, and not read: {error.message}", _remedy_for(error))
            return False
        took = time.monotonic() - began
        trips = [heard.round_trip for heard in self._heard if heard.round_trip is not None]
        places = ", ".join(str(heard.address) for heard in self._heard)
        trip = f", round trip {trips[0] * 1000:,.0f} ms" if trips else ""
        words = f"{self._patient.name}: reached at {places}{trip}; {len(instruments):,} instruments read in "
        words += f"{took * 1000:,.0f} ms"
        if trips and trips[0] > _SLOW:
            self._found.append(
                warning(Topic.VENUES, words, "orders take as long: a host nearer to the venue helps")
            )
        else:
            self._found.append(ok(Topic.VENUES, words))
        return True

    async def _sign(self, deadline: float) -> None:
        key = self._patient.key
        if key is None:
            return
        named = f"{self._patient.name}: the key of the account {key.name.account}"
        again = f"pitside keys test {self._patient.name} --account {key.name.account}"
        began = time.monotonic()
        try:
            async with asyncio.timeout_at(deadline):
                await self._venue.fetch_balances()
        except TimeoutError:
            self._found.append(warning(Topic.VENUES, f"{named} was not tried: no time was left", again))
        except AuthenticationError as error:
            severity = Severity.FAULT if self._patient.severity is Severity.FAULT else Severity.WARNING
            remedy = (
                again.replace(" test ", " add ") + "   with what the venue shows, and look what it may do there"
            )
            said = refusal_words(self._patient.name, self._venue.capabilities, error.message)
            self._found.append(Finding(Topic.VENUES, severity, f"{named} is refused: {said}", remedy))
        except VenueError as error:
            words = f"{named} was tried, and nothing is proven: {error.message}"
            self._found.append(warning(Topic.VENUES, words, again))
        else:
            took = (time.monotonic() - began) * 1000
            self._found.append(ok(Topic.VENUES, f"{named} is taken: a signed read in {took:,.0f} ms"))

    async def _settle(self, deadline: float) -> None:
        """Waits until the stream is live and the venue's clock is known closely, as far as there is time."""
        while asyncio.get_running_loop().time() < deadline:
            told = self._venue.venue_time()
            is_live = self._status is not None and self._status.state is LinkState.LIVE
            if is_live and told is not None and told.uncertainty <= _NARROW:
                return
            await asyncio.sleep(_LOOK)

    def _judge_stream(self) -> None:
        status = self._status
        if status is None:
            return
        if status.state in {LinkState.LIVE, LinkState.STALE}:
            if status.detail.startswith(_POLLED):
                words = f"{self._patient.name}: its stream is not open, and is made up for: {status.detail}"
                self._found.append(note(Topic.VENUES, words, "prices are up to a second older so"))
                return
            self._found.append(ok(Topic.VENUES, f"{self._patient.name}: its stream is open"))
            return
        why = f"{status.state.value}: {status.detail}" if status.detail else status.state.value
        remedy = "prices and orders come by it: does a proxy or a firewall let WebSockets through?"
        self._fail(f"its stream is not open ({why})", remedy)

    def _judge_clock(self) -> None:
        told = self._venue.venue_time()
        if told is not None:
            self._found += check_offset(self._patient.name, told.now - self._wall(), told.uncertainty)
            return
        for heard in self._heard:
            if heard.offset is not None:
                self._found += check_offset(str(heard.address), heard.offset, heard.uncertainty)
                return

    def _judge_key(self) -> None:
        key = self._patient.key
        if key is None:
            return
        named = f"{self._patient.name}: the key of the account {key.name.account}"
        if key.permissions.withdraw:
            words = f"{named} may withdraw: whoever gets hold of it can take what you have there"
            remedy = f"make one at the venue that only trades, then  pitside keys add {self._patient.name}"
            self._found.append(warning(Topic.VENUES, words, remedy))
        if not key.may_trade:
            self._found.append(note(Topic.VENUES, f"{named} may only read: the venue is READ-ONLY with it"))

    def _judge_readings(self) -> None:
        can = self._venue.capabilities
        if self._patient.key is None and (words := unproven_words(self._patient.name, can)):
            self._found.append(note(Topic.VENUES, f"{self._patient.name}: {words}", "a key's test proves it"))
        if count := len(self._venue.capabilities.unverified):
            words = f"{self._patient.name}: {count} of its adapter's readings are inferred, and unverified"
            self._found.append(note(Topic.VENUES, words, "pitside venues  tells them"))

    def _fail(self, words: str, remedy: str) -> None:
        self._found.append(Finding(Topic.VENUES, self._patient.severity, f"{self._patient.name}: {words}", remedy))


def _remedy_for(error: VenueError) -> str:
    match error:
        case RateLimited():
            return "the venue has told this address to wait: try again later, and not often"
        case ProtocolError():
            return "something else than the venue answers (a portal, a proxy), or the venue has changed"
        case _:
            return "try again; if it stays, look at the venue's status page"
