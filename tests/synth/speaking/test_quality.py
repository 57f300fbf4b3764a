"""Quality gates: each fault has its reason code, failed takes are spoken again, the record says so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from corpus.record import UtteranceQuality, Voice
from synth.engines.protocol import ReferenceVoice, Speech, Style
from synth.recipe import parse_recipe, taken_up
from synth.running.generate import CorpusOrder, generate
from synth.speaking.quality import QualitySettings
from synth.speaking.quality.control import Control, joined, text_parts
from synth.speaking.quality.gates import Gates, Verdict, edge_faults, spoken_seconds
from synth.speaking.quality.load import check_control, load_control
from tests.support.speechlike import speech_like
from tests.support.tone_engine import RATE, ToneEngine

TEXT = "Good morning to you all, the train leaves soon. Please mind the gap."
VOICE = ReferenceVoice(Voice(id="t", kind="recorded", engine="tone", licence="CC0-1.0", source="-", consent="-"))


@dataclass
class Faulty:
    """A tone engine whose first takes are spoiled by the given functions."""

    spoil: list[object]
    inner: ToneEngine = field(default_factory=ToneEngine)
    calls: list[str] = field(default_factory=list)
    name = "faulty"
    languages = ("en",)
    clones = True
    licence_code = licence_weights = "CC0-1.0"
    version = "faulty 1"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        speech = self.inner.speak(text, voice, style, seed)
        self.calls.append(text)
        spoil = self.spoil.pop(0) if self.spoil else None
        return replace(speech, samples=spoil(speech.samples)) if callable(spoil) else speech


def gates(**settings: object) -> Gates:
    return Gates(QualitySettings(gates=("ends", "rate"), **settings))  # type: ignore[arg-type]


def silence(samples: np.ndarray) -> np.ndarray:
    return np.zeros_like(samples)


def loud(samples: np.ndarray) -> np.ndarray:
    return np.clip(samples * 1000, -1, 1)


def test_each_fault_of_the_ends_has_its_code() -> None:
    clean = np.concatenate([np.zeros(2400, np.float32), speech_like(2.0, 1), np.zeros(2400, np.float32)])
    quiet = np.zeros(30_000, np.float32)
    assert edge_faults(clean) == []
    assert edge_faults(loud(clean)) == ["clipped"]
    assert edge_faults(np.concatenate([quiet, clean])) == ["silent_start"]
    assert edge_faults(np.concatenate([clean, quiet])) == ["silent_end"]
    tone = np.sin(np.arange(24_000) / 10).astype(np.float32) * 0.3
    assert edge_faults(tone) == ["cut_off"]
    assert spoken_seconds(np.concatenate([quiet, tone, quiet])) == pytest.approx(1.0, abs=0.06)


def test_silence_garbage_and_wrong_speed_fail() -> None:
    engine, gate = ToneEngine(), gates()
    take = engine.speak(TEXT, VOICE, Style(), 1)
    assert gate.judge(take, TEXT, VOICE, engine).reasons == ()
    for broken in (silence(take.samples), np.full_like(take.samples, np.nan), take.samples[:0]):
        assert gate.judge(Speech(broken, RATE, None), TEXT, VOICE, engine) == Verdict({}, ("no_speech",))
    assert gate.judge(take, "Hello.", VOICE, engine).reasons == ("rate",)
    assert gate.judge(take, TEXT * 6, VOICE, engine).reasons == ("rate",)


def test_a_recipe_knows_its_recogniser_by_content(tmp_path: Path) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.bin").write_bytes(b"weights")
    gate = {name: {"gates": ["words"], "whisper": str(tmp_path / name)} for name in ("here", "there")}
    recipes = [parse_recipe({"quality": quality}) for quality in gate.values()]
    assert recipes[0].model_dump() == recipes[1].model_dump()
    stored = recipes[0].model_dump(mode="json")
    assert stored["quality"]["whisper"].startswith("sha256:")
    assert taken_up(recipes[1], stored) == recipes[1]
    (tmp_path / "there" / "model.bin").write_bytes(b"others!")
    assert recipes[0].model_dump() != recipes[1].model_dump()


def test_words_heard_otherwise_fail_beyond_what_is_forgiven() -> None:
    pytest.importorskip("jiwer", reason="needs the extra 'evaluate'")

    class Hears:
        def __init__(self, text: str) -> None:
            self.text = text

        def transcribe(self, audio: np.ndarray) -> str:
            return self.text

        glance = transcribe

    gate, engine = gates(word_errors=0.2, forgiven=1), ToneEngine()
    take = engine.speak(TEXT, VOICE, Style(), 1)
    for heard, reasons in ((TEXT.upper(), ()), ("Good evening to you", ("words",)), (TEXT[:-4], ())):
        gate._recognizer = Hears(heard)  # type: ignore[assignment]
        assert gate.judge(take, TEXT, VOICE, engine).reasons == reasons


def test_new_seeds_then_parts_then_the_other_engine() -> None:
    speech, found = Control(gates(), Faulty([silence, loud])).speak(TEXT, VOICE, Style(), 5)
    assert speech is not None
    assert (found.takes, found.way, found.failed) == (3, "seed", ("no_speech", "clipped"))
    assert [take.reasons for take in found.rejects] == [("no_speech",), ("clipped",)]
    engine = Faulty([silence] * 3)
    speech, found = Control(gates(), engine).speak(TEXT, VOICE, Style(), 5)
    assert (found.takes, found.way, found.failed) == (4, "split", ("no_speech",) * 3)
    assert engine.calls[3:] == ["Good morning to you all,", "the train leaves soon.", "Please mind the gap."]
    assert speech is not None
    assert speech.words is not None
    assert [word.text for word in speech.words] == TEXT.split()
    assert all(a.end <= b.start for a, b in zip(speech.words, speech.words[1:], strict=False))
    _, found = Control(gates(split=False), Faulty([silence] * 3), ToneEngine()).speak(TEXT, VOICE, Style(), 5)
    assert (found.takes, found.way) == (4, "engine")
    refused, found = Control(gates(split=False), Faulty([silence] * 3)).speak(TEXT, VOICE, Style(), 5)
    assert refused is None
    assert (found.takes, found.way, found.measures) == (3, "", {})


def test_the_best_of_several_takes_is_kept() -> None:
    class Scored(Gates):
        def judge(self, speech: Speech, text: str, voice: ReferenceVoice, engine: object) -> Verdict:
            return Verdict({"dnsmos": float(len(speech.samples))}, ())

    engine = ToneEngine()
    speech, found = Control(Scored(QualitySettings(best_of=4)), engine).speak(TEXT, VOICE, Style(), 5)
    assert found.takes == 4
    assert speech is not None
    assert found.measures["dnsmos"] == len(speech.samples)


def test_parts_and_joining_by_hand() -> None:
    assert text_parts("Yes, it is. No.") == ["Yes, it is. No."]
    assert text_parts("One two three, four five six. Seven.") == ["One two three,", "four five six. Seven."]
    one = Speech(np.ones(100, np.float32), 1000, None)
    assert len(joined([one, one], ["a b c,", "d e f."]).samples) == 100 + 120 + 100
    assert joined([one, one], ["a b c,", "d e f."]).words is None


def test_what_a_gate_lacks_is_named_before_work_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_control(QualitySettings(), ToneEngine(), "en") is None
    with pytest.raises(ValueError, match="faster-whisper model"):
        QualitySettings(gates=("words",))
    with pytest.raises(ValueError, match="cannot be had: wer: cannot load"):
        load_control(QualitySettings(gates=("words",), whisper="nowhere"), ToneEngine(), "en")
    assert check_control(QualitySettings(), "en") is None
    with pytest.raises(ValueError, match=r"'nowhere' is no folder of a faster-whisper model \(model.bin\)"):
        check_control(QualitySettings(gates=("words",), whisper="nowhere"), "en")
    with pytest.raises(ValueError, match=r"quality.fallback: kokoro speaks with its own voices only"):
        check_control(QualitySettings(gates=("rate",), fallback="kokoro"), "en")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    for look in (lambda gates: load_control(gates, ToneEngine(), "en"), lambda gates: check_control(gates, "en")):
        with pytest.raises(ValueError, match="dnsmos: speechmos is not installed: pip install"):
            look(QualitySettings(gates=("dnsmos",)))


def test_one_flag_switches_the_gates_on() -> None:
    assert QualitySettings().switched_on().gates == ("speaker", "dnsmos", "rate", "ends")
    with_words = QualitySettings(seeds=5).switched_on("folder")
    assert (with_words.gates[-1], with_words.whisper, with_words.seeds) == ("words", "folder", 5)
    assert QualitySettings(gates=("rate",)).switched_on() == QualitySettings(gates=("rate",))


def test_another_engine_that_lacks_the_voice_is_no_way_out_and_no_crash() -> None:
    class OtherVoices(ToneEngine):
        def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
            raise ValueError(f"cannot clone {voice.voice.id}")

    speech, found = Control(gates(seeds=1, split=False), Faulty([silence]), OtherVoices()).speak(
        TEXT, VOICE, Style(), 0
    )
    assert speech is None
    assert found.failed == ("no_speech", "other_voice")


def test_gates_that_do_not_load_stop_the_run_with_their_reason(tmp_path: Path) -> None:
    for package in ("piper", "faster_whisper"):
        pytest.importorskip(package, reason="needs the extras 'piper' and 'evaluate'")
    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "model.bin").write_bytes(b"no model")
    order = CorpusOrder.of(
        out=tmp_path / "corpus", hours=0.01, engine="piper", workers=1, whisper=str(tmp_path / "whisper")
    )
    with pytest.raises(ValueError, match="a worker cannot begin: quality gates cannot be had: wer: cannot load"):
        generate(order, silent=True)


def test_a_record_keeps_what_was_found() -> None:
    found = UtteranceQuality(takes=2, way="seed", failed=("rate",), measures={"dnsmos": 3.1})
    assert UtteranceQuality.model_validate_json(found.model_dump_json()) == found
