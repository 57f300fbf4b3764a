"""One command that proves and measures a card: `python -m bench gpu [--minutes 10] --out DIR`.

First what must be right (tokens of the plain model, graphs against eager, a snapshot's way to the CPU and back), then
how fast it is: ticks and memory over the number of conversations for Moshi-7B and the shape of the agent that ships,
codec frames a second, training, and the wheel `moshi` on the same card. All weights are random. Every part is a process
of its own with a share of the minutes; what it found till it was cut counts. Without a card the parts that need none
run on the CPU, and the report says so.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Column, Table

from corpus.durable import replace_text

from .card.part import Effort, Line
from .card.parts import PARTS, run_part

LINES = "lines.jsonl"
REPORT = "gpu.json"
Runner = Callable[[str, float, Path], None]  # a part's name, its seconds, the file of lines


def run(as_json: bool = False, smallest: bool = False, minutes: float = 10.0, out: Path | None = None) -> None:
    """Prove, measure and print; partial results when cut."""
    device = "cuda" if torch.cuda.is_available() and not smallest else "cpu"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(out or scratch)
        folder.mkdir(parents=True, exist_ok=True)
        lines = folder / LINES
        lines.unlink(missing_ok=True)
        runner = in_place(device) if smallest else apart(device)
        try:
            for name, seconds in shares(60 * minutes, smallest or device != "cpu", time.monotonic):
                if not as_json:
                    Console(stderr=True).print(f"{name}: at most {seconds:.0f} s", highlight=False)
                runner(name, seconds, lines)
                write_report(folder, device, smallest)
        except KeyboardInterrupt:
            Console(stderr=True).print("cut: what follows is what there was till then")
        show(write_report(folder, device, smallest), as_json)


def shares(seconds: float, whole: bool, clock: Callable[[], float]) -> Iterator[tuple[str, float]]:
    """The parts to run and the seconds that each may take: its share of what is left, so that all end in time.

    Not `whole`: without those that need a card.
    """
    wanted = [(name, part) for name, part in PARTS.items() if whole or not part.needs_card]
    ends = clock() + seconds
    for index, (name, part) in enumerate(wanted):
        rest = sum(each.share for _, each in wanted[index:])
        left = ends - clock()
        if left <= 0:
            return
        yield name, left * part.share / rest


def in_place(device: str) -> Runner:
    """Parts at their smallest size in this process."""
    return lambda name, seconds, lines: run_part(name, Effort(device, True, time.monotonic() + seconds), lines)


def apart(device: str) -> Runner:
    """Every part in a process, ended when its time is over; what it prints goes to a file beside its lines."""

    def start(name: str, seconds: float, lines: Path) -> None:
        command = [sys.executable, "-m", "bench.agent.card.parts", name, device, "0", str(seconds), str(lines)]
        with (lines.parent / f"{name}.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            try:
                code = process.wait(timeout=seconds)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if code != 0:
            ending = "cut: its time was over" if code is None else f"ended with status {code}, see {name}.log"
            with lines.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(Line(name, "ending", {"skipped": ending}))) + "\n")

    return start


def write_report(folder: Path, device: str, whole: bool) -> dict[str, Any]:
    """All lines so far as one JSON file."""
    found = []
    if (folder / LINES).exists():
        for line in (folder / LINES).read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):  # the last may be cut
                found.append(json.loads(line))
    passed = [line["figures"]["passed"] for line in found if "passed" in line["figures"]]
    report = {
        "device": torch.cuda.get_device_name() if device != "cpu" else f"CPU only ({platform.machine()}): no card here",
        "torch": torch.__version__,
        "checks_passed": bool(passed) and all(passed),
        "left_out": [] if whole or device != "cpu" else [name for name, part in PARTS.items() if part.needs_card],
        "lines": found,
    }
    replace_text(folder / REPORT, json.dumps(report, indent=1) + "\n")
    return report


def show(report: dict[str, Any], as_json: bool) -> None:
    """For people, or as JSON."""
    if as_json:
        print(json.dumps(report, indent=1))
        return
    title = f"{report['device']}, torch {report['torch']}; checks {'passed' if report['checks_passed'] else 'FAILED'}"
    table = Table("part", "what", Column("result", overflow="fold"), title=title, box=None)
    for line in report["lines"]:
        shown = ", ".join(f"{name} {value}" for name, value in line["figures"].items() if value is not None)
        table.add_row(line["part"], line["name"], shown)
    for name in report["left_out"]:
        table.add_row(name, "", "left out: it needs a card")
    Console().print(table)
