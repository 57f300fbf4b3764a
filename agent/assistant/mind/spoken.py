"""A clause as a mind writes it (Markdown, links, emoji, numbers) as words that any engine can say."""

from __future__ import annotations

import re
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from synth.script.language import Language, load_language
from synth.script.speakable import speakable

_LINK = re.compile(
    r"(?:https?://|www\.)(?:www\.)?([^\s/?#:,!]+)[^\s,]*|\b([\w-]+(?:\.[\w-]+)*\.[a-z]{2,6})(?:/[^\s,]*)?"
)
_ADDRESS = re.compile(r"\b([\w.+-]+)@([\w-]+(?:\.[\w-]+)+)\b")
_BULLET = re.compile(r"^\s*(?:[-*+•]\s+|#{1,6}\s+|>\s*)+")
_RULE = re.compile(r"^[\s|:*_=-]*$")
_LIST = "list"


def spoken(clause: str, language: str = "en") -> str:
    """The words to say; "" where there are none. What cannot be read aloud is left out, never refused."""
    lines = [_plain(line) for line in clause.splitlines() if not _RULE.match(line)]
    text = _without_links(", ".join(line for line in lines if line))
    if not any(map(str.isalnum, text)):
        return ""
    known = load_language(language)
    return _said(text, known) or " ".join(filter(None, (_said(token, known).rstrip(".") for token in text.split())))


def _said(text: str, language: Language) -> str:
    try:
        return speakable(text, language)
    except ValueError:
        return ""


@lru_cache(maxsize=1)
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["strikethrough"]).disable([_LIST, "html_block", "code", "heading"])


def _plain(line: str) -> str:
    """One line of Markdown as text: what is marked up stays, the marks go."""
    line = _BULLET.sub("", line).strip()
    if line.startswith("|") or line.count("|") > 1:
        line = ", ".join(cell.strip() for cell in line.strip("|").split("|") if cell.strip())
    return " ".join(_text(_markdown().parseInline(line)).split()) if line else ""


def _text(tokens: list[Token] | None) -> str:
    said = []
    for token in tokens or ():
        if token.type in ("text", "code_inline"):
            said.append(token.content)
        elif token.type == "image":
            said.append(token.content)  # what it shows
        elif token.type in ("softbreak", "hardbreak"):
            said.append(" ")
        elif token.type == "inline":
            said.append(_text(token.children))
    return "".join(said).replace("**", "").replace("_", " ")


def _without_links(text: str) -> str:
    """Links by the name of their server, addresses as they are read out."""
    text = _ADDRESS.sub(lambda match: f"{_dotted(match[1])} at {_dotted(match[2])}", text)

    def named(match: re.Match[str]) -> str:
        host = match[1] or match[2]
        end = match[0][-1] if match[0][-1] in ".?!" else ""
        return _dotted(host.rstrip(".")) + end

    return _LINK.sub(named, text)


def _dotted(name: str) -> str:
    return name.replace(".", " dot ").replace("-", " ").replace("_", " ").replace("+", " plus ")
