"""What the commands of one account of MAX work with."""

from __future__ import annotations

from typing import TypeAlias

from venues.max.client import Client
from venues.max.doubts import Doubts
from venues.max.lookups import Lookups
from venues.max.memory import OrderMemory
from venues.transport import means

Means: TypeAlias = means.Means[Client, OrderMemory, Lookups, Doubts]
