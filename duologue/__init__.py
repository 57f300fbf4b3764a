"""Duologue in one place: `import duologue`, and a corpus, the codec and the agent are a line each.

    corpus = duologue.load_corpus("out/demo")          # hours, speakers and languages in its repr
    codec = duologue.Codec.load("laptop")              # numpy or torch, one wave or a batch
    agent = duologue.Agent.load("laptop")              # answers a recording, or talks frame by frame

The floors below hold the same things with all their parts: `corpus`, `codec`, `synth`, `agent`. Nothing is imported
before it is asked for.
"""

from typing import TYPE_CHECKING

from corpus.lazy import lazy

if TYPE_CHECKING:
    from .agent import Agent, AgentStream, Reply
    from .codec import Codec
    from .corpus import LoadedCorpus, LoadedDialogue, load_corpus
    from .words import SpokenWord

__all__ = [
    "Agent",
    "AgentStream",
    "Codec",
    "LoadedCorpus",
    "LoadedDialogue",
    "Reply",
    "SpokenWord",
    "load_corpus",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "Agent": "agent",
        "AgentStream": "agent",
        "Reply": "agent",
        "Codec": "codec",
        "LoadedCorpus": "corpus",
        "LoadedDialogue": "corpus",
        "load_corpus": "corpus",
        "SpokenWord": "words",
    },
)
