"""Runs sequences that nobody has run before: python -m tests.tui.desk.order_machine --sequences 100000"""

from __future__ import annotations

import argparse
import logging
import time

import click
from hypothesis.stateful import run_state_machine_as_test

from tests.tui.desk.order_machine.exchange import Kind
from tests.tui.desk.order_machine.machine import BadVenueMachine, settings_of


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.tui.desk.order_machine", description=__doc__)
    parser.add_argument("--sequences", type=int, default=100_000, help="a quarter for each kind of venue")
    parser.add_argument("--kind", choices=[kind.name.lower() for kind in Kind], help="all of them for this one")
    chosen = parser.parse_args()
    logging.disable(logging.CRITICAL)  # answers that can not be read, each with its traceback
    kinds = [Kind[chosen.kind.upper()]] if chosen.kind else list(Kind)
    for of in kinds:

        class Machine(BadVenueMachine):
            kind = of

        began, examples = time.process_time(), chosen.sequences // len(kinds)
        run_state_machine_as_test(Machine, settings=settings_of(examples, is_random=True))
        click.echo(f"{of.name.lower()}: {examples:,} sequences, {time.process_time() - began:,.0f} s of CPU")


if __name__ == "__main__":
    main()
