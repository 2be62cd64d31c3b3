"""Speed, measured: `uv run python -m tests.benchmarks`.

Each program runs as a child on a pseudo-terminal of its own and is watched from outside: processor time and
memory from the kernel, bytes from the terminal's other side, and the time from a key to the paint that
answers it. What counts are the ratios between programs within one run on one machine; absolute figures are
printed beside them. Nothing here is part of the test suite: a timed test fails for other reasons than slow code.
"""
