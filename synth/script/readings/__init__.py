"""How written things are read aloud, per language: numbers, dates, times, money, units, codes, abbreviations.

`tables` is what a language's file here holds, `say` speaks numbers by it; `calendar`, `amounts`, `fractions`, `codes`
and `marks` each read one kind of thing, and `scan` goes over a text with all of them: what no rule understands is
refused with the string named.
"""

from .scan import read_aloud

__all__ = ["read_aloud"]
