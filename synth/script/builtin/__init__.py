"""The built-in writer: dialogues composed offline from topic families, a grammar and tables of facts.

`writer` composes, `frame` begins and ends, `topics/` are the families, `questions/` those a program can check,
`talk` what families write with, `stage` the state of one dialogue, `grammar` and `macros` its sentences, `facts/` data.
"""

from .writer import BuiltinWriter

__all__ = ["BuiltinWriter"]
