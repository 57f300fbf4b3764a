"""Word times by a CTC model: the likeliest path of its letters through a text that is known (Viterbi).

Any model of transformers with a CTC head over letters will do: wav2vec 2.0, HuBERT, MMS fine-tuned for a language.
Graves et al. (2006) for CTC; Kürzinger et al. (2020) for its use as an aligner.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.audio import Samples, resample

from .aligner import Spans

RATE = 16_000  # Hz, of all such models
_BETWEEN = "|"  # what such vocabularies write for a blank between words

Floats = npt.NDArray[np.float64]


class CtcAligner:
    """A model and its letters, from a folder with `config.json`, `vocab.json` and the weights.

    Raises:
        ValueError: the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCTC

        self._torch: Any = torch
        try:
            vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
            model: Any = AutoModelForCTC.from_pretrained(str(folder), local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(f"aligner ctc:{folder} is no CTC model of transformers: {error}") from None
        self._model = model.eval()
        self._letters = vocabulary
        self._blank = int(model.config.pad_token_id)
        size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        self.version = f"ctc-{folder.name}-{size}"

    def spans(self, samples: Samples, rate: int, tokens: Sequence[str]) -> Spans | None:
        """See `Aligner.spans`; a token without a letter that the model knows has no time."""
        sound = resample(samples, rate, RATE)
        with self._torch.inference_mode():
            heard = self._torch.from_numpy((sound - sound.mean()) / (sound.std() + 1e-7)).float()
            logits = self._model(heard[None]).logits[0]
            scores = np.asarray(logits.log_softmax(-1).numpy(), np.float64)
        letters, owners = self._spelled(tokens)
        if not letters:
            return None
        path = ctc_path(scores, letters, self._blank)
        return None if path is None else _token_spans(path, owners, len(tokens), len(sound) / RATE / len(scores))

    def _spelled(self, tokens: Sequence[str]) -> tuple[list[int], list[int]]:
        """The ids of a text's letters, and which token each belongs to (-1 for what stands between two)."""
        ids: list[int] = []
        owners: list[int] = []
        for number, token in enumerate(tokens):
            mine = [self._letter(character) for character in token]
            known = [letter for letter in mine if letter is not None]
            if known and ids and _BETWEEN in self._letters:
                ids.append(self._letters[_BETWEEN])
                owners.append(-1)
            ids += known
            owners += [number] * len(known)
        return ids, owners

    def _letter(self, character: str) -> int | None:
        """The id of a letter in the case and with the accents that the model knows."""
        if not character.isalnum() and character != "'":
            return None
        bare = unicodedata.normalize("NFD", character)[0]
        forms = (character.lower(), character.upper(), bare.lower(), bare.upper())
        return next((self._letters[form] for form in forms if form in self._letters), None)


def ctc_path(scores: Floats, letters: Sequence[int], blank: int) -> list[tuple[int, int]] | None:
    """First frame of each letter and the one behind its last, on the likeliest path; None where there is none.

    Args:
        scores: log probabilities `[T, V]`.
        letters: ids to be passed in order.
        blank: the id that means no letter.
    """
    states = [blank]
    for letter in letters:
        states += [letter, blank]
    ids, count = np.array(states), len(states)
    skips = np.zeros(count, np.bool_)  # from the letter before, over the blank between
    skips[2:] = (ids[2:] != blank) & (ids[2:] != ids[:-2])
    best = np.full(count, -np.inf)
    best[:2] = scores[0, ids[:2]]
    came = np.zeros((len(scores), count), np.int8)
    for frame in range(1, len(scores)):
        ways = np.stack([best, np.roll(best, 1), np.where(skips, np.roll(best, 2), -np.inf)])
        ways[1, 0] = -np.inf
        came[frame] = ways.argmax(axis=0)
        best = ways.max(axis=0) + scores[frame, ids]
    state = count - 1 if best[-1] >= best[-2] else count - 2
    if not np.isfinite(best[state]):
        return None
    passed = [state]
    for frame in range(len(scores) - 1, 0, -1):
        state -= int(came[frame, state])
        passed.append(state)
    order = np.array(passed[::-1])
    frames = [np.flatnonzero(order == 2 * index + 1) for index in range(len(letters))]
    return [(int(where[0]), int(where[-1]) + 1) for where in frames]


def _token_spans(path: Sequence[tuple[int, int]], owners: Sequence[int], count: int, step: float) -> Spans:
    spans: list[tuple[float, float] | None] = [None] * count
    for (first, last), owner in zip(path, owners, strict=True):
        if owner >= 0:
            before = spans[owner]
            spans[owner] = (before[0] if before else first * step, last * step)
    return spans
