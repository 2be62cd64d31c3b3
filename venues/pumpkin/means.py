"""What the commands of one account of Pumpkin work with."""

from __future__ import annotations

from typing import TypeAlias

from venues.pumpkin.client import Client
from venues.pumpkin.lookups import Lookups
from venues.pumpkin.memory import Known, OrderMemory
from venues.transport import means
from venues.transport.doubts import Doubts

Means: TypeAlias = means.Means[Client, OrderMemory, Lookups, Doubts[Known]]
