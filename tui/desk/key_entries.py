"""API keys as the desk knows them: their names, what is stored of each, and how the place they are kept in is."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from tui.paths import ACCOUNT_RULE, is_account_name
from venues.errors import ConfigurationError
from venues.port import Credentials, Permissions


class KeyName(msgspec.Struct, frozen=True, order=True):
    """Whose key it is: one entry per venue and account."""

    venue: str
    account: str = "main"

    def __str__(self) -> str:
        return f"{self.venue} {self.account}"


def key_name(venue: str, account: str) -> KeyName:
    """Returns a key's name. Raises ConfigurationError where the account's can not be one."""
    if not is_account_name(account):
        raise ConfigurationError(venue, f"an account's name is of {ACCOUNT_RULE}")
    return KeyName(venue, account)


class KeyEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One key as it is stored. `created_at` in nanoseconds UTC."""

    name: KeyName
    credentials: Credentials
    permissions: Permissions = Permissions()
    created_at: int = 0

    @property
    def may_trade(self) -> bool:
        """Whether nobody has said that it may only read."""
        return self.permissions.trade is not False


class KeyStore(StrEnum):
    """Where keys are kept: the operating system's keyring, or an encrypted file that the user chose."""

    KEYRING = "keyring"
    FILE = "file"


class KeyringCode(StrEnum):
    """The states of the place where keys are kept, by the names of the list that the tests count."""

    NO_BUS = "no-bus"
    FORCED_WITHOUT_BUS = "forced-without-bus"  # the environment forces SecretService, and there is no bus
    STALE_BUS = "stale-bus"
    NO_COLLECTION = "no-collection"
    LOCKED = "locked"
    DENIED = "wrong-password"
    UNANSWERED_PROMPT = "unanswered-prompt"
    NO_DAEMON = "no-daemon"
    PLAINTEXT_ONLY = "plaintext-only"
    FILE_OPEN = "file-open"
    FILE_DENIED = "file-wrong-password"
    READY = "ready"
    # Beside the twelve: what else can be met.
    FILE_LOCKED = "file-locked"  # the encrypted file needs its password
    FILE_ABSENT = "file-absent"  # no encrypted file yet: the first password makes it
    FILE_BROKEN = "file-broken"
    REFUSED_BACKEND = "refused-backend"  # a keyring, but none of those that are trusted
    NO_ANSWER = "no-answer"  # nothing answered within the deadline
    BROKEN = "broken"  # anything else, in the words of whoever failed


class KeyringState(msgspec.Struct, frozen=True, kw_only=True):
    """How the place is. `words` say it in a sentence, `remedy` what to do, both for a person and harmless.

    `needs_password`: with its password, which pitside asks for itself, it can be used. `creates`: that password
    will be a new one, so that it is asked for twice.
    """

    code: KeyringCode
    words: str
    remedy: str = ""
    needs_password: bool = False
    creates: bool = False

    @property
    def sentence(self) -> str:
        """The words and the remedy in one line."""
        return f"{self.words}; {self.remedy}" if self.remedy else self.words

    @property
    def is_open(self) -> bool:
        return self.code in {KeyringCode.READY, KeyringCode.FILE_OPEN}


class KeyringFault(Exception):
    """Keys could not be read or written; nothing was changed. `state` says why, and what to do."""

    def __init__(self, state: KeyringState) -> None:
        super().__init__(state.sentence)
        self.state = state
