"""What the commands of one account of Mayex work with."""

from __future__ import annotations

from typing import TypeAlias

from venues.mayex.client import Client
from venues.mayex.lookups import Lookups
from venues.mayex.memory import Known, OrderMemory
from venues.transport import means
from venues.transport.doubts import Doubts

Means: TypeAlias = means.Means[Client, OrderMemory, Lookups, Doubts[Known]]
