"""What the semantic codebook learned: how well its codes alone tell the phones.

A code is as good as its entry, so the probe is linear in the entries: it learns from far fewer frames than a table of
codes, most of which a short recording never shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from corpus.audio import FRAME_SECONDS

from ..model import Codec
from ..training.phones import PHONES, PhoneAligner
from .evaluate import JudgedClip

Indices = npt.NDArray[np.int64]
STEPS = 150  # of L-BFGS
DECAY = 1e-4  # of the probe's weights


@dataclass(frozen=True)
class PhoneProbe:
    """Shares of frames whose phone is told rightly, on speakers the probe did not see."""

    codebook0: float  # by the code of the first codebook alone
    codebook1: float  # by the first acoustic codebook's, for comparison
    chance: float  # by always guessing the commonest phone
    frames: int


def phone_probe(codec: Codec, clips: Sequence[JudgedClip]) -> PhoneProbe:
    """A linear probe (logistic regression) on a codebook's entries, fitted on half of the speakers.

    A frame's phone is the one at its middle, by forced alignment; silence counts as a phone.

    Raises:
        ValueError: fewer than two speakers have transcripts that can be aligned.
    """
    aligner, rows = PhoneAligner(), []
    for clip in clips:
        spans = aligner.align(clip.audio, clip.text) if clip.text else None
        if not spans:
            continue
        codes = codec.encode(torch.from_numpy(clip.audio)[None, None])[0].numpy()
        middles = (np.arange(codes.shape[1]) + 0.5) * FRAME_SECONDS
        ends = np.array([span.end for span in spans])
        inside = middles < ends[-1]
        phones = [PHONES.index(spans[i].phone) for i in np.searchsorted(ends, middles[inside], side="right")]
        rows.append((clip.speaker, codes[:, inside], np.array(phones, np.int64)))
    speakers = sorted({speaker for speaker, _, _ in rows})
    if len(speakers) < 2:
        raise ValueError("the phone probe needs transcribed clips of at least two speakers")
    fitted = set(speakers[::2])
    one, two = ([row for row in rows if (row[0] in fitted) is keep] for keep in (True, False))
    phones_one, phones_two = (np.concatenate([phones for _, _, phones in part]) for part in (one, two))
    scores = []
    for level, book in enumerate(codec.quantizer.books()[:2]):
        entries = (book.embedding - book.embedding.mean(0)) / book.embedding.std()
        codes_one, codes_two = (np.concatenate([codes[level] for _, codes, _ in part]) for part in (one, two))
        guesses = fitted_guesses(entries, codes_one, phones_one, len(PHONES))
        scores.append(float(np.mean(guesses[codes_two] == phones_two)))
    guess = np.bincount(phones_one).argmax()
    return PhoneProbe(scores[0], scores[-1], float(np.mean(phones_two == guess)), len(phones_one) + len(phones_two))


def fitted_guesses(entries: Tensor, codes: Indices, labels: Indices, classes: int) -> Indices:
    """The likeliest label of every entry by logistic regression: entries `[K, E]`, codes and labels `[N]` -> `[K]`."""
    given, wanted = entries[torch.from_numpy(codes)], torch.from_numpy(labels)
    weights = torch.zeros(entries.shape[1] + 1, classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=STEPS)

    def loss() -> Tensor:
        optimizer.zero_grad()
        error = functional.cross_entropy(given @ weights[:-1] + weights[-1], wanted)
        error = error + DECAY * weights[:-1].square().sum()
        error.backward()  # type: ignore[no-untyped-call]
        return error

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        guesses: Indices = (entries @ weights[:-1] + weights[-1]).argmax(1).numpy()
    return guesses
