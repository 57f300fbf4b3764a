"""What the gates `words`, `rate` and `ends` cost and catch: dialogues lost with the default engine, and garbled clips.

One take in twenty is spoiled before it is judged, in one of four ways. DUOLOGUE_WHISPER names a faster-whisper model.
"""

from __future__ import annotations

import json
import os
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from rich.console import Console
from rich.table import Table

from corpus.audio import Samples
from corpus.record import Dialogue
from synth.engines.protocol import Engine, ReferenceVoice, Speech
from synth.plan import Planner
from synth.recipe import CorpusRecipe, parse_recipe
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.quality.control import Control
from synth.speaking.quality.gates import Gates, Verdict
from synth.speaking.quality.yields import collect_yield
from synth.speaking.studio import RejectedError, Studio
from synth.voices.casting import engine_voices, load_engine

DIALOGUES = 37
LENGTH = {"shortest": 100, "longest": 250}  # words: a short dialogue is lost sooner than a long one
PLANTED = 0.05
PIECE = 0.12  # s, of what is shuffled
AIMS = {"dialogues lost": 0.03, "garbled takes caught": 0.95}


@dataclass
class Garbling(Gates):
    """Gates to which one take in twenty comes spoiled; `planted` and `caught` count them by kind."""

    planted: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    _last: Samples | None = None
    _rng: random.Random = field(default_factory=lambda: random.Random(5))

    def judge(self, speech: Speech, text: str, voice: ReferenceVoice, engine: Engine) -> Verdict:
        """See `Gates.judge`."""
        other, self._last = self._last, speech.samples
        if self._rng.random() >= PLANTED or other is None:
            return super().judge(speech, text, voice, engine)
        kind = self._rng.choice(("other words", "cut in the middle", "shuffled", "under noise"))
        verdict = super().judge(replace(speech, samples=self._spoiled(speech, kind, other)), text, voice, engine)
        self.planted[kind] += 1
        self.caught[kind] += bool(verdict.reasons)
        return verdict

    def _spoiled(self, speech: Speech, kind: str, other: Samples) -> Samples:
        sound = speech.samples
        match kind:
            case "other words":
                return other
            case "cut in the middle":
                return sound[: len(sound) // 2]
            case "shuffled":
                pieces = np.array_split(sound, max(2, round(len(sound) / speech.rate / PIECE)))
                self._rng.shuffle(pieces)
                return np.concatenate(pieces)
        level = float(np.sqrt(np.mean(sound**2)))
        made = np.random.default_rng(self._rng.getrandbits(32)).standard_normal(len(sound))
        return np.asarray((sound + 4 * level * made) / 5, np.float32)


def run(as_json: bool = False, smallest: bool = False) -> None:
    """Measure and print."""
    whisper = os.environ.get("DUOLOGUE_WHISPER", "")
    length = {"shortest": 20, "longest": 20} if smallest else LENGTH
    recipe = parse_recipe({"length": length, "behaviours": {"backchannels": 0}})  # those are not gated
    light = recipe.quality.model_copy(update={"gates": ("ends", "rate")})
    recipe = recipe.model_copy(update={"quality": light if smallest else light.switched_on(whisper)})
    figures = measure(recipe, 1 if smallest else DIALOGUES)
    if as_json:
        print(json.dumps(figures))
        return
    table = Table("figure", "measured", "aim", title="Quality gates: what they cost and what they catch")
    for name, value in figures.items():
        table.add_row(name, str(value), str(AIMS.get(name, "")))
    Console().print(table)


def measure(recipe: CorpusRecipe, count: int) -> dict[str, object]:
    """Figures of so many dialogues; every reject is written to standard error."""
    engine, voices = load_engine(recipe.engine), engine_voices(recipe.engine)
    gates, noises = Garbling(recipe.quality), load_noise_bank()
    planner = Planner(recipe, 0, voices, noises)
    studio = Studio(engine, voices, noises, 0, control=Control(gates, engine))
    made: list[Dialogue] = []
    lost = 0
    for number in range(count):
        try:
            made.append(studio.render(planner.plan(number)).dialogue)
            _told(made[-1:])
        except RejectedError as error:
            lost += 1
            print(error, file=sys.stderr)
        print(number + 1, lost, dict(gates.planted), dict(gates.caught), file=sys.stderr, flush=True)
    found = collect_yield(made)
    planted = gates.planted.total()
    return {
        "dialogues": count,
        "dialogues lost": lost / count,
        "turns left out": found.dropped,
        "utterances": found.utterances,
        "takes failed": dict(found.reasons),
        "garbled takes": planted,
        "garbled takes caught": gates.caught.total() / planted if planted else 0.0,
        "missed by kind": {kind: number - gates.caught[kind] for kind, number in gates.planted.items()},
    }


def _told(made: Sequence[Dialogue]) -> None:
    for reject in collect_yield(made).rejects:
        print(reject, file=sys.stderr)
