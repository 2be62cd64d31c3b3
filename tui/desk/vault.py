"""Where API keys are kept, as the rest of pitside sees it: every call ends within a deadline."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from tui.desk.key_entries import KeyEntry, KeyName, KeyringState, KeyStore
from venues.secret import Secret

DEADLINE = 4.5  # seconds, of one child; with killing it that is five


class Vault:
    """Reads and writes keys by a child process, which is killed when it has not answered in time.

    Every method but `names` blocks, for `deadline` seconds at most: call it on a thread of its own. `folder` holds
    the list of names (no secret is in it) and the encrypted file. `environment` is the one the child gets.
    """

    def __init__(
        self,
        folder: Path,
        *,
        store: KeyStore = KeyStore.KEYRING,
        deadline: float = DEADLINE,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self.store = store
        self._folder = folder
        self._deadline = deadline
        self._environment = environment

    def names(self) -> list[KeyName]:
        """Returns whose keys are stored, without opening the keyring."""
        raise NotImplementedError

    def state(self, password: Secret | None = None) -> KeyringState:
        """Returns how the place is; with a password, how it is once that has been tried."""
        raise NotImplementedError

    def read(self, names: Iterable[KeyName], password: Secret | None = None) -> dict[KeyName, KeyEntry]:
        """Returns the keys of these names that are stored. Raises KeyringFault."""
        raise NotImplementedError

    def write(self, entry: KeyEntry, password: Secret | None = None) -> None:
        """Stores a key in the place of the one of the same name. Raises KeyringFault."""
        raise NotImplementedError

    def remove(self, name: KeyName, password: Secret | None = None) -> bool:
        """Deletes a key; says whether there was one. Raises KeyringFault."""
        raise NotImplementedError
