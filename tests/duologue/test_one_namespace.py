"""`import duologue`: a corpus as a sequence, the codec on numpy and torch, an agent that replies and streams."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch

import duologue
from agent import LanguageModel
from agent.files.vocabulary import Vocabulary, train_vocabulary
from agent.model.presets import tiny
from agent.offline.converse import converse, stream_words
from agent.offline.users import RecordedUser
from codec import Codec
from codec.config import tiny as tiny_codec
from tests.support.agent_fixtures import noise
from tests.support.tiny_corpus import TEXTS, dialogue, write_corpus


@dataclasses.dataclass(frozen=True)
class NamedBundle:
    model: LanguageModel
    codec: Codec
    vocabulary: Vocabulary
    name: str = "tiny"
    hearing: None = None


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> duologue.LoadedCorpus:
    return duologue.load_corpus(write_corpus(tmp_path_factory.mktemp("facade") / "corpus", 3))


@pytest.fixture(scope="module")
def codec() -> duologue.Codec:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return duologue.Codec(Codec(tiny_codec(2)).eval())


@pytest.fixture(scope="module")
def agent() -> duologue.Agent:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        vocabulary = train_vocabulary([" ".join(TEXTS)], 290)
        config = dataclasses.replace(tiny(2), text_card=vocabulary.size)
        bundle = NamedBundle(LanguageModel(config).eval(), Codec(tiny_codec(2)).eval(), vocabulary)
        return duologue.Agent(bundle)  # type: ignore[arg-type]


def test_a_corpus_tells_what_it_holds(corpus: duologue.LoadedCorpus) -> None:
    where = corpus.corpus.directory
    assert repr(corpus) == f"<corpus {where}: 0.01 hours, 3 dialogues, 2 speakers, en>"
    assert repr(corpus[0]) == "<dialogue d0000000: 8.0 s, 18 words, en>"


def test_dialogues_are_had_by_number(corpus: duologue.LoadedCorpus) -> None:
    assert [each.id for each in corpus] == [corpus[i].id for i in range(3)] == [each.id for each in corpus[:]]
    assert corpus[-1].id == "d0000002"
    assert [each.id for each in corpus[1:]] == ["d0000001", "d0000002"]
    with pytest.raises(IndexError):
        corpus[3]


def test_a_dialogue_has_its_sound_and_the_words_of_both_sides(corpus: duologue.LoadedCorpus) -> None:
    record, audio = dialogue(1, seed=1)
    loaded = corpus[1]
    np.testing.assert_allclose(loaded.audio, audio, atol=2**-15)
    first, sixth = loaded.words[0], loaded.words[5]
    assert (first.text, first.speaker, first.channel) == ("hello", "agent", 0)
    assert (sixth.text, sixth.speaker, sixth.channel) == ("fine", "user", 1)
    assert (first.start, first.end) == (record.turns[0].words[0].start, record.turns[0].words[0].end)
    assert " ".join(word.text for word in loaded.words) == " ".join(TEXTS)
    assert loaded.text.splitlines()[1] == f"user: {TEXTS[1]}"


def test_no_corpus_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no corpus \(corpus.json is missing\)"):
        duologue.load_corpus(tmp_path)


@pytest.mark.parametrize("shape", [(5000,), (2, 5000), (2, 1, 5000)])
def test_the_codec_takes_and_gives_numpy_and_torch_alike(codec: duologue.Codec, shape: tuple[int, ...]) -> None:
    wave = 0.1 * np.random.default_rng(0).standard_normal(shape)
    codes = codec.encode(wave)
    many = () if len(shape) == 1 else (2,)
    assert (codes.shape, codes.dtype) == ((*many, 2, 3), np.int64)
    assert torch.equal(codec.encode(torch.from_numpy(wave)), torch.from_numpy(codes))
    back = codec.decode(codes)
    assert (back.shape, back.dtype) == ((*many, 3 * 1920), np.float32)
    assert torch.equal(codec.decode(torch.from_numpy(codes)), torch.from_numpy(back))


def test_a_batch_is_its_waves(codec: duologue.Codec) -> None:
    waves = 0.1 * np.random.default_rng(1).standard_normal((2, 4000)).astype(np.float32)
    np.testing.assert_array_equal(codec.encode(waves)[1], codec.encode(waves[1]))


def test_the_codec_says_what_it_cannot_take(codec: duologue.Codec) -> None:
    assert (codec.sample_rate, codec.frame_rate, codec.codebooks) == (24_000, 12.5, 2)
    with pytest.raises(ValueError, match="works at 24000 Hz, got 16000"):
        codec.encode(np.zeros(5000, np.float32), sample_rate=16_000)
    with pytest.raises(ValueError, match=r"a wave must be \[T\]"):
        codec.encode(np.zeros((1, 1, 1, 9), np.float32))
    with pytest.raises(ValueError, match="codes must lie in"):
        codec.decode(np.full((2, 3), 10**6))


def test_an_agent_replies_to_a_file_on_one_clock(agent: duologue.Agent, tmp_path: Path) -> None:
    question = noise(5)
    soundfile.write(tmp_path / "question.wav", question, 24_000, subtype="FLOAT")
    reply = agent.reply(tmp_path / "question.wav", wait=0.4, seed=2)
    assert reply.audio.shape == (2, 10 * 1920)
    np.testing.assert_allclose(reply.audio[1, : len(question)], question, atol=1e-6)
    np.testing.assert_array_equal(reply.audio, agent.reply(question, wait=0.4, seed=2).audio)
    assert {word.channel for word in reply.words} == {0, 1}
    assert reply.text == " ".join(word.text for word in reply.words if word.speaker == "agent")
    saved, rate = soundfile.read(reply.save(tmp_path / "both.flac"))
    assert (saved.shape, rate) == ((10 * 1920, 2), 24_000)
    with pytest.raises(ValueError, match=r"name a \.wav or \.flac file"):
        reply.save(tmp_path / "both.mp3")


def test_a_text_stream_without_words_has_none(agent: duologue.Agent) -> None:
    assert stream_words(np.full(4, 3, np.int64), agent.bundle.vocabulary) == []


def test_the_users_words_are_not_labelled_as_the_agents(agent: duologue.Agent) -> None:
    (talk,) = converse(agent.bundle, [RecordedUser(noise(20))])
    assert {word.speaker for word in talk.words(agent.bundle.vocabulary)} == {"SPEAKER_MAIN"}
    assert {word.speaker for word in talk.user_words(agent.bundle.vocabulary)} == {"SPEAKER_USER"}


def test_an_agent_streams_many_conversations_on_one_model(agent: duologue.Agent) -> None:
    frames = noise(4).reshape(-1, 1920)
    with agent.stream(runtime="torch") as first, agent.stream(runtime="torch") as second:
        heard = [(first.step(frame), second.step(frame)) for frame in frames]
    assert heard[-1][0].ready
    for one, other in heard:
        np.testing.assert_array_equal(one.audio, other.audio)
    with pytest.raises(ValueError, match="no open conversation"):
        first.step(frames[0])
