"""Quantiles of distributions: a draw from a table costs one `random()`, a tenth of drawing from the distribution.

They also make the draws the same wherever `random()` is, with no state between two of them.
"""

from __future__ import annotations

import math
from statistics import NormalDist

SIZE = 4096
QUANTILES = tuple((index + 0.5) / SIZE for index in range(SIZE))
GAUSS = tuple(map(NormalDist().inv_cdf, QUANTILES))
EXPONENTIAL = tuple(-math.log(1.0 - p) for p in QUANTILES)
