"""Reading aloud and writing down with the full-duplex model."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from agent import LanguageModel
from agent.live.runtime import make_stepper
from agent.model.config import Ours
from agent.model.presets import tiny
from agent.offline.hear import Lateness, hear
from agent.offline.say import SENTENCE_PAUSE, WORD_PAUSE, ReadingScript, say
from agent.training.start import deafened
from tests.agent.judging.test_evaluate import TinyBundle, tiny_bundle
from tests.support.agent_fixtures import noise

PAD, EPAD, WORD = 3, 0, 9


def run(script: ReadingScript, wishes: list[int]) -> list[int]:
    return [script.next(wish) for wish in wishes]


def test_a_word_begins_when_the_model_wants_one() -> None:
    script = ReadingScript([((11, 12), False), ((21,), False), ((31,), True)], PAD, EPAD)
    #                    epad, word 1      pads    a word at once  pad  epad word
    assert run(script, [EPAD, PAD, PAD, PAD, PAD, WORD, PAD, EPAD, PAD, PAD]) == [
        EPAD,
        11,
        12,
        PAD,
        PAD,
        21,
        PAD,
        EPAD,
        31,
        PAD,
    ]
    assert script.over


def test_a_model_that_wants_nothing_is_paced() -> None:
    script = ReadingScript([((11,), False), ((21,), True), ((31,), False)], PAD, EPAD)
    said = run(script, [PAD] * 40)
    assert said[:2] == [EPAD, 11]
    assert said.index(21) == said.index(11) + WORD_PAUSE + 1
    assert said.index(31) == said.index(21) + SENTENCE_PAUSE + 1
    assert said.count(EPAD) == 3


def test_saying_says_every_word_in_order() -> None:
    bundle, text = tiny_bundle(), "that makes seven. hello there, how are you?"
    reading = say(bundle, text, seed=1)
    assert [word.text for word in reading.words] == text.split()
    starts = [word.start for word in reading.words]
    assert starts == sorted(starts)
    assert len(reading.audio) % 1920 == 0
    assert len(reading.audio) / 24_000 > starts[-1]
    assert np.isfinite(reading.audio).all()
    np.testing.assert_array_equal(say(bundle, text, seed=1).audio, reading.audio)
    assert not np.array_equal(say(bundle, text, seed=2).audio[: len(reading.audio)], reading.audio)


def test_a_voice_is_heard_before_but_not_in_the_reading() -> None:
    bundle = tiny_bundle()
    plain, voiced = say(bundle, "hello there"), say(bundle, "hello there", voice=noise(30, seed=3))
    assert [word.text for word in voiced.words] == ["hello", "there"]
    assert voiced.words[0].start < 2.0
    assert not np.array_equal(plain.audio[:1920], voiced.audio[:1920])


def test_nothing_to_say_and_no_voice_to_say_it_with() -> None:
    bundle = tiny_bundle()
    with pytest.raises(ValueError, match="nothing to say"):
        say(bundle, "  ")
    with pytest.raises(ValueError, match="shorter than a frame"):
        say(bundle, "hello", voice=np.zeros(100, np.float32))
    deaf = dataclasses.replace(bundle, model=deafened(bundle.model).eval())
    assert say(deaf, "hello").words
    with pytest.raises(ValueError, match="one voice and does not hear another"):
        say(deaf, "hello", voice=noise(30, seed=3))
    with pytest.raises(ValueError, match="only listens"):
        say(listener(), "hello")


def test_the_quick_way_says_and_hears_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """ONNX Runtime's graphs in float32, with the codec as it is; in 8 bits the commands run on them."""
    pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")
    bundle, text = tiny_bundle(), "that makes seven. hello there."
    plain, heard = say(bundle, text, seed=1), hear(bundle, noise(20, seed=8))
    for module in ("agent.live.runtime", "agent.offline.hear"):
        monkeypatch.setattr(f"{module}.make_stepper", lambda *given, **named: in_float32(*given[:2]))
    again = say(bundle, text, seed=1, runtime="fast")
    assert again.words == plain.words
    np.testing.assert_allclose(again.audio, plain.audio, atol=1e-3)
    assert hear(bundle, noise(20, seed=8), runtime="fast") == heard


def in_float32(model: LanguageModel, codec: Any) -> Any:
    return make_stepper(model, codec, "fused", int8=False, cache=None, threads=1)


def test_an_unknown_runtime_is_told() -> None:
    slow: Any = "slow"
    for work in (say, hear):
        with pytest.raises(ValueError, match="there is no runtime 'slow'; choose one of fast, fused, torch, slots"):
            work(tiny_bundle(), "hello" if work is say else noise(5), runtime=slow)  # type: ignore[operator]


def listener() -> TinyBundle:
    """A model without a voice, as Kyutai's STT models are."""
    bundle = tiny_bundle()
    config = dataclasses.replace(
        bundle.model.config,
        depth=None,
        dep_q=0,
        n_q=2,
        ours=Ours(),
        delays=(0, 0, 1),
    )
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return dataclasses.replace(bundle, model=LanguageModel(config).eval())


class WordVocabulary:
    """Every id above the special ones is a word."""

    def piece(self, id: int) -> str:
        return f" w{id}" if id > 3 else ""

    def begins_word(self, id: int) -> bool:
        return id > 3

    def decode(self, ids: list[int]) -> str:
        return "".join(map(self.piece, ids))


def test_what_is_heard_lies_where_training_put_it() -> None:
    """Every token heard is the one that the whole-sequence model predicts for the frame it is dated to."""
    bundle, sound = tiny_bundle(), noise(20, seed=8)
    model, config = bundle.model, bundle.model.config
    late = config.ours.user_text_delay
    assert late == 2
    words = hear(dataclasses.replace(bundle, vocabulary=WordVocabulary()), sound)
    user = bundle.codec.encode(torch.from_numpy(np.pad(sound, (0, round((late * 0.08 + 1.0) * 24_000))))[None, None])[0]
    quiet = bundle.codec.encode(torch.zeros(1, 1, 25 * 1920))[0, :, -1:]
    frames = user.shape[1] - 1 - late
    codes = torch.full((1, config.streams, user.shape[1] - 1), -1)
    codes[0, 0], codes[0, 1:3], codes[0, 3:5] = config.pad, quiet, user[:, 1:]  # frame t hears the sound's t + 1
    for frame in range(frames):  # its own words come back to it
        with torch.no_grad():
            logits = model(codes).user_text_logits
        assert logits is not None
        codes[0, 1 + config.n_q, frame] = int(logits[0, 0, frame].argmax())
    expected = [(f"w{id}", round((frame + 1) * 0.08, 4)) for frame, id in enumerate(codes[0, -2, :frames].tolist())]
    heard = [(word.text, word.start) for word in words]
    assert {word.speaker for word in words} == {"SPEAKER_USER"}
    assert len(set(heard)) > 5
    assert set(heard) >= {pair for pair in expected if pair[0] not in ("w0", "w1", "w2", "w3")}


def test_a_model_that_only_listens_writes_its_text_stream() -> None:
    bundle, sound = dataclasses.replace(listener(), vocabulary=WordVocabulary()), noise(20, seed=8)
    early, late = hear(bundle, sound), hear(bundle, sound, Lateness(delay=0.4))
    assert len(early) > 5
    later = {(word.text, round(word.start - 0.4, 2)) for word in early if word.start > 0.4}
    assert later <= {(word.text, round(word.start, 2)) for word in late}


def test_a_model_that_writes_nothing_down_says_so() -> None:
    bundle = tiny_bundle()
    config = dataclasses.replace(
        tiny(2), text_card=bundle.vocabulary.size, ours=dataclasses.replace(tiny(2).ours, user_text_delay=None)
    )
    deaf = dataclasses.replace(bundle, model=LanguageModel(config).eval())
    with pytest.raises(ValueError, match="no stream of the user's words"):
        hear(deaf, noise(5))
