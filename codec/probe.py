"""What the semantic codebook learned: how well its codes alone tell the phones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from corpus.audio import FRAME_SECONDS

from .evaluate import Clip
from .model import Codec
from .phones import PHONES, PhoneAligner

Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PhoneProbe:
    """Shares of frames whose phone is told rightly, on speakers the probe did not see."""

    codebook0: float  # by the code of the first codebook alone
    codebook1: float  # by the first acoustic codebook's, for comparison
    chance: float  # by always guessing the commonest phone
    frames: int


def phone_probe(codec: Codec, clips: Sequence[Clip]) -> PhoneProbe:
    """A linear probe on one-hot codes, which is the commonest phone per code, fitted on half of the speakers.

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
    size = codec.config.quantizer.codebook_size
    scores = []
    for level in range(min(2, codec.config.quantizer.n_q)):
        codes_one, codes_two = (np.concatenate([codes[level] for _, codes, _ in part]) for part in (one, two))
        scores.append(float(np.mean(commonest(codes_one, phones_one, size)[codes_two] == phones_two)))
    guess = np.bincount(phones_one).argmax()
    return PhoneProbe(scores[0], scores[-1], float(np.mean(phones_two == guess)), len(phones_one) + len(phones_two))


def commonest(codes: Indices, labels: Indices, size: int) -> Indices:
    """The commonest label per code, the overall commonest for a code never seen: `[N]`, `[N]` -> `[size]`."""
    table = np.zeros((size, int(labels.max()) + 1), np.int64)
    np.add.at(table, (codes, labels), 1)
    best: Indices = table.argmax(axis=1)
    best[table.sum(axis=1) == 0] = np.bincount(labels).argmax()
    return best
