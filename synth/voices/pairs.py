"""Which voices go together and which are kept apart: audible pairs, speakers given twice, evaluation voices.

All of it works on unit vectors `[voices, size]`; their products are cosines.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .embedding import Embedder, Embeddings, alike_rows
from .entry import Side
from .records import Split
from .store import VoiceStore

Index = npt.NDArray[np.intp]

SPLIT_TRIES = 32  # random draws of evaluation voices, of which the one that costs fewest training voices is kept
FAR = 0.75  # cosine from which a training voice is too near an evaluation voice


@dataclass(frozen=True)
class Pair:
    """Two voices and the cosine of their embeddings."""

    one: str
    other: str
    cosine: float


def audible_pairs(
    store: VoiceStore, embedder: Embedder, count: int, rng: random.Random, side: Side | None = None
) -> list[Pair]:
    """Pairs of voices that differ audibly, every voice used about equally often.

    Args:
        store: a bank.
        embedder: the one it was made with, for its limit.
        count: pairs wanted; fewer come back when there are no more.
        rng: decides among those that would do.
        side: of the bank's split.

    Raises:
        ValueError: fewer than two voices, or none of them differ.
    """
    store.check_embedder(embedder)
    rows = _rows(store, side)
    if len(rows) < 2:
        raise ValueError(f"{store.folder} holds {len(rows)} voice{'' if len(rows) == 1 else 's'} to pair; add more")
    vectors, ids = store.embeddings()[rows], [store.entries[row].id for row in rows]
    used = [0] * len(ids)
    seen: set[tuple[int, int]] = set()
    pairs: list[Pair] = []
    while len(pairs) < count:
        pair = _next_pair(vectors, used, seen, embedder.apart, rng)
        if pair is None:
            break
        one, other = pair
        seen.add((min(pair), max(pair)))
        used[one], used[other] = used[one] + 1, used[other] + 1
        pairs.append(Pair(ids[one], ids[other], round(float(vectors[one] @ vectors[other]), 4)))
    if not pairs:
        raise ValueError(
            f"no two voices of {store.folder} differ audibly (cosine at most {embedder.apart}); add others"
        )
    return pairs


def speaker_groups(vectors: Embeddings, speakers: Sequence[str], alike: float) -> list[list[int]]:
    """Rows by speaker: those of one name, and those that sound the same, belong together."""
    leader = list(range(len(speakers)))

    def find(row: int) -> int:
        while leader[row] != row:
            row = leader[row]
        return row

    first: dict[str, int] = {}
    links = [(first.setdefault(name, row), row) for row, name in enumerate(speakers)]
    links += [(one, other) for one, other, _ in alike_rows(vectors, alike)]
    for one, other in links:
        low, high = sorted((find(one), find(other)))
        leader[high] = low
    groups: dict[int, list[int]] = {}
    for row in range(len(speakers)):
        groups.setdefault(find(row), []).append(row)
    return list(groups.values())


def split_voices(store: VoiceStore, embedder: Embedder, share: float, rng: random.Random, far: float = FAR) -> Split:
    """Choose evaluation voices far from all training voices; those chosen before stay.

    Speakers stay whole. A training voice whose cosine with an evaluation voice is `far` or more is left out of
    training. Of several random draws the one that leaves out fewest is kept.

    Args:
        store: a bank; its present split is continued.
        embedder: the one it was made with.
        share: of the speakers that evaluation shall have, above 0 and below 1.
        rng: draws the speakers.
        far: cosine.

    Raises:
        ValueError: the share is out of range, or no voice would be left to train on.
    """
    if not 0 < share < 1:
        raise ValueError(f"the evaluation share must lie between 0 and 1, not {share}")
    store.check_embedder(embedder)
    vectors, ids = store.embeddings(), store.ids()
    if not ids:
        raise ValueError(f"{store.folder} holds no voice to split")
    groups = speaker_groups(vectors, [entry.speaker for entry in store.entries], embedder.alike)
    old = set(store.split.evaluation)
    kept = [group for group in groups if any(ids[row] in old for row in group)]
    free = [group for group in groups if group not in kept]
    missing = max(round(share * len(groups)), 1) - len(kept)
    best: tuple[list[int], list[int]] | None = None
    for _ in range(SPLIT_TRIES):
        drawn = [*kept, *rng.sample(free, min(max(missing, 0), len(free)))]
        evaluation = sorted(row for group in drawn for row in group)
        rest = np.setdiff1d(np.arange(len(ids)), evaluation)
        near = rest[(vectors[rest] @ vectors[evaluation].T).max(axis=1, initial=-1.0) >= far]
        if best is None or len(near) < len(best[1]):
            best = evaluation, near.tolist()
    assert best is not None, "there is a first try"
    if len(best[0]) + len(best[1]) >= len(ids):
        raise ValueError(f"no voice of {store.folder} would be left to train on: add more or lower the share")
    return Split(evaluation=tuple(ids[row] for row in best[0]), left_out=tuple(ids[row] for row in best[1]))


def _rows(store: VoiceStore, side: Side | None) -> Index:
    wanted = set(store.ids(side))
    return np.array([row for row, entry in enumerate(store.entries) if entry.id in wanted], np.intp)


def _next_pair(
    vectors: Embeddings, used: Sequence[int], seen: set[tuple[int, int]], apart: float, rng: random.Random
) -> tuple[int, int] | None:
    """A new pair that differs audibly, of voices used least so far; None when there is none left."""
    order = sorted(range(len(used)), key=lambda row: (used[row], rng.random()))
    for one in order:
        cosines = vectors @ vectors[one]
        for other in order:
            if other != one and cosines[other] <= apart and (min(one, other), max(one, other)) not in seen:
                return one, other
    return None
