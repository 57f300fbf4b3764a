"""What a language model writes, as it can be spoken: letters and the marks `, . ? !`, numbers as words.

What has a fixed reading is rewritten (see `readings`); what has none (a link, an unknown sign between digits) is
refused, so that the model is asked again instead of an engine guessing.
"""

from __future__ import annotations

import re
import unicodedata

from .language import Language
from .readings import read_aloud

_LINK = re.compile(
    r"https?://\S*|www\.\S*|(?<![@\w.-])[\w-]+\.(?:com|org|net|io|de|fr|es|it|pt)\b(?!\.?\w*@)", re.IGNORECASE
)
_BRACKETED = re.compile(r"(?!\(\d{2,5}\)\s?\d)\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|\{[^{}]*\}")
_CLAUSE = re.compile(r"(?<=\d)\(([a-z]|\d{1,2}|[ivx]{1,4})\)")  # Section 4(b)
_FIGURES = re.compile(r"(?!\(\d{2,5}\)\s?\d)\(([^()]*\d[^()]*)\)")  # no stage direction has figures
_STRONG = re.compile(r"\*\*([^*]+)\*\*|__([^_]+)__|`([^`]+)`")
_DIRECTION = re.compile(r"(?:^|(?<=[.?!,] ))\*[^*]+\*(?=$| |[.?!,])|\*[^*]+\*$")
_INITIALS = re.compile(r"\b(?:[A-Za-z]\.){2,}(?!\w)")
_QUOTES = dict.fromkeys(map(ord, '"“”„«»‹›¿¡‚'), "") | {ord("’"): "'", ord("‘"): "'", ord("´"): "'"}
_TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*[,.?!]?")
_PLAIN = re.compile(rf"{_TOKEN.pattern}(?: {_TOKEN.pattern})*")
_SENTENCE = re.compile(r"(^|[.?!] )([^\W\d_])")
_FEET = re.compile(r"(?<![\w'])(\d+)['′](?:\s?(\d+)(?:\"|″|''))?(?![\w'])")
_INCHES = re.compile(r"(?<![\w\"])(\d+)[\"″](?!\w)")


def speakable(text: str, language: Language) -> str:
    """The text as it is spoken: one or more sentences, every whitespace token a word with at most one mark after it.

    Raises:
        ValueError: it holds nothing to say, or something that has no one reading; the message tells a writer what.
    """
    text = _lengths(unicodedata.normalize("NFC", text), language).translate(_QUOTES)
    if link := _LINK.search(text):
        raise ValueError(f"{link[0]!r} is a link or address; describe it in words")
    text = _STRONG.sub(lambda match: match[1] or match[2] or match[3], text)
    text = _BRACKETED.sub(" ", _FIGURES.sub(r", \1, ", _CLAUSE.sub(_clause, _DIRECTION.sub(" ", text))))
    text = _marks(read_aloud(text, language))
    tokens: list[str] = []
    for token in text.split():
        token = _bare(token)
        if not any(map(str.isalpha, token)) and not any(map(str.isdigit, token)):
            if tokens and token[-1:] in (",", ".", "?", "!"):
                tokens[-1] = tokens[-1].rstrip(",.?!") + token[-1]
            continue
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"{token!r} cannot be read aloud; write numbers and signs as words")
        if not token.isascii() and not language.writes(token):
            raise ValueError(f"{token!r} is not written in the letters of {language.name}; write it as it is said")
        tokens.append(token)
    if not tokens:
        raise ValueError("the turn holds nothing to say")
    return language.after_fillers(sentences(" ".join(tokens)))


def is_plain(text: str) -> bool:
    """Whether a text is words with at most one mark after each, as it is said."""
    return bool(_PLAIN.fullmatch(text))


def sentences(text: str) -> str:
    """The same words with a capital where a sentence starts and a mark where the last one ends."""
    text = text.rstrip(",")
    text += "" if text[-1] in ".?!" else "."
    return _SENTENCE.sub(lambda match: match[1] + match[2].upper(), text)


def _lengths(text: str, language: Language) -> str:
    """Feet and inches spelled out, before quotation marks go."""
    if language.code != "en":
        return text
    text = _FEET.sub(lambda match: f"{match[1]} ft" + (f" {match[2]} in." if match[2] else ""), text)
    return text if text.count('"') % 2 == 0 else _INCHES.sub(r"\1 in.", text)


def _clause(match: re.Match[str]) -> str:
    """The mark of a clause behind its section's number, as a letter or number of its own."""
    return f" {match[1].upper()}"


def _marks(text: str) -> str:
    """Dashes, colons and dots as commas and full stops; initials as letters."""
    text = _INITIALS.sub(lambda match: " ".join(match[0].replace(".", " ").split()), text)
    text = re.sub(r"\s*(?:…|\.{2,})\s*(?=\S)", ", ", text)
    text = re.sub(r"…|\.{2,}", ".", text)
    text = re.sub(r"\s+[-–—]+\s+|[–—]+|\s*[;:]\s*", ", ", text)
    text = re.sub(r"\s+([,.?!])", r"\1", text)
    return re.sub(r",\s*([,.?!])", r"\1", text)


def _bare(token: str) -> str:
    """A token without signs that are not said, and with one mark at its end at most."""
    kept = [character for character in token if unicodedata.category(character)[0] in "LMN" or character in "'-,.?!"]
    token = "".join(kept).strip("'-")
    core = token.rstrip(",.?!'-")
    marks = [mark for mark in token[len(core) :] if mark in ",.?!"]
    mark = next((strong for strong in "?!.," if strong in marks), "")
    return core.lstrip(",.?!'-") + mark
