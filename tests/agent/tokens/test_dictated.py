"""A user's words as a recognizer gives them: plain, late, in order, now and then wrong, the same for the same seed."""

from __future__ import annotations

import numpy as np

from agent.files.bundle import find_bundle
from agent.files.vocabulary import Vocabulary
from agent.hearing.mistakes import Mistakes
from agent.tokens.dictated import LAG, LAST_LAG, VOICE_OFF, VOICE_ON, HeardText
from corpus.audio import FRAME_SECONDS
from corpus.interleave import TimedWord

DELAY = 6


def words(count: int) -> list[TimedWord]:
    """A second apart, so each is followed by a silence."""
    return [TimedWord(f"Word{'abcdefghij'[i % 10]},", float(i), i + 0.3, "USER") for i in range(count)]


def test_words_are_plain_and_late() -> None:
    heard = HeardText(0, Mistakes())
    said = [TimedWord("It's", 0.5, 0.7, "U"), TimedWord("7:", 0.75, 1.1, "U")]
    seed = next(i for i in range(99) if len(heard.given(said, np.random.default_rng(i))) == 2)
    given = heard.given(said, np.random.default_rng(seed))
    assert [word.text for word in given] == ["it's", "seven"]
    assert 0.7 + LAG[0] <= given[0].start <= 0.7 + LAG[1]
    assert 1.1 + LAST_LAG[0] <= given[1].start <= 1.1 + LAST_LAG[1]
    read_later = HeardText(DELAY).given([TimedWord("hello", 2.0, 2.4, "U")], np.random.default_rng(seed))[0]
    assert 2.4 + LAST_LAG[0] <= read_later.start + DELAY * FRAME_SECONDS <= 2.4 + LAST_LAG[1]


def test_mistakes_are_those_of_the_recognizer_and_hang_on_the_seed() -> None:
    heard, said = HeardText(DELAY, Mistakes({"worda": ["", "word a"], "wordb": ["bird"]})), words(4000)
    given = heard.given(said, np.random.default_rng(1))
    assert given == heard.given(said, np.random.default_rng(1))
    starts = [word.start for word in given]
    assert starts == sorted(starts)
    texts = [word.text for word in given]
    assert set(texts) == {f"word{letter}" for letter in "abcdefghij"} | {"word", "a", "bird"}
    assert 0.07 < texts.count("bird") / 4000 < 0.12  # a fifth of all words is wrong, an unknown one like any other
    assert texts.count("word") == texts.count("a") > 20


def test_a_frame_with_a_voice_and_no_word_is_marked() -> None:
    vocabulary = Vocabulary.load(find_bundle("laptop"))
    heard, voiced = HeardText(DELAY), np.zeros(200)
    for seed in range(40):
        said = [TimedWord("one", 3.0, 3.8, "U"), TimedWord("two", 3.9, 4.5, "U"), TimedWord("three", 8.0, 9.0, "U")]
        tokens, _ = heard.stream(said, 200, vocabulary, np.random.default_rng(seed))
        voiced += tokens == vocabulary.end_pad
    times = (np.arange(200) + DELAY) * FRAME_SECONDS
    inside = (times > 3.0 + VOICE_ON[1]) & (times < 3.8)
    assert voiced[inside].mean() / 40 > 0.8
    around = (times < 3.0 - FRAME_SECONDS) | (times > 9.0 + VOICE_OFF[1] + 2 * FRAME_SECONDS)
    silent = around | ((times > 4.5 + 2 * FRAME_SECONDS + max(VOICE_OFF[1], LAST_LAG[1])) & (times < 8.0))
    assert voiced[silent].sum() <= 40 * 3  # but for the frame before a word
