"""One thread for every numerical library: what is tested is small, and the machine is shared. Long files first."""

from __future__ import annotations

import os
import sys

import pytest

# What takes longest, longest first: of files that go one at a time, a long one that begins last keeps others waiting.
LONGEST = (
    "test_guides.py",
    "synth/running/test_generate.py",
    "synth/running/test_ray.py",
    "test_bench.py",
    "test_wheel.py",
    "agent/training/test_train.py",
    "agent/training/test_exact.py",
    "codec/test_export.py",
    "agent/teach/test_teach.py",
    "synth/script/test_writers.py",
    "agent/tokens/test_unspoken.py",
    "synth/voices/test_match.py",
)

for _name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_name, "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring the longest files to the front; inside a file everything stays in its order."""
    places = {name: place for place, name in enumerate(LONGEST)}
    folder = os.path.dirname(__file__)
    items.sort(key=lambda item: places.get(os.path.relpath(item.path, folder), len(places)))


def pytest_runtest_setup() -> None:
    """Keep torch at one thread: a command run in this process would leave it with more, which wait by spinning."""
    torch = sys.modules.get("torch")
    if torch is not None and torch.set_num_threads is not _stay:
        torch.set_num_threads(1)
        torch.set_num_threads = _stay


def _stay(count: int) -> None:
    """In place of `torch.set_num_threads`."""
