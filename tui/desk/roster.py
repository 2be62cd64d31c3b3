"""The venues of one desk: which are open, and which may be opened beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from tui.desk.authentication import unproven_words
from tui.desk.clientid import ClientOrderIds, Random
from tui.desk.frame import Severity, VenueView
from tui.desk.link import Link
from tui.desk.store import Store
from venues.port import KeepsBooks, Mode, Venue

_RANK = (Mode.LIVE, Mode.PRACTICE, Mode.PAPER, Mode.REPLAY, Mode.READ_ONLY)


def mode_of(modes: Iterable[Mode]) -> Mode:
    """Returns the mode of a desk whose venues have these: the one in which most is at stake."""
    found = set(modes)
    return next((mode for mode in _RANK if mode in found), Mode.READ_ONLY)


def mixture(modes: Iterable[Mode]) -> str:
    """Returns why venues of these modes can not be on one desk; empty where they can.

    The mode's word stands over every order, so it has to be true of every order. A venue on which nothing can be
    ordered joins any other.
    """
    found = sorted(set(modes) - {Mode.READ_ONLY}, key=_RANK.index)
    if len(found) < 2:
        return ""
    return f"{' and '.join(found)} can not be on one desk: which of them an order is for could be mistaken"


def refusal(venue: str, mode: Mode, modes: Iterable[Mode]) -> str:
    """Returns why a venue that would open in `mode` can not join a desk of `modes`; empty where it can."""
    found = set(modes)
    if why := mixture({*found, mode}):
        return why
    if mode is not Mode.READ_ONLY and mode not in found:
        return f"this desk is {mode_of(found)}; {mode} needs one of its own: pitside --venue {venue}"
    return ""


class Roster:
    """Makes the link of each venue of one desk. `clock` returns nanoseconds UTC."""

    def __init__(self, store: Store, account: str, clock: Callable[[], int], random: Random) -> None:
        self.links: dict[str, Link] = {}
        self._store = store
        self._account = account
        self._clock = clock
        self._random = random

    @property
    def modes(self) -> set[Mode]:
        """The modes of the venues that are open."""
        return {link.venue.capabilities.mode for link in self.links.values()}

    def add(self, venue: Venue, *, only_watches: bool = False) -> Link:
        """Puts a venue on the desk, not opened yet."""
        link = Link(venue, self._account, self._ids_of(venue))
        if only_watches and venue.capabilities.mode is Mode.PAPER:
            # The embedded exchange of this process has another account than the one that is traded on.
            link.has_account = False
        self.links[venue.name] = link
        if link.has_account:
            self._store.ledger.basis.expect(venue.name)
        self._show(link)
        self._warn(venue)
        return link

    def _warn(self, venue: Venue) -> None:
        """Says what about a venue rests on an inference: all of it where orders are real, and its number else."""
        found = venue.capabilities.unverified
        self._warn_unproven(venue)
        if venue.capabilities.mode is Mode.LIVE:
            for one in found:
                self._store.log(f"{venue.name}: unverified: {one}", Severity.WARNING)
        elif venue.capabilities.mode is Mode.PRACTICE and found:
            count = "1 assumption" if len(found) == 1 else f"{len(found)} assumptions"
            self._store.log(
                f"{venue.name}: {count} about the real venue are unverified: pitside venues lists them"
            )

    def _warn_unproven(self, venue: Venue) -> None:
        words = unproven_words(venue.name, venue.capabilities)
        if words and venue.capabilities.mode is Mode.LIVE:
            self._store.log(f"{venue.name}: {words}", Severity.WARNING)

    def exchange(self, link: Link, venue: Venue) -> None:
        """Puts another `venue` of the same name in the place of the one that is open."""
        self._warn_unproven(venue)
        link.adopt(venue, self._ids_of(venue))
        self._show(link)

    def _ids_of(self, venue: Venue) -> ClientOrderIds:
        return ClientOrderIds(venue.capabilities.mode, venue.capabilities, self._clock, self._random)

    def _show(self, link: Link) -> None:
        venue, can = link.venue, link.venue.capabilities
        if isinstance(venue, KeepsBooks):
            self._store.share_books(venue.name, venue.book)
        view = VenueView(
            venue=link.name, account=self._account, mode=can.mode, capabilities=can, is_reconciling=True
        )
        if can.mode is Mode.READ_ONLY and can.reads_account:
            view = msgspec.structs.replace(view, fault=f"the key for {link.name} {self._account} may only read")
        self._store.set_venue(view)

    def refusal(self, venue: Venue) -> str:
        """Returns why a venue can not join those that are open; empty where it can."""
        if venue.name in self.links:
            return f"{venue.name} is open already"
        return refusal(venue.name, venue.capabilities.mode, self.modes)
