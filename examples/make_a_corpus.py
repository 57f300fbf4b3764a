"""Write a few dialogues, speak them, and look at the first: `python examples/make_a_corpus.py OUT [HOURS]`."""

import sys
from pathlib import Path

import duologue
import synth


def main(out: Path, hours: float) -> None:
    """Make a corpus, or extend the one that is there, and print its first dialogue."""
    outcome = synth.generate(synth.CorpusOrder.of(out=out, hours=hours, workers=1), silent=True)
    corpus = duologue.load_corpus(out)
    print(corpus)
    print(corpus[0].text)
    for word in corpus[0].words[:5]:
        print(f"{word.start:7.2f} {word.end:7.2f}  {word.speaker:6} {word.text}")
    print("report:", outcome.report)


if __name__ == "__main__":  # workers start this file again
    main(Path(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.05)
