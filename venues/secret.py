"""A text that must not be seen: an API key, its secret, a password."""

from __future__ import annotations

from typing import NoReturn

MASK = "***"


class Secret:
    """Holds a text that `repr`, `str`, `format` and Rich never show, and that is not pickled or copied into JSON.

    Python can not reliably wipe a text from memory: this keeps it out of what is written, no more.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str | Secret) -> None:
        self._value: str = value.reveal() if isinstance(value, Secret) else value

    def reveal(self) -> str:
        """Returns the text itself, for the one place that signs or stores it."""
        return self._value

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, specification: str) -> str:
        return format(MASK, specification)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac  # it brings OpenSSL with it, 5 ms that no first paint should wait for

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def masked(self) -> str:
        """Returns its first four characters, by which a person tells two keys apart; of a short one nothing."""
        return f"{self._value[:4]}…" if len(self._value) >= 12 else "…"
