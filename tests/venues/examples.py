"""The program in a package's docstring, run at a local exchange as it is written."""

from __future__ import annotations

import asyncio
import inspect
import runpy
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

from venues.simulators.serving import served_in_thread


def run_example(package: ModuleType, behind: str, folder: Path, *, path: str = "", **options: Any) -> Any:
    """Returns what `main` of the example returns.

    `behind` are the words that follow it, `path` is what the base address adds, `options` are the exchange's.
    """
    text = inspect.getdoc(package) or ""
    file = folder / "example.py"
    file.write_text(textwrap.dedent(text[text.index("    import asyncio") : text.index(f"\n{behind}")]))
    main = runpy.run_path(str(file))["main"]
    venue = package.__name__.rpartition(".")[2]
    with served_in_thread(venue, seed=3, rate=0, time_scale=0.05, **options) as practice:
        where = {"api_key": practice.api_key, "api_secret": practice.api_secret}
        return asyncio.run(main(base_url=practice.rest_url + path, **where))
