"""Strangers: what is known is right or wrong, what is not must be declined, and nobody is spoken into."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.judging.probes import BEYOND, Probe, beyond_probes, question_probes
from agent.judging.scoring import Judged
from agent.judging.strangers import FASTER, LONG, PAUSE, StrangersFigures, _laid, _under, judge_strangers
from agent.judging.turn_taking import SpeechTimes
from agent.model.presets import tiny
from agent.offline.converse import OfflineTalk
from corpus.audio import SAMPLE_RATE, to_samples
from corpus.interleave import TimedWord
from corpus.reader import Corpus
from corpus.record import Dialogue, Question
from corpus.store import CorpusInfo, CorpusWriter
from tests.support.probe_corpus import SCRIPT, SPEAKERS, probe_corpus, sound, spoken_turn


def probe(question: str = "") -> Probe:
    user = np.zeros(to_samples(3.0), np.float32)
    asked = Question(kind="own", answer=question) if question else None
    return Probe("d0-001", "turn", user, user[: to_samples(1.0)], (), (1.0, 3.0), question=asked)


def judged(asked: Probe, *words: tuple[str, float]) -> Judged:
    silence = np.zeros(to_samples(9.0), np.float32)
    talk = OfflineTalk(silence, silence, np.zeros(113, np.int64), None, tiny(2))
    said = tuple(TimedWord(text, start, start + 0.2) for text, start in words)
    return Judged(asked, talk, said, SpeechTimes(()), None)


def test_figures_by_hand() -> None:
    talks = [
        judged(probe("seven"), ("That's", 3.2), ("seven.", 3.5)),
        judged(probe("seven"), ("seven", 2.0), ("eight.", 3.5)),  # too early to be an answer, and into the turn
        judged(probe(), ("I", 3.3), ("only", 3.5), ("know", 3.7), ("simple", 3.9), ("things.", 4.1)),
        judged(probe(), ("The", 3.3), ("sky", 3.5), ("is", 3.7), ("blue.", 3.9)),
        judged(probe(), ("Mhm", 2.9), ("Sorry,", 3.3), ("I", 3.5), ("did", 3.6), ("not", 3.7), ("catch", 3.9)),
    ]
    assert StrangersFigures.of(talks) == StrangersFigures(known=2, right=1, beyond=3, declined=2, spoken_into=1)


def test_a_faster_turn_is_shorter_from_its_beginning_on() -> None:
    tone = np.sin(np.arange(to_samples(3.0)) * 2 * np.pi * 200 / SAMPLE_RATE).astype(np.float32)
    asked = Probe("d0-001", "turn", tone, tone[: to_samples(1.0)], (), (1.0, 3.0), pauses=((2.1, 2.54),))
    faster = _under("faster", asked, None)
    assert faster.turn == pytest.approx((1.0, 1.0 + 2.0 / FASTER))
    assert len(faster.user) == pytest.approx(to_samples(faster.turn[1]), abs=1)
    assert np.array_equal(faster.user[: to_samples(1.0)], tone[: to_samples(1.0)])
    assert faster.pauses[0] == pytest.approx((2.0, 2.4))
    assert np.abs(_under("quiet", asked, None).user).max() == pytest.approx(0.1)
    with pytest.raises(ValueError, match="the condition room needs --speech"):
        _under("room", asked, None)


def test_a_turn_pauses_where_it_is_quietest() -> None:
    tone = np.sin(np.arange(to_samples(3.0)) * 2 * np.pi * 200 / SAMPLE_RATE).astype(np.float32)
    tone[to_samples(1.7) : to_samples(1.76)] = 0.0
    pausing = _under("pause", Probe("d0-001", "turn", tone, tone[: to_samples(1.0)], (), (1.0, 3.0)), None)
    assert pausing.turn == (1.0, 3.0 + PAUSE)
    middle = to_samples(1.73)
    assert not pausing.user[middle : middle + to_samples(PAUSE)].any()
    assert np.array_equal(pausing.user[: middle - 10], tone[: middle - 10])
    assert np.array_equal(pausing.user[middle + 10 + to_samples(PAUSE) :], tone[middle + 10 :])


def test_turns_of_a_long_talk_lie_one_after_the_other() -> None:
    tone = np.ones(to_samples(3.0), np.float32)
    one = Probe("d0-001", "turn", tone, tone[: to_samples(1.0)], (), (1.0, 3.0))
    whole, parts = _laid([one] * 200)
    assert [part.turn for part in parts[:2]] == [(0.5, 2.5), (9.0, 11.0)]  # six seconds to answer in
    assert whole.turn[1] == parts[-1].turn[1] <= LONG - one.tail
    assert len(whole.user) == to_samples(whole.turn[1])
    for part in parts:
        begin, end = (to_samples(time) for time in part.turn)
        assert whole.user[begin:end].all()
        assert not whole.user[begin - 9 : begin].any()


def test_requests_beyond_are_found_by_their_topic(tmp_path: Path) -> None:
    turns = [spoken_turn(index) for index in range(len(SCRIPT))]
    turns[6] = turns[6].model_copy(update={"topic": BEYOND, "act": "ask"})
    info = CorpusInfo(generator="test 1", engine="bursts", timing="fixed", seed=1, recipe={"name": "probes"})
    with CorpusWriter.open(tmp_path, info) as writer:
        writer.stage(
            Dialogue(id="d0000000", seed=0, speakers=SPEAKERS, turns=tuple(turns)), sound(tuple(turns), 0), None
        )
        writer.publish(["d0000000"])
        writer.finish()
    corpus = Corpus(tmp_path)
    (found,) = beyond_probes(corpus)
    assert (found.text, found.question) == (turns[6].text, None)
    assert [each.question.answer for each in question_probes(corpus) if each.question] == ["seven", "four"]


def test_a_corpus_that_asks_nothing_is_refused(tmp_path: Path) -> None:
    corpus = probe_corpus(tmp_path, dialogues=1)
    with pytest.raises(ValueError, match="asks nothing: make it with the topics questions and beyond"):
        judge_strangers(None, corpus, count=0)  # type: ignore[arg-type]
