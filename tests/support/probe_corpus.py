"""A corpus that has every behaviour a probe is made of, spoken in bursts of noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from corpus.audio import Samples, to_samples
from corpus.record import Dialogue, Question, Speaker, Turn, Word
from corpus.store import Corpus, CorpusInfo, CorpusWriter

SECONDS = 30.0
WORD = 0.25  # s each, 0.05 s apart
SPEAKERS = (
    Speaker(id="agent", role="agent", channel=0),
    Speaker(id="user", role="user", channel=1),
    Speaker(id="other", role="other", channel=1),
)
# speaker, event, text, start; "|" is a pause of a second
SCRIPT = (
    ("agent", "turn", "hello there how are you", 0.5),
    ("user", "turn", "well tell me | what is three and four?", 2.5),
    ("agent", "turn", "that makes seven I would say", 6.5),
    ("user", "backchannel", "mhm", 7.0),
    ("user", "aside", "turn it down please", 9.0),
    ("other", "aside", "yes of course", 10.5),
    ("user", "turn", "so I was out in the rain, and then we all went home,", 12.0),
    ("agent", "backchannel", "mhm", 14.2),
    ("agent", "turn", "that sounds rather wet and cold to me", 16.5),
    ("user", "interrupt", "wait what is two and two?", 18.0),
    ("agent", "turn", "two and two makes four", 20.5),
)
QUESTIONS = {1: "seven", 9: "four"}


def spoken_turn(index: int) -> Turn:
    """One turn of the script with its times."""
    speaker, event, text, now = SCRIPT[index]
    words = []
    for token in text.split():
        if token == "|":
            now += 1.0
            continue
        words.append(Word(text=token, start=round(now, 4), end=round(now + WORD, 4), source="native"))
        now += WORD + 0.05
    answer = QUESTIONS.get(index)
    return Turn.model_validate(
        {
            "index": index,
            "speaker": speaker,
            "event": event,
            "text": text.replace("| ", ""),
            "start": words[0].start,
            "end": words[-1].end,
            "words": tuple(words),
            "question": None if answer is None else Question(kind="arithmetic", answer=answer),
        }
    )


def sound(turns: tuple[Turn, ...], seed: int) -> Samples:
    """Both channels `[2, T]`, every word a burst at -20 dBFS over a floor at -80."""
    rng = np.random.default_rng(seed)
    audio = (1e-4 * rng.standard_normal((2, to_samples(SECONDS)))).astype(np.float32)
    for turn in turns:
        for word in turn.words:
            span = slice(to_samples(word.start), to_samples(word.end))
            audio[(turn.speaker != "agent" and 1) or 0, span] += 0.1 * rng.standard_normal(span.stop - span.start)
    return audio


def probe_corpus(directory: Path, dialogues: int = 2) -> Corpus:
    """Write it and open it."""
    turns = tuple(spoken_turn(index) for index in range(len(SCRIPT)))
    info = CorpusInfo(generator="test 1", engine="bursts", timing="fixed", seed=1, recipe={"name": "probes"})
    with CorpusWriter.open(directory, info) as writer:
        ids = [f"d{number:07d}" for number in range(dialogues)]
        for number, id in enumerate(ids):
            writer.stage(Dialogue(id=id, seed=number, speakers=SPEAKERS, turns=turns), sound(turns, number), None)
        writer.publish(ids)
        writer.finish()
    return Corpus(directory)
