"""A recognizer's words as tokens of the stream of the user's text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from corpus.audio import Samples

from .recognizer import RecognizerState, WordRecognizer

QUEUE = 64  # tokens that may wait for their frame


class WordIds(Protocol):
    """What is needed of a vocabulary to lay words on a stream of text; see `agent.files.vocabulary.Vocabulary`."""

    @property
    def pad(self) -> int:
        """Nothing starts here."""

    @property
    def end_pad(self) -> int:
        """A word starts next."""

    def encode(self, text: str) -> list[int]:
        """Ids of words in running text."""


@dataclass(frozen=True)
class HeardState:
    """A user's sound heard so far, and tokens that wait; batch axis 1."""

    recognizer: RecognizerState
    waiting: Tensor  # int64 [1, 64], -1 where none
    inside: Tensor  # bool [1], whether the frame before held a token of a word


class HeardWords:
    """See `agent.hearing.stream.Hearing`. A word's tokens come a frame each, behind an EPAD where nothing is before."""

    def __init__(self, recognizer: WordRecognizer, vocabulary: WordIds, marks: bool = False) -> None:
        """`marks`: an EPAD in every other frame, too, in which a voice is heard, see `agent.tokens.dictated`."""
        self.recognizer, self._vocabulary, self._marks = recognizer, vocabulary, marks

    def init_state(self) -> HeardState:
        """See `Hearing`."""
        waiting = torch.full((1, QUEUE), -1, dtype=torch.int64)
        return HeardState(self.recognizer.init_state(), waiting, torch.zeros(1, dtype=torch.bool))

    def step(self, frame: Samples, state: HeardState) -> tuple[int, HeardState]:
        """See `Hearing`."""
        words, recognizer = self.recognizer.step(frame, state.recognizer)
        pad, end_pad = self._vocabulary.pad, self._vocabulary.end_pad
        queue = [token for token in state.waiting[0].tolist() if token >= 0]
        for word in words:
            if not queue and not bool(state.inside):
                queue.append(end_pad)
            queue += self._vocabulary.encode(word.text)
        nothing = end_pad if self._marks and recognizer.voiced else pad
        token, rest = (queue[0], queue[1 : QUEUE + 1]) if queue else (nothing, [])
        waiting = torch.full((1, QUEUE), -1, dtype=torch.int64)
        waiting[0, : len(rest)] = torch.tensor(rest, dtype=torch.int64)
        return token, HeardState(recognizer, waiting, torch.tensor([token not in (pad, end_pad)]))
