"""`pitside keys`: adds, lists, tests and removes API keys. They are asked for without echo, and never shown."""

from __future__ import annotations

import click

from venues.registry import key_parts, venue_names

_VENUE = click.argument("venue", type=click.Choice([name for name in venue_names() if key_parts(name)]))
_ACCOUNT = click.option("--account", metavar="NAME", help="Whose key: a name of your own.  [default: main]")
_WHERE_ASKED = (
    "Where the keyring needs a password, it is asked for on the terminal without echo; where there is none, one "
    "line is read from standard input."
)


class _Keys(click.Group):
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in {"export", "show"}:
            raise click.UsageError("keys are never shown: one that is lost is made anew at the venue", ctx)
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=_Keys,
    help="Add, list, test and remove API keys. They are kept in the operating system's keyring, or in an "
    'encrypted file where the configuration says  [credentials] store = "file". They are never shown: there is no '
    "export.",
)
def keys() -> None:
    pass


@keys.command(
    # What is too much is taken, to be refused without being shown: it may well be a key.
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    help="Store the API key of an account, after a test: the account is read with it. A key that is stored "
    "already is replaced only then.\n\n"
    "On a terminal each part is asked for without echo. Otherwise one line is read from standard input: the parts "
    "in the order in which they would be asked for, white space between: key, then secret, then what else the "
    "venue has (a sub-account at max, which may be left out). Where the keyring needs a password, it is read from "
    "the terminal if there is one, else from a second line of standard input. "
    "Nothing is taken from an argument or the environment: other users can read those.\n\n\b\n"
    "  pitside keys add coinex\n"
    "  pitside keys add max --account second --read-only\n"
    "  pass show coinex | pitside keys add coinex",
)
@_VENUE
@_ACCOUNT
@click.option("--read-only", "is_read_only", is_flag=True, help="Use it for reading only, whatever it may do.")
@click.option(
    "--untested", "is_untested", is_flag=True,
    help="Store it even where the venue refuses it: some take a new key only after ten minutes.",
)  # fmt: skip
@click.pass_context
def add(context: click.Context, venue: str, account: str | None, is_read_only: bool, is_untested: bool) -> None:
    if context.args:
        raise click.UsageError(
            "a key is never given as an argument: other users can read those, and a shell keeps them. If it was "
            f"one, delete it at the venue and make another; then  pitside keys add {venue}  asks for it",
            context,
        )
    from tui.key_errands import Errand

    is_done = Errand(context.obj).add(venue, account, is_read_only=is_read_only, is_untested=is_untested)
    context.exit(0 if is_done else 1)


@keys.command(
    "list",
    help="List the keys: whose, how each begins, what it may do, since when and where it is kept. Where the "
    "keyring is locked and there is no terminal to ask for its password, only whose.",
)
@click.option("--json", "is_json", is_flag=True, help="As JSON, for programs.")
@click.pass_context
def list_keys(context: click.Context, is_json: bool) -> None:
    from tui.key_errands import Errand

    Errand(context.obj).list(is_json=is_json)


@keys.command(help=f"Read the account with a stored key. {_WHERE_ASKED}")
@_VENUE
@_ACCOUNT
@click.pass_context
def test(context: click.Context, venue: str, account: str | None) -> None:
    from tui.key_errands import Errand

    context.exit(0 if Errand(context.obj).test(venue, account) else 1)


@keys.command(help=f"Delete a stored key. {_WHERE_ASKED}")
@_VENUE
@_ACCOUNT
@click.option("--yes", "is_sure", is_flag=True, help="Do not ask.")
@click.pass_context
def remove(context: click.Context, venue: str, account: str | None, is_sure: bool) -> None:
    from tui.key_errands import Errand

    context.exit(0 if Errand(context.obj).remove(venue, account, is_sure=is_sure) else 1)


COMMANDS = (keys,)
