"""`bench gpu` ends in its time, and keeps what it found when cut."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.agent import gpu
from bench.agent.card.part import Effort, Line, Say
from bench.agent.card.parts import PARTS, Part, run_part
from bench.agent.card.peak import mfu
from tests.support.agent_fixtures import FakeClock


def test_parts_share_the_time_and_what_one_leaves_goes_to_the_next() -> None:
    clock, given = FakeClock(), {}
    for name, seconds in gpu.shares(600.0, True, clock):
        given[name] = seconds
        clock.forward(0.5 * seconds if name == "checks" else seconds)
    assert list(given) == list(PARTS)
    assert given["checks"] == pytest.approx(60)
    assert given["ticks-moshi"] == pytest.approx(570 * 0.25 / 0.9)
    assert clock.now == pytest.approx(700)
    assert all(not PARTS[name].needs_card for name, _ in gpu.shares(600.0, False, FakeClock()))


def test_no_part_begins_after_the_end() -> None:
    clock, begun = FakeClock(), []
    for name, seconds in gpu.shares(100.0, True, clock):
        begun.append(name)
        clock.forward(3 * seconds if name == "checks" else 1000.0)
    assert begun == list(PARTS)[:2]


def test_what_a_part_found_till_it_was_cut_or_failed_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def finds(effort: Effort, say: Say) -> None:
        say(Line("one", "found", {"passed": True}))
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    def is_cut(effort: Effort, say: Say) -> None:
        say(Line("two", "found", {"ms": 1.5}))
        raise KeyboardInterrupt

    parts = {"one": Part(finds, 0.5), "two": Part(is_cut, 0.3), "three": Part(finds, 0.2)}
    for module in ("bench.agent.gpu", "bench.agent.card.parts"):
        monkeypatch.setattr(f"{module}.PARTS", parts)
    gpu.run(smallest=True, out=tmp_path)
    report = json.loads((tmp_path / "gpu.json").read_text())
    assert [(line["part"], line["name"]) for line in report["lines"]] == [
        ("one", "found"), ("one", "failed"), ("two", "found"),
    ]  # fmt: skip
    assert report["checks_passed"] is False
    assert "no card here" in report["device"]
    assert "illegal memory access" in report["lines"][1]["figures"]["error"]
    assert "checks FAILED" in capsys.readouterr().out


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    gpu.apart("cpu")("checks", 0.05, tmp_path / "lines.jsonl")
    line = json.loads((tmp_path / "lines.jsonl").read_text())
    assert (line["part"], line["figures"]) == ("checks", {"skipped": "cut: its time was over"})


def test_all_checks_hold_here(tmp_path: Path) -> None:
    run_part("checks", Effort("cpu", True, 1e9), tmp_path / "lines.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "lines.jsonl").read_text().splitlines()]
    assert len(lines) == 4
    assert all(line["figures"]["passed"] for line in lines), lines


def test_the_share_of_a_card_is_of_what_its_sheet_says() -> None:
    assert mfu(98.9e12, "NVIDIA H100 80GB HBM3") == 0.1
    assert mfu(1e12, "a card of tomorrow") is None
