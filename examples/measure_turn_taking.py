"""How people take turns in any corpus: `python examples/measure_turn_taking.py CORPUS`."""

import itertools
import sys

import numpy as np

import duologue


def main(directory: str) -> None:
    """Print the share of transfers that overlap, and the offsets' median and quartiles."""
    corpus = duologue.load_corpus(directory)
    print(corpus)
    offsets = []
    for dialogue in corpus:
        turns = [(word.start, word.end, word.speaker) for word in dialogue.words]
        for (_, end, before), (start, _, after) in itertools.pairwise(turns):
            if before != after:  # the floor goes over between two words of different speakers
                offsets.append(start - end)
    low, middle, high = np.percentile(offsets, [25, 50, 75])
    print(f"{len(offsets)} transfers, {np.mean(np.array(offsets) < 0):.0%} of them overlapped")
    print(f"offset: median {middle:.2f} s, quartiles {low:.2f} and {high:.2f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
