"""One stored key as text: what the keyring holds of it. Whoever has the text has the key."""

from __future__ import annotations

import msgspec

from tui.desk.key_entries import KeyEntry, KeyName, KeyringCode, KeyringFault, KeyringState
from venues.port import Credentials, Permissions

VERSION = 1
_LONGEST = 65_536  # characters; one of ours has about 300


class _Stored(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    key: str
    secret: str
    passphrase: str = ""
    sub_account: str = ""
    permissions: Permissions = Permissions()
    created_at: int = 0

    def __repr__(self) -> str:
        return "_Stored(***)"


class _Versioned(msgspec.Struct, frozen=True):
    version: int


def encode_entry(entry: KeyEntry) -> str:
    """Returns a key as JSON text, secrets included."""
    credentials = entry.credentials
    stored = _Stored(
        version=VERSION,
        key=credentials.key.reveal(),
        secret=credentials.secret.reveal(),
        passphrase=credentials.passphrase.reveal(),
        sub_account=credentials.sub_account,
        permissions=entry.permissions,
        created_at=entry.created_at,
    )
    return msgspec.json.encode(stored).decode()


def decode_entry(name: KeyName, text: str) -> KeyEntry:
    """Returns the key that `encode_entry` wrote.

    Raises:
        KeyringFault: BROKEN; it is something else, or of a newer pitside. No word of it is in the message.
    """
    if len(text) > _LONGEST:
        raise _broken(name, "it is too long to be one of pitside's")
    try:
        version = msgspec.json.decode(text, type=_Versioned).version
        if version > VERSION:
            raise _broken(name, f"a newer pitside wrote it (version {version}, this one knows {VERSION})")
        stored = msgspec.json.decode(text, type=_Stored)
    # msgspec.ValidationError is a DecodeError; a text with half a surrogate is a ValueError of another kind.
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        # What failed may quote what is stored: its kind alone is said.
        raise _broken(name, f"it is not as pitside writes it ({type(error).__name__})") from None
    if stored.version != VERSION:
        raise _broken(name, f"it is of version {stored.version}, which no pitside writes")
    if not stored.key or not stored.secret or stored.created_at < 0:
        raise _broken(name, "it is not whole")
    return KeyEntry(
        name=name,
        credentials=Credentials(stored.key, stored.secret, stored.passphrase, stored.sub_account),
        permissions=stored.permissions,
        created_at=stored.created_at,
    )


def _broken(name: KeyName, why: str) -> KeyringFault:
    account = "" if name.account == "main" else f" --account {name.account}"
    return KeyringFault(
        KeyringState(
            code=KeyringCode.BROKEN,
            words=f"the stored key of {name} can not be read: {why}",
            remedy=f"store it again: pitside keys add {name.venue}{account}",
        )
    )
