"""The journal, and the desk that may be writing to it now. It is read as `pitside journal verify` reads it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from tui.desk.instance import LOCK_FILE, InstanceError, find_holder
from tui.desk.journal import JournalError
from tui.desk.journal_export import oldest_needed, read_rows, verify
from tui.desk.journal_file import words_of_os
from tui.desk.journal_fold import JournalState
from tui.desk.journal_salvage import copy_files
from tui.desk.journal_store import journal_path
from tui.doctor.findings import Finding, Topic, fault, note, ok, warning

_MOST_SAID = 5
_SHOWN = (
    "pitside journal verify  tells all of it; a desk that starts sets a broken journal aside and keeps what it can"
)


def check_records(state_dir: Path) -> list[Finding]:
    """Looks whether a desk runs on the profile, whether the journal is whole, and what nobody has answered."""
    found, is_running = _check_desk(state_dir)
    path = journal_path(state_dir)
    try:
        if not path.exists():
            return [*found, ok(Topic.JOURNAL, "there is none yet: the first desk that can trade begins it")]
        if is_running:
            return [*found, *_check_journal(path, is_running=True)]
        # SQLite makes and leaves files beside a journal that nobody has open: a copy is read instead.
        with tempfile.TemporaryDirectory(prefix="pitside-doctor-") as folder:
            copy = copy_files(path, Path(folder))
            seen = _check_journal(copy, is_running=False)
        named = [msgspec.structs.replace(each, words=each.words.replace(str(copy), str(path))) for each in seen]
        return [*found, *named]
    except OSError as error:
        return [*found, fault(Topic.JOURNAL, f"it can not be read: {words_of_os(error, path)}")]


def _check_desk(state_dir: Path) -> tuple[list[Finding], bool]:
    lock = state_dir / LOCK_FILE
    try:
        # Asking makes the file private where it is not: that is for a desk to do, and said by the check of files.
        if lock.exists() and lock.lstat().st_mode & 0o077:
            words = f"whether a desk is running was not asked: {lock} is not private"
            return [note(Topic.JOURNAL, words)], Path(f"{journal_path(state_dir)}-shm").exists()
        holder = find_holder(state_dir)
    except InstanceError as error:
        return [fault(Topic.JOURNAL, str(error))], False
    except OSError as error:
        return [fault(Topic.JOURNAL, words_of_os(error, lock))], False
    if holder is None:
        return [ok(Topic.JOURNAL, "no desk is running on this profile")], False
    words = f"a desk is running on this profile: {holder.words()}; a second one could only watch"
    return [note(Topic.JOURNAL, words)], True


def _check_journal(path: Path, *, is_running: bool) -> list[Finding]:
    try:
        seen = verify(path)
        if seen.problems:
            words = f"the journal has {len(seen.problems):,} problems in {seen.rows:,} rows"
            said = [fault(Topic.JOURNAL, problem) for problem in seen.problems[:_MOST_SAID]]
            return [fault(Topic.JOURNAL, words, _SHOWN), *said]
        state = JournalState()
        for row in read_rows(path, oldest_needed(path)):  # as a desk does at its start
            state.take(row)
    except JournalError as error:
        return [fault(Topic.JOURNAL, f"it can not be read: {error}", _SHOWN)]
    count = len(state.unresolved())
    found = [ok(Topic.JOURNAL, f"{path} is whole: {seen.rows:,} rows, version {seen.version}")]
    if count and is_running:
        have = "1 command has" if count == 1 else f"{count:,} commands have"
        found.append(note(Topic.JOURNAL, f"{have} no answer yet; the desk that runs sees to it"))
    elif count:
        were = "1 command was" if count == 1 else f"{count:,} commands were"
        words = f"{were} sent and never answered: orders may rest that no desk watches"
        remedy = "start the desk: it opens on the recovery screen;  pitside journal show  names them"
        found.append(warning(Topic.JOURNAL, words, remedy))
    return found
