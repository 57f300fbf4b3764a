"""Reads a text token by token: the first rule that fits says what stands there; what no rule knows is refused."""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from ..language import Language
from . import amounts, calendar, codes, english, german, marks, romance
from .apart import apart
from .say import UnreadableError, load_say
from .spot import Rule, Spot
from .tables import has_tables

_SPACES = dict.fromkeys(map(ord, "\u00a0\u202f\u2009\u2007\u2002\u2003\u2008"), " ")
_HYPHENS = dict.fromkeys(map(ord, "\u2010\u2011\u00ad\ufe63\uff0d"), "-") | {0xAD: ""}
_LEAD = re.compile(r"(?:(?!\(\d{2,5}\))[(\[«»¿¡])*")
_ELIDED = re.compile(
    r"[(\[«»¿¡]*(?:(?:[lLdDnNsScCjJmMtT]|[qQ]u|(?:[Dd]e|[Aa]|[Nn]e|[Dd]a|[Ss]u)ll)['’])?(?=[^\s\d]*\d)"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’.-]+[^\W\d_]+)*")
_ABBREVIATED = re.compile(r"[b-df-hj-np-tv-xz]{2,}", re.ASCII)  # letters that no word is made of
_VOWELLESS = {
    "hm", "hmm", "hmmm", "mm", "mmm", "mhm", "sh", "shh", "pst", "psst", "brr",
    "tsk", "pff", "pfft", "grr", "zzz", "ll",
    "ss", "th", "ts", "nth",
}  # fmt: skip
_OF_ITS_OWN = {"en": english.rules, "de": german.rules, **dict.fromkeys(("fr", "es", "it", "pt"), romance.rules)}
_REFUSED = set("#@&%+=<>|\\^~/_°§×÷√±≈≤≥→←⇒²³$€£¥¢·¼½¾")
_SKIPPED = "*`•–—-…·"


def read_aloud(text: str, language: Language) -> str:
    """`text` with all its digits and signs as words; letters and marks of punctuation stay.

    Raises:
        ValueError: a string in it has no one reading; the message names it.
    """
    if not has_tables(language.code):
        return text  # of a language of one's own: as it stands, so that nothing but words can be said
    text = apart(" ".join(text.translate(_SPACES).translate(_HYPHENS).split()), language.code)
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        begins = not out or out[-1][-1] in ".?!"
        said, end = _token(text, at, language.code, begins)
        out.append(said)
        at = end
    said = " ".join(out)
    return re.sub(r"\b([Uu]n)(?:' |a (?=ora\b))", r"\1'", said) if language.code == "it" else said


def _token(text: str, at: int, code: str, begins: bool) -> tuple[str, int]:
    """What stands at `at`, as it is said, and where it ends."""
    lead = (code in ("fr", "it") and _ELIDED.match(text, at)) or _LEAD.match(text, at)
    assert lead
    start = lead.end()
    elided = lead[0].lstrip("([«»¿¡")
    for pattern, reader in _rules(code):
        match = pattern.match(text, start)
        if match and match.end() > start:
            said = reader(match, Spot(load_say(code), text, start, match.end()))
            if said is not None:
                if begins and not elided:
                    said = said[:1].upper() + said[1:]
                return _with_marks(elided + said, text, match.end())
    return _plain(text, at, code)


def _with_marks(said: str, text: str, end: int) -> tuple[str, int]:
    """A reading with the punctuation that follows it."""
    follows = re.compile(r"[^\w\s]*").match(text, end)
    assert follows is not None
    marks = follows[0]
    return said + "".join(mark for mark in marks if mark in ",.?!;:…—–"), follows.end()


def _plain(text: str, at: int, code: str) -> tuple[str, int]:
    """A word as it is, or refused."""
    end = next((place for place in range(at, len(text)) if text[place].isspace()), len(text))
    token = text[at:end]
    language = load_say(code).language
    known = language.said_as.get(token) or language.said_as.get(token.lower())
    if known and not any(map(str.isdigit, token)):
        return known, end
    core = token.strip(_SKIPPED + ",.?!;:()[]«»¿¡'’\"")
    if core and (any(map(_is_number, core)) or (set(core) & _REFUSED and not _WORD.fullmatch(core))):
        raise UnreadableError(core)
    if (_ABBREVIATED.fullmatch(core) and core not in _VOWELLESS) or re.fullmatch(r"[b-df-hj-np-tv-xz]", core):
        raise UnreadableError(core, "write abbreviations in full")
    if re.fullmatch(r"[a-z]{1,2}[A-Z]\w{0,2}", core) and re.search(r"\d\s?$", text[:at]):
        raise UnreadableError(core, "write units in full")
    if _is_cut(token, core, text[end:], language):
        raise UnreadableError(token, "write abbreviations in full")
    if not core and set(token) & _REFUSED:
        raise UnreadableError(token)
    return token, end


def _is_cut(token: str, core: str, behind: str, language: Language) -> bool:
    """Whether a short word with a full stop is an abbreviation: what follows does not begin a sentence."""
    return (
        token == f"{core}."
        and 1 < len(core) <= 4
        and core.isalpha()
        and core.lower() not in language.stop_words
        and bool(re.match(r"\s[a-z]", behind))
    )


def _is_number(character: str) -> bool:
    return unicodedata.category(character)[0] == "N"


@cache
def _rules(code: str) -> tuple[Rule, ...]:
    say = load_say(code)
    all_rules: list[Rule] = []
    all_rules += [
        codes.mail(),
        *(_OF_ITS_OWN[code](say) if code in _OF_ITS_OWN else ()),
        *calendar.rules(say),
        *amounts.ordinals(say),
        *codes.rules(say),
        *marks.rules(say),
    ]
    all_rules += [*amounts.rules(say), codes.numbered()]
    return tuple(all_rules)
