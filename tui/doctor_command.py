"""`pitside doctor`: looks at all that a desk needs, says what is wrong and what to do, and changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from typing import TextIO

import click

from tui.cli import Options, app_version
from tui.doctor.findings import Finding, worst_of
from tui.doctor.program import output_encoding, this_locale
from tui.doctor.report import EXIT_CODES, Page, as_json
from tui.hardening import harden
from venues.registry import key_parts, venue_names

_HELP = """Look at everything that a desk needs: versions, settings, files, journal, terminal, clock, keyring and
venues. Each line says how bad it is, and what to do about it. Nothing is changed, and no password is asked for.

\b
Exit codes:
  0  nothing worse than a note
  3  warnings
  4  faults: a desk can not be used, or not safely
"""


@click.command(help=_HELP)
@click.option("--json", "is_json", is_flag=True, help="As JSON, for programs.")
@click.option(
    "--venue", "venues", type=click.Choice([name for name in venue_names() if key_parts(name)]), multiple=True,
    help="A venue to look at besides those that the desk is set to open; repeat for several.",
)  # fmt: skip
@click.option("--offline", "is_offline", is_flag=True, help="Leave the venues out: nothing is sent anywhere.")
@click.pass_context
def doctor(context: click.Context, is_json: bool, venues: tuple[str, ...], is_offline: bool) -> None:
    # Only now: `pitside --help` lists this command, and needs no sockets for it.
    from tui.doctor.checkup import Visit, examine

    options: Options = context.obj
    visit = Visit(
        paths=options.paths,
        version=app_version(),
        venues=(*options.venues, *venues),
        account=options.account,
        is_offline=is_offline,
        hardened=harden(),
    )
    groups = examine(visit)
    if is_json:
        found = [each for group in groups for each in group]
        click.echo(as_json(found))
    else:
        found = _written(groups)
    context.exit(EXIT_CODES[worst_of(found)])


def _written(groups: Iterator[list[Finding]]) -> list[Finding]:
    """Writes each group as soon as it is known: an unreachable venue takes its time."""
    stream: TextIO | None = sys.stdout
    is_terminal = stream is not None and stream.isatty()
    page = Page(
        encoding=output_encoding() or "ascii",
        is_plain=not this_locale().is_utf8,
        is_coloured=is_terminal and _shows_colour(),
        width=shutil.get_terminal_size().columns if is_terminal else None,
    )
    found = []
    for group in groups:
        for each in group:
            click.echo("\n".join(page.lines(each)))
        found += group
    click.echo()
    click.echo(page.summary(found))
    return found


def _shows_colour() -> bool:
    return "NO_COLOR" not in os.environ and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}


COMMANDS = (doctor,)
