"""What each quality gate costs: seconds of work for a second of speech, next to speaking it, on one thread."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable

import torch
from rich.console import Console
from rich.table import Table

from corpus.audio import SAMPLE_RATE, resample
from synth.engines.protocol import Speech, Style
from synth.speaking.quality.gates import CALIBRATION, Gates
from synth.speaking.quality.settings import Gate, QualitySettings
from synth.voices.bank import load_bank
from synth.voices.casting import load_engine

ROUNDS = 3


def run(as_json: bool = False, smallest: bool = False) -> None:
    """Print the cost of each gate; DUOLOGUE_WHISPER names a faster-whisper model folder for the gate `words`."""
    torch.set_num_threads(1)
    whisper = os.environ.get("DUOLOGUE_WHISPER", "")
    engine = load_engine("piper")
    voice = next(reference for reference in load_bank([]).values() if reference.audio is not None)
    spoken: list[tuple[str, Speech]] = []
    speaking = _seconds(lambda: spoken.extend((text, engine.speak(text, voice, Style(), 1)) for text in CALIBRATION))
    speech = sum(len(resample(take.samples, take.rate, SAMPLE_RATE)) for _, take in spoken) / SAMPLE_RATE
    costs = {"speaking (piper, pseudo-speaker)": speaking / speech}
    light: tuple[Gate, ...] = ("ends", "rate")
    heavy: tuple[Gate, ...] = ("speaker", "dnsmos", "words") if whisper else ("speaker", "dnsmos")
    gates = light if smallest else light + heavy
    rounds = 1 if smallest else ROUNDS
    for gate in gates:
        judge = Gates(QualitySettings(gates=(gate,), whisper=whisper)).judge
        judge(spoken[0][1], spoken[0][0], voice, engine)  # loads the model, calibrates the voice

        def judged(judge: Callable[..., object] = judge) -> None:
            for text, take in spoken * rounds:
                judge(take, text, voice, engine)

        took = _seconds(judged)
        costs[f"gate {gate}"] = took / rounds / speech
    if as_json:
        print(json.dumps({name: round(value, 4) for name, value in costs.items()}))
        return
    table = Table("", "s for a second of speech", "against speaking")
    for name, value in costs.items():
        table.add_row(name, f"{value:.3f}", f"{value / costs['speaking (piper, pseudo-speaker)']:.2f}")
    Console().print(table)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
