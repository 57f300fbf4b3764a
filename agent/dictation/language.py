"""The words a recognizer listens for: those that plans and recorded people say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ..hearing.ngrams import WordNgrams
from ..tokens.unspoken import read_plans
from .material import Saying, written


def spoken_sentences(plans: Iterable[str | Path]) -> Iterator[list[str]]:
    """Every turn of the plans, whoever says it, in words as the recognizer writes them."""
    for path in plans:
        for dialogue in read_plans(path):
            for turn in dialogue.turns:
                text = written(turn.spoken_text.split())
                if text:
                    yield text.split()


def word_ngrams(plans: Sequence[str | Path], material: Iterable[Saying], least: int = 1) -> WordNgrams:
    """The n-grams of plans (`synth plan --timed`) and of what is trained on. Nothing at all raises ValueError."""
    sentences = [*spoken_sentences(plans), *(each.text.split() for each in material)]
    if not sentences:
        raise ValueError("there are no words to listen for: give plans, or material")
    return WordNgrams.of(sentences, least)
