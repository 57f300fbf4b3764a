"""The agent speaks by one engine, everybody else by another; and an engine of the examples."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from corpus.record import Voice
from synth.engines.paired import PairedEngine
from synth.engines.protocol import ReferenceVoice, Speech, Style
from synth.recipe import CorpusRecipe, parse_recipe
from synth.running.workers import CorpusJob
from synth.voices.casting import engine_voices, load_engine
from tests.support.places import ROOT
from tests.support.tone_engine import ToneEngine


@dataclass
class NamedEngine(ToneEngine):
    name: str = "tone"
    version: str = "1"
    asked: list[str] = field(default_factory=list)

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        self.asked.append(voice.voice.id)
        return super().speak(text, voice, style, seed)


def voice(id: str, engine: str) -> ReferenceVoice:
    return ReferenceVoice(
        Voice(id=id, kind="recorded", engine=engine, licence="CC0-1.0", source="", consent="synthetic")
    )


def test_a_voice_speaks_by_the_engine_it_is_of() -> None:
    one, other = NamedEngine("one", "1.0"), NamedEngine("other", "2.0")
    both = PairedEngine(one, other)
    for id, engine in (("a", "one"), ("b", "other"), ("c", "one")):
        both.speak("hello", voice(id, engine), Style(), 0)
    assert (one.asked, other.asked) == (["a", "c"], ["b"])
    assert (both.name, both.version) == ("one", "1.0, 2.0")


def recipe(**voices: object) -> CorpusRecipe:
    return parse_recipe({"voices": {"agent": ["joe"], "user_engine": "espeak:en-us,en-029", **voices}})


def test_users_come_from_their_engine_and_the_agent_from_its_own(tmp_path: Path) -> None:
    pytest.importorskip("piper", reason="needs the extra 'piper'")
    pytest.importorskip("espeakng_loader", reason="needs the extra 'espeak'")
    planner = CorpusJob(tmp_path, recipe(), seed=3).planner()
    plans = [planner.plan(number) for number in range(12)]
    agents = {plan.speaker("agent").voice.id for plan in plans if plan.speaker("agent").voice is not None}  # type: ignore[union-attr]
    users = {plan.speaker("user").voice.id for plan in plans if plan.speaker("user").voice is not None}  # type: ignore[union-attr]
    assert agents == {"joe"}
    assert users <= set(engine_voices("espeak:en-us,en-029"))
    assert len(users) > 5
    assert "espeak" in CorpusJob(tmp_path, recipe(), seed=3).check()
    one = CorpusJob(tmp_path, recipe(user=["en-us-f2"]), seed=3).planner().plan(0)
    assert one.speaker("user").voice.id == "en-us-f2"  # type: ignore[union-attr]


def test_what_does_not_go_together_is_told_and_old_recipes_stay_what_they_were() -> None:
    with pytest.raises(ValueError, match=r"voices\.user_engine speaks with its own voices"):
        recipe(folders=["mine"])
    with pytest.raises(ValueError, match="is the recipe's engine; leave it out"):
        parse_recipe({"engine": "espeak", "voices": {"user_engine": "espeak"}})
    assert "user_engine" not in CorpusRecipe().model_dump()["voices"]


@pytest.mark.skipif(shutil.which("flite") is None, reason="needs the program flite")
def test_the_example_engine_speaks_and_is_repeatable(tmp_path: Path) -> None:
    for file in ("flite.toml", "flite_worker.py"):
        text = (ROOT / "examples" / "engines" / file).read_text()
        (tmp_path / file).write_text(text.replace('"python3"', f'"{sys.executable}"'))
    name = f"worker:{tmp_path / 'flite.toml'}"
    voices, engine = engine_voices(name), load_engine(name)
    first, again = (engine.speak("what colour is the sky", voices["flite-slt"], Style(), seed) for seed in (0, 1))
    assert np.array_equal(first.samples, again.samples)
    assert 0.8 < len(first.samples) / first.rate < 4
    assert len(engine.speak("what colour is the sky", voices["flite-slt"], Style(rate=1.25), 0).samples) < 0.9 * len(
        first.samples
    )
