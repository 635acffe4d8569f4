"""The command line in this process: each start of the program as a process of its own costs seconds."""

import io
import logging
import os
from collections.abc import Mapping

import pytest

from dropoff.cli import main


class Terminal:
    """A shell with these settings and no others."""

    def __init__(
        self, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str], settings: Mapping[str, str]
    ) -> None:
        self._patch, self._capture = patch, capture
        for name in [name for name in os.environ if name.startswith("DROPOFF_") and name not in settings]:
            if name != "DROPOFF_TEST_RUN_FOLDER":
                patch.delenv(name)
        for name, value in settings.items():
            patch.setenv(name, value)

    def run(self, *arguments: str, text: str = "") -> tuple[int, str, str]:
        """The exit code, what was said and what was told beside it; `text` is what is typed or piped in."""
        self._capture.readouterr()
        with self._patch.context() as patch:
            patch.setattr(logging.getLogger(), "handlers", [])  # a command puts its own there
            patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8"))
            code = main(arguments)
        said = self._capture.readouterr()
        return code, said.out, said.err
