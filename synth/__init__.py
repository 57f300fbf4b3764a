"""Synthetic dialogues: written, timed, spoken, rendered on separate channels and stored as a corpus.

synth.generate(synth.CorpusOrder.of(out=Path("out/demo"), hours=0.05))    # as `synth generate` does
"""

from typing import TYPE_CHECKING

from corpus.lazy import lazy

if TYPE_CHECKING:
    from .recipe import CorpusRecipe, load_recipe
    from .running.generate import CorpusOrder, Outcome, generate

__all__ = ["CorpusOrder", "CorpusRecipe", "Outcome", "generate", "load_recipe"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "CorpusRecipe": "recipe",
        "load_recipe": "recipe",
        "CorpusOrder": "running.generate",
        "Outcome": "running.generate",
        "generate": "running.generate",
    },
)
