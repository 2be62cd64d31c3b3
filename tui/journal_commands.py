"""The commands that read a profile's journal: show, export, verify. None changes it, or cuts what it says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TextIO

import click

from tui.desk.inert import sanitise
from tui.paths import DEFAULT_PROFILE, Paths, profile_paths

if TYPE_CHECKING:
    from tui.desk.journal import Command
    from tui.desk.journal_export import Sink

_WHOLE = 1_000_000  # characters: more than any row has, so that sanitising cuts nothing


class _Inert:
    """A terminal, which must not act on what a venue wrote."""

    def __init__(self, screen: TextIO) -> None:
        self._screen = screen

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self._screen.write(sanitise(line, _WHOLE) + "\n")
        return len(text)


class HasPaths(Protocol):
    """What the command line hands down."""

    @property
    def paths(self) -> Paths: ...


def _file_of(context: click.Context, file: Path | None) -> Path:
    from tui.desk.journal_store import journal_path

    if file is not None:
        return file
    options: HasPaths | None = context.obj
    paths = options.paths if options is not None else profile_paths(DEFAULT_PROFILE)
    return journal_path(paths.state_dir)


@contextmanager
def _errors_said() -> Iterator[None]:
    from tui.desk.journal import JournalError

    try:
        yield
    except JournalError as error:
        raise click.ClickException(sanitise(str(error), _WHOLE)) from error


_FILE = click.option(
    "--file", type=click.Path(dir_okay=False, path_type=Path), help="Another journal than the profile's."
)


@click.group(help="Read the journal: what was sent, what became of it, and what it came to.")
def journal() -> None:
    pass


@journal.command(help="Show every row, oldest first, then what is unanswered and what each instrument earned.")
@_FILE
@click.pass_context
def show(context: click.Context, file: Path | None) -> None:
    from tui.desk.journal import JournalError
    from tui.desk.journal_export import read_rows, time_of
    from tui.desk.journal_fold import JournalState

    state = JournalState()
    not_understood = 0
    with _errors_said():
        for row in read_rows(_file_of(context, file)):
            try:
                state.take(row)
            except JournalError:
                not_understood += 1
            name = row.client_order_id or row.venue_order_id or "-"
            where = f"{row.symbol or '-'}@{row.venue}" if row.venue else "-"
            line = f"{row.number:>7}  {time_of(row.ts)}  {row.kind:<9}  {where}  {name}  {row.body}"
            click.echo(sanitise(line, _WHOLE))
    click.echo(f"{state.rows:,} rows, {len(state.orders):,} orders, {len(state.fills):,} executions")
    if not_understood:
        click.echo(f"{not_understood:,} rows are not understood, and not counted: see  pitside journal verify")
    for one in state.unresolved():
        words = one.words or "the desk ended before an answer"
        click.echo(sanitise(f"UNANSWERED row {one.number}: {_what(one.command)}, {words}", _WHOLE))
    for earned in state.earnings.values():
        fees = ", ".join(f"{fee:f} {currency}" for currency, fee in sorted(earned.fees.items()))
        line = f"{earned.instrument}: {earned.fills:,} executions, P&L {earned.realized_pnl:f}, fees {fees}"
        click.echo(sanitise(line, _WHOLE))


@journal.command(help="Write every execution as CSV, or every row as JSON lines, to a new file or the output.")
@click.option("--csv", "kind", flag_value="csv", help="Executions, each once.")
@click.option("--jsonl", "kind", flag_value="jsonl", help="All rows, as they are kept.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), help="Must not exist yet; readable by you only."
)
@click.option("--without-ids", is_flag=True, help="CSV without order and trade ids.")
@_FILE
@click.pass_context
def export(
    context: click.Context, kind: str | None, out: Path | None, without_ids: bool, file: Path | None
) -> None:
    from tui.desk.journal_export import export_fills_csv, export_jsonl

    if kind is None:
        raise click.UsageError("say what to write: --csv or --jsonl")
    if kind == "jsonl" and without_ids:
        raise click.UsageError("--without-ids is for --csv: the rows themselves are written as they are kept")
    with _errors_said(), _target(out) as target:
        path = _file_of(context, file)
        if kind == "csv":
            count = export_fills_csv(path, target, with_ids=not without_ids)
        else:
            count = export_jsonl(path, target)
    what = "executions" if kind == "csv" else "rows"
    click.echo(f"{count:,} {what}", err=True)


@journal.command(help="Check that the journal is whole and is what was written; exit code 1 where it is not.")
@_FILE
@click.pass_context
def verify(context: click.Context, file: Path | None) -> None:
    from tui.desk.journal_export import verify as verify_file

    with _errors_said():
        found = verify_file(_file_of(context, file))
    for problem in found.problems:
        click.echo(sanitise(problem, _WHOLE), err=True)
    words = "whole" if not found.problems else f"{len(found.problems):,} problems"
    click.echo(f"{found.rows:,} rows, version {found.version}: {words}")
    if found.problems:
        context.exit(1)


def _what(command: Command) -> str:
    """Returns a command in a few words: "Cancel of p0001", "BORROW 0.1 BTC at max"."""
    from tui.desk.facts import describe_funds
    from venues.commands import FundsRequest

    if isinstance(command, FundsRequest):
        return describe_funds(command)
    name = getattr(command, "client_order_id", "") or "all orders"
    return f"{type(command).__name__.removesuffix('Request')} of {name}"


@contextmanager
def _target(out: Path | None) -> Iterator[Sink]:
    if out is None:
        yield _Inert(sys.stdout) if sys.stdout.isatty() else sys.stdout
        return
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except FileExistsError as error:
        raise click.BadParameter(f"{out} exists; an export never overwrites", param_hint="--out") from error
    except OSError as error:
        raise click.BadParameter(f"{out}: {error.strerror}", param_hint="--out") from error
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as target:
        yield target


COMMANDS = (journal,)
