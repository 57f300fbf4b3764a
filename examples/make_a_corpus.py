"""Write dialogues, speak them, look at the first: `python examples/make_a_corpus.py [OUT [HOURS [RECIPE]]]`."""

import sys
from pathlib import Path

import duologue
import synth


def main(out: Path, hours: float, recipe: Path | None = None) -> None:
    """Make a corpus, or extend the one that is there, and print its first dialogue."""
    outcome = synth.generate(synth.CorpusOrder.of(out=out, hours=hours, recipe=recipe, workers=1), silent=True)
    corpus = duologue.load_corpus(out)
    print(corpus)
    print(corpus[0].text)
    for word in corpus[0].words[:5]:
        print(f"{word.start:7.2f} {word.end:7.2f}  {word.speaker:6} {word.text}")
    print("report:", outcome.report)


if __name__ == "__main__":  # workers start this file again
    out, hours, recipe = (*sys.argv[1:], *(None,) * 3)[:3]
    main(Path(out or "out/corpus"), float(hours or 0.05), Path(recipe) if recipe else None)
