"""What a language model writes, as it can be spoken: letters and the marks `, . ? !`, numbers as words.

What has a fixed reading is rewritten; what has none (a link, an unknown sign between digits) is refused, so that the
model is asked again instead of an engine guessing.
"""

from __future__ import annotations

import re
import unicodedata

from .language import Language

_LINK = re.compile(r"https?://|www\.|\S+@\S+\.\w|\w+\.(?:com|org|net)\b", re.IGNORECASE)
_BRACKETED = re.compile(r"\([^()]*\)|\[[^\[\]]*\]|<[^<>]*>|\{[^{}]*\}")
_STRONG = re.compile(r"\*\*([^*]+)\*\*|__([^_]+)__|`([^`]+)`")
_DIRECTION = re.compile(r"(?:^|(?<=[.?!,] ))\*[^*]+\*(?=$| |[.?!,])|\*[^*]+\*$")
_INITIALS = re.compile(r"\b(?:[A-Za-z]\.){2,}(?!\w)")
_QUOTES = dict.fromkeys(map(ord, '"“”„«»‹›¿¡‚'), "") | {ord("’"): "'", ord("‘"): "'", ord("´"): "'"}
_TOKEN = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*[,.?!]?")
_SENTENCE = re.compile(r"(^|[.?!] )([^\W\d_])")
_TIME = re.compile(r"\b([01]?\d|2[0-4])(?::|h)([0-5]\d)\b")
_FIRST_YEAR = 1100


def speakable(text: str, language: Language) -> str:
    """The text as it is spoken: one or more sentences, every whitespace token a word with at most one mark after it.

    Raises:
        ValueError: it holds nothing to say, or something that has no one reading; the message tells a writer what.
    """
    text = unicodedata.normalize("NFC", text).translate(_QUOTES)
    if found := _LINK.search(text):
        raise ValueError(f"{found[0]!r} is a link or address; describe it in words")
    text = _STRONG.sub(lambda match: match[1] or match[2] or match[3], text)
    text = _BRACKETED.sub(" ", _DIRECTION.sub(" ", text))
    text = _with_words(_marks(text, language), language)
    tokens: list[str] = []
    for token in text.split():
        token = _bare(token)
        if not any(map(str.isalpha, token)) and not any(map(str.isdigit, token)):
            if tokens and token[-1:] in (",", ".", "?", "!"):
                tokens[-1] = tokens[-1].rstrip(",.?!") + token[-1]
            continue
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"{token!r} cannot be read aloud; write numbers and signs as words")
        tokens.append(token)
    if not tokens:
        raise ValueError("the turn holds nothing to say")
    return sentences(" ".join(tokens))


def sentences(text: str) -> str:
    """The same words with a capital where a sentence starts and a mark where the last one ends."""
    text = text.rstrip(",")
    text += "" if text[-1] in ".?!" else "."
    return _SENTENCE.sub(lambda found: found[1] + found[2].upper(), text)


def _marks(text: str, language: Language) -> str:
    """Dashes, colons and dots as commas and full stops; nothing else changes."""
    text = _times(text, language)
    text = re.sub(r"(?<=\d)\s?[–-]\s?(?=\d)", f" {language.numbers.to} ", text)
    text = re.sub(r"\s*(?:…|\.{2,})\s*(?=\S)", ", ", text)
    text = re.sub(r"…|\.{2,}", ".", text)
    text = re.sub(r"\s+[-–—]+\s+|[–—]+|\s*[;:](?!\d)\s*", ", ", text)
    text = re.sub(r"\s+([,.?!])", r"\1", text)
    return re.sub(r",\s*([,.?!])", r"\1", text)


def _times(text: str, language: Language) -> str:
    clock = language.clock
    if clock.am:
        text = re.sub(r"(?<=\d)\s?a\.?m\b\.?", f" {clock.am}", text, flags=re.IGNORECASE)
        text = re.sub(r"(?<=\d)\s?p\.?m\b\.?", f" {clock.pm}", text, flags=re.IGNORECASE)
    if clock.unit:
        text = re.sub(rf"({_TIME.pattern})\s?{clock.unit}\b", r"\1", text)
    return _TIME.sub(lambda found: _clock(int(found[1]), int(found[2]), language), text)


def _clock(hour: int, minute: int, language: Language) -> str:
    clock, numbers = language.clock, language.numbers
    said = numbers.cardinal(hour, clock.before)
    if not minute:
        return clock.hour.format(hour=said)
    told = numbers.cardinal(minute)
    return clock.full.format(hour=said, minute=clock.low.format(minute=told) if minute < 10 else told)


def _with_words(text: str, language: Language) -> str:
    """Prices, abbreviations, numbers and signs as words."""
    signs = "".join(map(re.escape, language.money))
    amount = r"(\d[\d.,]*\d|\d)"
    text = re.sub(rf"([{signs}])\s?{amount}", lambda found: _price(found[1], found[2], language), text)
    text = re.sub(rf"{amount}\s?([{signs}])", lambda found: _price(found[2], found[1], language), text)
    text = re.sub(r"([%&+=°])", r" \1 ", text)
    for month in language.dotted:
        if found := re.search(rf"\d+\. ?{month}\b", text):
            raise ValueError(f"{found[0]!r} cannot be read aloud; write dates as words")
    words = []
    for token in text.split():
        core = token.rstrip(",?!")
        known = language.said_as.get(core) or language.said_as.get(core.lower())
        if known is None and core != core.rstrip("."):
            core = core.rstrip(".")
            known = language.said_as.get(core) or language.said_as.get(core.lower())
        if known is not None:
            words.append(known + token[len(core) :])
            continue
        token = _INITIALS.sub(lambda found: " ".join(found[0].replace(".", " ").split()), token)
        words.append(re.sub(r"(?<!\d)-?\d[\d.,]*\d|(?<!\d)-?\d", lambda found: _number(found[0], language), token))
    text = " ".join(words)
    return re.sub(r"\s+([,.?!])", r"\1", text)


def _price(sign: str, amount: str, language: Language) -> str:
    one, many, part, parts = language.money[sign]
    whole, cents = _split(amount, language)
    said = language.numbers.cardinal(int(whole), before=True)
    said = f"{said} {one if int(whole) == 1 else many}"
    if len(cents) == 2 and int(cents):
        said += f" {language.numbers.cardinal(int(cents))}" + (
            "" if int(whole) else f" {part if cents == '01' else parts}"
        )
    elif cents and int(cents):
        raise ValueError(f"{sign}{amount} cannot be read aloud; write prices as words")
    return said


def _number(digits: str, language: Language) -> str:
    """A number with blanks around it, so that letters next to it stand alone."""
    numbers, minus = language.numbers, digits.startswith("-")
    whole, fraction = _split(digits.lstrip("-"), language)
    if fraction:
        said = numbers.decimal(whole, fraction)
    elif (len(whole) > 1 and whole.startswith("0")) or len(whole) > 9:
        said = ", ".join(numbers.small[int(digit)] for digit in whole)
    else:
        said = _year(digits, language) or numbers.cardinal(int(whole))
    return f" {numbers.minus + ' ' if minus else ''}{said} "


def _split(digits: str, language: Language) -> tuple[str, str]:
    """Digits before and after the decimal mark, without marks of thousands."""
    mark = language.numbers.decimal_mark
    other = "," if mark == "." else "."
    grouped = re.fullmatch(rf"\d{{1,3}}(?:[{other}]\d{{3}})*(?:[{mark}](\d+))?", digits)
    if grouped or re.fullmatch(rf"\d+(?:[{mark}]\d+)?", digits):
        whole, _, fraction = digits.replace(other, "").partition(mark)
        return whole, fraction
    if re.fullmatch(rf"\d+[{other}]\d{{1,2}}", digits):  # the other convention, unmistakably
        whole, _, fraction = digits.partition(other)
        return whole, fraction
    raise ValueError(f"{digits!r} cannot be read aloud; write numbers as words")


def _year(digits: str, language: Language) -> str | None:
    years = language.years
    if years is None or len(digits) != 4 or not digits.isdigit():
        return None
    number = int(digits)
    if not _FIRST_YEAR <= number <= years.last or 2000 <= number < 2010:
        return None
    century, rest = language.numbers.cardinal(number // 100, before=True), language.numbers.cardinal(number % 100)
    shape = years.round if number % 100 == 0 else years.low if number % 100 < 10 else years.full
    return shape.format(century=century, rest=rest)


def _bare(token: str) -> str:
    """A token without signs that are not said, and with one mark at its end at most."""
    kept = [character for character in token if unicodedata.category(character)[0] in "LMN" or character in "'-,.?!"]
    token = "".join(kept).strip("'-")
    core = token.rstrip(",.?!'-")
    marks = [mark for mark in token[len(core) :] if mark in ",.?!"]
    mark = next((strong for strong in "?!.," if strong in marks), "")
    return core.lstrip(",.?!'-") + mark
