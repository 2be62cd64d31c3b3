"""What is said about API keys."""

from __future__ import annotations

from collections.abc import Iterable

from tui.desk.key_entries import KeyEntry, KeyName
from tui.desk.key_trial import Trial, Verdict
from venues.port import Permissions

YOU = "you"  # who told, where it was not the venue


def joined(sentences: Iterable[str]) -> str:
    """Returns what there is to say in one line."""
    return "; ".join(sentence for sentence in sentences if sentence)


def no_such_key(name: KeyName) -> str:
    """Returns that nothing is stored under a name."""
    return f"there is no key of {name}"


def refused_words(name: KeyName, trial: Trial, *, is_kept: bool) -> str:
    """Returns that a venue did not take a key that was to be stored; `is_kept`: an older one stays."""
    stays = "the key that is stored stays as it is" if is_kept else "nothing was stored"
    if trial.verdict is Verdict.UNUSABLE:
        return joined([f"{name}: the venue can not be opened: {trial.reason}", stays])
    return joined([f"{name.venue} does not take this key: {trial.reason}", stays])


def added_words(entry: KeyEntry, trial: Trial, *, is_rotated: bool) -> str:
    """Returns that a key was stored, whether it was tested, and what it may do."""
    place = " in the place of the older one" if is_rotated else ""
    match trial.verdict:
        case Verdict.WORKS:
            how = f"{entry.name}: tested and stored{place}"
        case Verdict.REFUSED:
            how = f"{entry.name}: stored{place}, although {entry.name.venue} does not take it: {trial.reason}"
        case _:
            how = f"{entry.name}: stored{place}, not tested: {trial.reason}"
    return joined([how, rights_words(entry, trial)])


def tested_words(entry: KeyEntry, trial: Trial) -> str:
    """Returns what a test of a stored key said."""
    match trial.verdict:
        case Verdict.WORKS:
            return joined([f"{entry.name}: works, the account was read", rights_words(entry, trial)])
        case Verdict.REFUSED:
            return f"{entry.name}: {entry.name.venue} does not take this key: {trial.reason}"
        case Verdict.UNUSABLE:
            return f"{entry.name}: the venue can not be opened: {trial.reason}"
        case Verdict.UNTESTED:
            return f"{entry.name}: not tested: {trial.reason}"


def rights_words(entry: KeyEntry, trial: Trial) -> str:
    """Returns what a key may do, as far as anybody has told."""
    venue, rights = entry.name.venue, entry.permissions
    told: list[str] = []
    if rights.trade is False:
        who = "you said that it is for reading only" if rights.told_by == YOU else "it may only read"
        told.append(f"{who}: the venue will be READ-ONLY")
    elif rights.trade:
        told.append("it may trade")
    if rights.withdraw is None and trial.verdict is Verdict.WORKS:
        why = f" ({trial.reason})" if trial.reason else ""
        told.append(
            f"{venue} does not tell whether a key may withdraw{why}: make it without the right to withdraw"
        )
    elif rights.withdraw is False:
        told.append("it may not withdraw")
    return joined(told)


def withdrawal_warning(name: KeyName, rights: Permissions) -> str:
    """Returns what a key that may withdraw puts at risk and what to do; nothing for any other."""
    if not rights.withdraw:
        return ""
    return (
        f"the key of {name} may WITHDRAW: whoever gets hold of it can empty the account. Make one without the "
        "right to withdraw, bind it to this machine's IP address, and delete this one at the venue. Until then "
        "the desk refuses to arm, unless the configuration says [credentials] allow_withdrawal = true"
    )
