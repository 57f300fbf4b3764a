"""Near-duplicates among texts: hashed character n-grams as vectors, searched with faiss."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

NGRAM = 5  # bytes
DIMENSION = 512

_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def text_vector(text: str) -> npt.NDArray[np.float32]:
    """The unit vector of shape (DIMENSION,) of a text: signed hashes of its character 5-grams, weighted 1 + ln(count).

    Signed hashing keeps cosines unbiased (Weinberger et al. 2009, "Feature hashing for large scale multitask
    learning"); their standard deviation for unrelated n-grams is about 1 / sqrt(DIMENSION). Case and blanks are
    folded. A text shorter than five characters is padded.
    """
    folded = f" {' '.join(text.lower().split())} ".ljust(NGRAM).encode()
    raw = np.frombuffer(folded, dtype=np.uint8).astype(np.uint64)
    count = len(raw) - NGRAM + 1
    hashes = np.zeros(count, dtype=np.uint64)
    for offset in range(NGRAM):
        hashes = hashes * _PRIME + raw[offset : offset + count]
    grams, counts = np.unique(hashes, return_counts=True)
    grams = grams * _MIX
    grams ^= grams >> np.uint64(29)
    grams *= _PRIME
    bins = (grams >> np.uint64(40)) % np.uint64(DIMENSION)
    signs = np.where(grams >> np.uint64(63), 1.0, -1.0)
    vector = np.bincount(bins.astype(np.int64), weights=signs * (1 + np.log(counts)), minlength=DIMENSION)
    length = float(np.linalg.norm(vector))
    return (vector / (length or 1.0)).astype(np.float32)


class NearDuplicateIndex:
    """The nearest of the texts that came before, as they arrive one by one.

    Vectors are kept as 16-bit floats: 2 * DIMENSION = 1,024 bytes per text, 100 MB for 100,000 dialogues, and one
    `add` reads them all (some 10 ms at 100,000 on one core).
    """

    def __init__(self) -> None:
        import faiss

        self._index = faiss.IndexScalarQuantizer(DIMENSION, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, text: str) -> float:
        """Add a text; gives its highest cosine with any text added before, 0 for the first."""
        vector = text_vector(text)[None]
        best = 0.0
        if len(self):
            scores, _ = self._index.search(vector, 1)
            best = max(0.0, float(scores[0, 0]))
        self._index.add(vector)
        return best
