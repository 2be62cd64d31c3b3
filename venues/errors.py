"""What can go wrong at a venue.

    VenueError(venue, message, code)
    |- ConfigurationError: MissingCredentials, UnknownVenue, NotSupported
    |- AuthenticationError: PermissionDenied, ClockSkew
    |- RequestError: UnknownInstrument, BadRequest
    |- OrderError: OrderRejected, InsufficientFunds, OrderNotFound, DuplicateClientOrderId
    |- TransientError: RateLimited(retry_after), VenueUnavailable, ConnectionLost, RequestTimeout
    |- NotSent          provably never left this machine
    |- OutcomeUnknown   sent, and nobody has said what became of it; never retried by itself
    `- ProtocolError: DecodeError, SequenceGap, ChecksumMismatch

The commands of the port (submit, amend, cancel) raise `OrderRejected` or one of its kin below `OrderError`,
`NotSent` or `OutcomeUnknown`, and nothing else. `OrderError` is raised only on a code of the venue that proves
the refusal.
"""

from __future__ import annotations


class VenueError(Exception):
    """The root. `message` holds the venue's own words where there are any: it is untrusted text."""

    def __init__(self, venue: str, message: str, code: str | None = None) -> None:
        super().__init__(message)
        self.venue = venue
        self.message = message
        self.code = code

    def __str__(self) -> str:
        code = f" [{self.code}]" if self.code else ""
        return f"{self.venue}: {self.message}{code}"


class ConfigurationError(VenueError):
    """The user's settings do not allow it; the message says the remedy."""


class MissingCredentials(ConfigurationError):
    pass


class UnknownVenue(ConfigurationError):
    pass


class NotSupported(ConfigurationError):
    """This venue can not do that, whatever the settings."""


class AuthenticationError(VenueError):
    """The venue does not accept who we are."""


class PermissionDenied(AuthenticationError):
    pass


class ClockSkew(AuthenticationError):
    """The venue found our timestamp too far from its own."""


class RequestError(VenueError):
    """We asked for something that makes no sense to the venue."""


class UnknownInstrument(RequestError):
    pass


class BadRequest(RequestError):
    pass


class OrderError(VenueError):
    """A command that the venue provably refused."""


class OrderRejected(OrderError):
    pass


class InsufficientFunds(OrderRejected):
    pass


class OrderNotFound(OrderError):
    pass


class DuplicateClientOrderId(OrderRejected):
    pass


class TransientError(VenueError):
    """May pass by itself. Only reads are tried again."""


class RateLimited(TransientError):
    """The venue told us to wait. `retry_after` is in seconds from now; None where it did not say."""

    def __init__(self, venue: str, message: str, code: str | None = None, retry_after: float | None = None):
        super().__init__(venue, message, code)
        self.retry_after = retry_after


class VenueUnavailable(TransientError):
    pass


class ConnectionLost(TransientError):
    pass


class RequestTimeout(TransientError):
    pass


class NotSent(VenueError):
    """The command provably never left: a local denial, or a connection that was never made."""


class OutcomeUnknown(VenueError):
    """The command may have been carried out. It is settled by proof, not by another attempt."""


class ProtocolError(VenueError):
    """The venue sent what its document does not allow."""


class DecodeError(ProtocolError):
    pass


class SequenceGap(ProtocolError):
    pass


class ChecksumMismatch(ProtocolError):
    pass
