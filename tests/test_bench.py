"""Every measurement of bench/ runs, at its smallest size; its figures then mean nothing."""

from __future__ import annotations

import importlib
import json

import pytest

from bench.__main__ import NAMES

NEEDS = {  # wheels that a measurement cannot run without
    "engines": ("piper",),
    "gates": ("piper",),
    "generate": ("piper",),
    "soak": ("psutil",),
    "steps": ("moshi",),
    "streams": ("piper",),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_at_its_smallest_size(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    for wheel in NEEDS.get(name, ()):
        pytest.importorskip(wheel, reason=f"bench {name} needs the wheel {wheel!r}")
    importlib.import_module(NAMES[name], "bench").run(as_json=True, smallest=True)
    assert json.loads(capfd.readouterr().out)


def test_all_that_are_listed_need_what_is_named() -> None:
    assert set(NEEDS) <= set(NAMES)
