"""Voices of the hub with many speakers: named by file and speaker, measured once, split for judging, all drawn."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("piper", reason="needs the extra 'piper'")

from synth.engines import Style, engine_entry
from synth.engines.piper_hub import hub_weights, is_hub_voice, speakers_of, stated_rights
from synth.plan import Planner
from synth.recipe import parse_recipe
from synth.speaking.acoustics import load_noise_bank
from synth.voices.bank import pick_pair
from synth.voices.casting import engine_voices, load_engine
from synth.voices.speakers import measure_speakers, measured_file, measured_speakers, on_side
from tests.support.tones_voice import CARD, NAME, PITCHES


def test_a_name_is_its_files_and_only_a_name_is() -> None:
    (weights,) = hub_weights("en_US-libritts_r-medium#12")
    folder = "en/en_US/libritts_r/medium"
    assert weights.repo == "rhasspy/piper-voices"
    assert weights.files == (
        f"{folder}/en_US-libritts_r-medium.onnx",
        f"{folder}/en_US-libritts_r-medium.onnx.json",
        f"{folder}/MODEL_CARD",
    )
    assert [is_hub_voice(name) for name in ("en_GB-vctk-medium", "de_DE-thorsten-x_low", "mine.toml", "en-us")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("stated", "licence"),
    [
        ("CC BY 4.0", "CC-BY-4.0"),
        ("CC0", "CC0-1.0"),
        ("[CC-BY-4.0](https://x)", "CC-BY-4.0"),
        ("Public Domain", "CC0-1.0"),
        ("CC BY-NC-SA 4.0", "not stated (CC BY-NC-SA 4.0)"),
        ("Blizzard 2013", "not stated (Blizzard 2013)"),
    ],
)
def test_the_licence_is_what_the_card_states(stated: str, licence: str) -> None:
    assert stated_rights(CARD.replace("CC BY 4.0", stated)) == (licence, "https://example.org/tones")


def test_before_it_is_fetched_the_command_that_does_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("weights", "piper_hub"):
        monkeypatch.setattr(f"synth.engines.{module}.cached", lambda *args: None)
    assert engine_entry(f"piper:{NAME}").languages == ("en",)
    with pytest.raises(ValueError, match=f"type: synth engines fetch piper:{NAME}"):
        engine_voices(f"piper:{NAME}")


def test_every_speaker_is_a_voice_that_sounds_its_own_way(fetched: str) -> None:
    voices, engine = engine_voices(fetched), load_engine(fetched)
    assert list(voices) == [f"tones-{name}" for name in PITCHES]
    assert {voice.voice.licence for voice in voices.values()} == {"CC-BY-4.0"}
    low, high = (engine.speak("One two three.", voices[f"tones-{id}"], Style(), 0) for id in ("p0", "p11"))
    assert low.words is not None
    assert [word.text for word in low.words] == ["One", "two", "three."]
    assert _pitch(low.samples, low.rate) == pytest.approx(100.0, abs=3.0)
    assert _pitch(high.samples, high.rate) == pytest.approx(265.0, abs=3.0)
    assert list(engine_voices(f"{fetched}#p3")) == ["tones-p3"]
    assert list(engine_voices(f"{fetched}#3")) == ["tones-p3"]
    with pytest.raises(ValueError, match="has no speaker 'zoe'; it has 12: p0, p1"):
        engine_voices(f"{fetched}#zoe")


def _pitch(samples: np.ndarray, rate: int) -> float:
    middle = samples[len(samples) // 4 : len(samples) // 4 + 8192]
    return float(np.argmax(np.abs(np.fft.rfft(middle * np.hanning(8192))))) * rate / 8192


def test_speakers_are_measured_once_and_their_pitch_tells_women_from_men(fetched: str) -> None:
    voices, engine = engine_voices(fetched), load_engine(fetched)
    some = dict(list(voices.items())[::5])
    assert measure_speakers(fetched, engine, some, "en") == 3
    with measured_file(fetched).open("a") as stream:
        stream.write('{"id": "tones-p1", "prof')  # killed here
    assert measure_speakers(fetched, engine, some, "en") == 0
    known = measured_speakers(fetched)
    assert {id: round(one.profile.pitch, -1) for id, one in known.items() if one.profile} == {
        "tones-p0": 100.0,
        "tones-p5": 180.0,
        "tones-p10": 250.0,
    }
    again = engine_voices(fetched)
    assert [again[f"tones-{id}"].gender for id in ("p0", "p5", "p10", "p1")] == ["m", "f", "f", None]


def test_one_speaker_of_ten_is_kept_to_judge_with() -> None:
    ids = [f"libritts_r-{number}" for number in range(900)]
    judges = [id for id in ids if on_side(id, "evaluation")]
    assert 60 < len(judges) < 120
    assert [id for id in ids if on_side(id, "train")] == [id for id in ids if id not in judges]


def test_all_speakers_are_drawn(fetched: str) -> None:
    recipe = parse_recipe({"engine": fetched, "length": {"shortest": 40, "longest": 60}})
    planner = Planner(recipe, 0, engine_voices(fetched), load_noise_bank())
    rng = random.Random(0)
    drawn = {voice.voice.id for _ in range(200) for voice in pick_pair(planner.voices, rng)}
    assert drawn == set(planner.voices)
    assert speakers_of(Path(hub_config(fetched))) == {name: number for number, name in enumerate(PITCHES)}


def hub_config(engine: str) -> str:
    from synth.engines import piper_hub

    found = piper_hub.cached("", f"{engine.removeprefix('piper:')}.onnx.json")
    assert found is not None
    return str(found)
