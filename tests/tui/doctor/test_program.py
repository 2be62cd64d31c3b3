"""Versions, the locale, and what the environment does to the program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui.doctor.findings import Severity
from tui.doctor.program import (
    check_environment,
    check_locale,
    check_versions,
    installed_requirements,
    installed_version,
    locale_of,
)

PINS = [
    "textual==8.2.8",
    "rich==15.0.0",
    f"here==1.0; sys_platform == '{sys.platform}'",
    "elsewhere==1.0; sys_platform == 'beos'",
    "starlette==1.10.0; extra == 'practice'",
]


def test_the_tree_that_is_tested_has_the_versions_that_it_is_pinned_to() -> None:
    requirements = installed_requirements()
    assert requirements
    found = check_versions("1", requirements, installed_version)
    assert [each.severity for each in found] == [Severity.OK, Severity.OK]
    assert any(line.startswith("textual==") for line in requirements)


def test_another_version_and_a_missing_library_are_named() -> None:
    installed = {"textual": "9.0.0", "here": "1.0"}
    found = check_versions("0.1", PINS, lambda name: installed.get(name), "3.11.2")
    assert found[0].words == "pitside 0.1, Python 3.11.2"
    said = {each.words: each.severity for each in found[1:]}
    assert said == {
        "the library textual is 9.0.0; pitside was made and tested with 8.2.8": Severity.WARNING,
        "the library rich is missing, 15.0.0 is needed": Severity.WARNING,
        "1 library has the version that it was tested with": Severity.OK,
    }


def test_what_is_not_installed_is_not_compared() -> None:
    assert check_versions("0.1", None, installed_version)[-1].severity is Severity.NOTE


@pytest.mark.parametrize(
    ("given", "is_utf8", "name"),
    [
        ({"LANG": "C"}, False, "LANG=C"),
        ({"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, False, "LC_ALL=POSIX"),
        ({}, False, "LANG is not set"),
        ({"LANG": "C.UTF-8"}, True, "LANG=C.UTF-8"),
        ({"LANG": "C", "LC_ALL": "C.UTF-8"}, True, "LC_ALL=C.UTF-8"),
    ],
)
def test_the_locale_is_the_one_that_was_asked_for(
    given: dict[str, str], is_utf8: bool, name: str, project_root: Path
) -> None:
    """Python puts UTF-8 in C's place, in the environment too: only a real start shows what is left of it."""
    program = (
        "import os, sys; from tui.doctor.program import locale_of;"
        "mode = bool(sys.flags.utf8_mode);"
        "print(*locale_of(os.environ, is_utf8_mode=mode, encoding=sys.stdout.encoding), sep='|')"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(project_root), **given}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == f"{name}|{is_utf8}", done.stderr


def test_a_locale_of_another_encoding_is_not_utf8() -> None:
    locale = locale_of({"LANG": "de_DE.ISO-8859-1"}, is_utf8_mode=False, encoding="iso8859-1")
    (found,) = check_locale(locale)
    assert (found.severity, found.remedy) == (Severity.WARNING, found.remedy)
    assert "LANG=de_DE.ISO-8859-1" in found.words
    assert "LANG=C.UTF-8" in found.remedy
    forced = locale_of({"LANG": "C", "PYTHONUTF8": "1"}, is_utf8_mode=True, encoding="utf-8")
    assert check_locale(forced)[0].severity is Severity.WARNING, "what tmux goes by is not Python's switch"


def test_a_clean_environment_is_ok() -> None:
    found = check_environment({"PATH": "/bin"})
    assert [each.severity for each in found] == [Severity.OK]


@pytest.mark.parametrize(("environ", "removed"), [({"SSLKEYLOGFILE": "keys.log"}, ()), ({}, ("SSLKEYLOGFILE",))])
def test_a_key_log_is_a_warning_even_though_it_was_taken_away(
    environ: dict[str, str], removed: tuple[str, ...]
) -> None:
    found = [each for each in check_environment(environ, removed) if "SSLKEYLOGFILE" in each.words]
    assert [each.severity for each in found] == [Severity.WARNING]


@pytest.mark.parametrize("limit", [-1, 1])
def test_core_dumps_are_a_warning(limit: int) -> None:
    (found,) = check_environment({}, core_limit=limit)
    assert (found.severity, found.remedy) == (Severity.WARNING, "ulimit -c 0")


def test_a_proxy_of_the_environment_is_a_note_that_does_not_show_its_password() -> None:
    environ = {"HTTPS_PROXY": "http://me:hunter2@proxy:3128", "no_proxy": "x"}
    found = [each for each in check_environment(environ) if "HTTPS_PROXY" in each.words]
    assert [each.severity for each in found] == [Severity.NOTE]
    assert "hunter2" not in found[0].words + found[0].remedy
    assert "[network] proxy" in found[0].remedy
    named = check_environment(environ, proxy="http://proxy:3128")
    assert [each.severity for each in named] == [Severity.OK], "it is named where pitside looks"
