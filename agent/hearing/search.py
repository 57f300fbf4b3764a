"""From chances of letters to words, while they come: a prefix beam search in a tree of words, with n-grams.

Prefixes are strings of letters and borders; each keeps the chance of all alignments that end in a blank and of those
that do not (Graves and Jaitly 2014; Hannun et al. 2014). A word is given out once it is `SETTLED` steps old in the best
prefix, and prefixes that have another one there are forgotten. All that is remembered are arrays of fixed size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .config import SYMBOLS
from .lexicon import NOTHING, Lexicon
from .ngrams import BORDER, WordNgrams

BLANK, SPACE = SYMBOLS.index("\0"), SYMBOLS.index(" ")
BEAM = 24
WORDS = 16  # that a prefix holds before they are given out
CLOSED = 6  # steps of 40 ms without a new letter after which a word that could end has ended
UNFINISHED = 14  # after which one that could not is dropped
SETTLED = 4  # steps of a word behind its end
UNLIKELY = -9.0  # natural logarithm of a letter's chance that is not followed
NEVER = -1e9
MIX = 1_000_003  # of the prefixes' keys
Array = NDArray[Any]


class SettledWord(NamedTuple):
    """A word and when it was told, in steps of 40 ms since the beginning."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class SearchState:
    """K prefixes, the best first; batch axis 1 in front of everything."""

    step: Tensor  # int64 [1], steps heard
    node: Tensor  # int32 [1, K]
    last: Tensor  # int32 [1, K], symbol
    chances: Tensor  # float64 [1, 3, K]: ends in a blank; in a symbol; of the words
    key: Tensor  # int64 [1, K]
    before: Tensor  # int64 [1, K, 2], the last two words
    begun: Tensor  # int32 [1, 2, K], when the open word began; when the last letter came
    words: Tensor  # int32 [1, K, WORDS, 3]: id, start, end
    count: Tensor  # int32 [1, K], words not given out


class _Beam:
    """The same as arrays that are written to."""

    def __init__(self, **arrays: Array) -> None:
        self.__dict__.update(arrays)

    node: Array
    last: Array
    chances: Array
    key: Array
    before: Array
    begun: Array
    words: Array
    count: Array
    NAMES = ("node", "last", "chances", "key", "before", "begun", "words", "count")

    @classmethod
    def of(cls, state: SearchState) -> _Beam:
        return cls(**{name: getattr(state, name)[0].numpy().copy() for name in cls.NAMES})

    def take(self, rows: Array) -> None:
        """Keep these prefixes, in this order."""
        for name in self.NAMES:
            array = getattr(self, name)
            setattr(self, name, array[:, rows] if name in ("chances", "begun") else array[rows])

    def state(self, step: int) -> SearchState:
        short = BEAM - len(self.node)
        if short:
            rows = np.concatenate([np.arange(len(self.node)), np.zeros(short, np.int64)])
            self.take(rows)
            self.chances[:2, -short:] = NEVER
        tensors = {name: torch.from_numpy(np.ascontiguousarray(getattr(self, name))[None]) for name in self.NAMES}
        return SearchState(torch.tensor([step]), **tensors)


class WordSearch:
    """Words and n-grams to search with; holds no state."""

    def __init__(self, ngrams: WordNgrams, weight: float = 0.7, bonus: float = 1.5) -> None:
        """`weight` of the n-grams beside the letters, `bonus` of every word, against short sentences."""
        self.ngrams, self.lexicon = ngrams, Lexicon.of(ngrams)
        self.weight, self.bonus = weight, bonus
        self._ahead = np.where(np.arange(len(self.lexicon.best)) > 0, weight * self.lexicon.best + bonus, 0.0)

    def init_state(self) -> SearchState:
        """Before the first sound."""
        beam = _Beam(
            node=np.zeros(1, np.int32),
            last=np.full(1, SPACE, np.int32),
            chances=np.array([[0.0], [NEVER], [0.0]]),
            key=np.ones(1, np.int64),
            before=np.full((1, 2), BORDER, np.int64),
            begun=np.zeros((2, 1), np.int32),
            words=np.zeros((1, WORDS, 3), np.int32),
            count=np.zeros(1, np.int32),
        )
        return beam.state(0)

    def step(self, told: Array, state: SearchState) -> tuple[list[SettledWord], SearchState]:
        """Read on.

        Args:
            told: log probabilities of symbols `[T, 29]`, T steps of 40 ms.
            state: of `init_state` or of the call before.

        Returns:
            words that are settled now, and the next state.
        """
        beam, at = _Beam.of(state), int(state.step)
        for row in told.astype(np.float64):
            self._advance(beam, row, at)
            at += 1
        self._close(beam, at)
        words = self._settled(beam, at)
        beam.chances[:2] -= np.logaddexp(*beam.chances[:2, :1])
        beam.chances[2] -= beam.chances[2, 0]
        return words, beam.state(at)

    def _rank(self, blank: Array, letter: Array, words: Array, node: Array) -> Array:
        return np.asarray(np.logaddexp(blank, letter) + words + self._ahead[node])

    def _advance(self, beam: _Beam, told: Array, at: int) -> None:
        lexicon, count = self.lexicon, len(beam.node)
        blank, letter, weights = beam.chances
        either, root = np.logaddexp(blank, letter), beam.node == 0
        rows = np.arange(count)
        # those that stay as they are: a blank, the same symbol again, spaces between words
        stay_letter = np.where(root, either, letter) + told[beam.last]
        stay = (rows, np.full(count, NOTHING), either + told[BLANK], stay_letter, weights, beam.node, beam.key)
        # those that go on by a letter
        likely = np.flatnonzero(told > UNLIKELY)
        likely = likely[likely > SPACE]
        child = lexicon.children[beam.node][:, likely]
        row, place = np.nonzero(child >= 0)
        symbol = likely[place]
        by = np.where(symbol == beam.last[row], blank[row], either[row]) + told[symbol]
        on = self._grown(beam, row, symbol, by, child[row, place], weights[row])
        # those whose word ends
        row = np.flatnonzero((lexicon.word[beam.node] >= 0) & (told[SPACE] > UNLIKELY) & (either > NEVER / 2))
        ends = self._grown(
            beam, row, np.full(len(row), SPACE), either[row] + told[SPACE], np.zeros(len(row), np.int32),
            weights[row] + [self._told(beam, index) for index in row],
        )  # fmt: skip
        self._keep_best(beam, [np.concatenate(parts) for parts in zip(stay, on, ends, strict=True)], at)

    def _grown(
        self, beam: _Beam, row: Array, symbol: Array, chance: Array, node: Array, weight: Array
    ) -> tuple[Array, ...]:
        key = beam.key[row] * MIX + symbol + 1
        return row, symbol, np.full(len(row), NEVER), chance, np.asarray(weight), node, key

    def _told(self, beam: _Beam, row: Any) -> float:
        """What the word that ends in a prefix adds."""
        first, second = beam.before[row].tolist()
        return self.weight * self.ngrams.chance(first, second, int(self.lexicon.word[beam.node[row]])) + self.bonus

    def _keep_best(self, beam: _Beam, made: list[Array], at: int) -> None:
        """Merge what is the same prefix, keep the best."""
        rank = self._rank(*made[2:6])
        order = np.argsort(-rank, kind="stable")[: 2 * BEAM]
        chosen: dict[int, int] = {}
        kept: list[int] = []
        row, symbol, blank, letter, weight, node, key = made
        for index in order.tolist():
            twin = chosen.setdefault(int(key[index]), index)
            if twin != index:
                blank[twin] = np.logaddexp(blank[twin], blank[index])
                letter[twin] = np.logaddexp(letter[twin], letter[index])
            elif len(kept) < BEAM:
                kept.append(index)
        kept_rows = np.array(kept)
        parents, symbols, before = row[kept_rows], symbol[kept_rows], beam.node
        ended = np.flatnonzero(symbols == SPACE)
        words = self.lexicon.word[before[parents[ended]]]
        first = (before[parents] == 0) & (symbols > SPACE)
        beam.take(parents)
        self._end_words(beam, ended, words, at)
        beam.node, beam.key = node[kept_rows], key[kept_rows]
        beam.last = np.where(symbols == NOTHING, beam.last, symbols).astype(np.int32)
        beam.chances = np.stack([blank[kept_rows], letter[kept_rows], weight[kept_rows]])
        beam.begun[0] = np.where(first, at, beam.begun[0])
        beam.begun[1] = np.where(symbols > SPACE, at, beam.begun[1])

    def _end_words(self, beam: _Beam, rows: Array, words: Array, at: int) -> None:
        for row, word in zip(rows.tolist(), words.tolist(), strict=True):
            place = min(int(beam.count[row]), WORDS - 1)
            beam.words[row, place] = (word, beam.begun[0, row], beam.begun[1, row])
            beam.count[row] = place + 1
            beam.before[row] = (beam.before[row, 1], word)

    def _close(self, beam: _Beam, at: int) -> None:
        """Silence ends words."""
        quiet, open_ = at - beam.begun[1], beam.node > 0
        could = open_ & (self.lexicon.word[beam.node] >= 0)
        over = np.flatnonzero(could & (quiet >= CLOSED))
        if len(over):
            beam.chances[2, over] += [self._told(beam, row) for row in over]
            self._end_words(beam, over, self.lexicon.word[beam.node[over]], at)
            beam.key[over] = beam.key[over] * MIX + SPACE + 1
            beam.node[over], beam.last[over] = 0, SPACE
        fine = ~(open_ & ~could & (quiet >= UNFINISHED))
        if fine.any():
            beam.take(np.flatnonzero(fine))
        rank = self._rank(beam.chances[0], beam.chances[1], beam.chances[2], beam.node)
        order = np.argsort(-rank, kind="stable")
        _, firsts = np.unique(beam.key[order], return_index=True)
        beam.take(order[np.sort(firsts)])

    def _settled(self, beam: _Beam, at: int) -> list[SettledWord]:
        """Give out the best prefix' old words; who has others there is forgotten."""
        count = int(beam.count[0])
        ready = [
            place for place in range(count) if at - beam.words[0, place, 2] >= SETTLED or count - place > WORDS - 4
        ]
        given = ready[-1] + 1 if ready else 0
        if not given:
            return []
        ids = beam.words[0, :given, 0].copy()
        agree = (beam.count >= given) & (beam.words[:, :given, 0] == ids).all(1)
        out = [SettledWord(self.ngrams.words[word], start, end) for word, start, end in beam.words[0, :given].tolist()]
        beam.take(np.flatnonzero(agree))
        beam.words = np.concatenate([beam.words[:, given:], np.zeros_like(beam.words[:, :given])], 1)
        beam.count = beam.count - given
        return out
