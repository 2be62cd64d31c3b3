"""How the client reads what the document leaves open. Each default is inferred; whoever knows better says so."""

from __future__ import annotations

import msgspec


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """What is not verified, with its most likely value."""

    # Inferred: most samples sign the very text that they send; a few sign the values before they are encoded. The
    # two differ only where a value holds reserved characters: the JSON and the comma lists of batches.
    signs_encoded: bool = True
    # Inferred: the document wants a key of public calls too, while the venue's sibling serves them to everybody.
    # They are signed where there is a key, and sent without where there is none.
    signs_public: bool = True
    # Inferred: the document has quotas of weight a minute and a day, and lost their sizes.
    minute_quota: int = 600
    day_quota: int | None = None  # not kept on this side unless it is known: the venue tells (439)
