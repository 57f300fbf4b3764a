"""What words alone tell the floor: a call to stop, a sign of listening, a sentence that goes on, one's own echo."""

from __future__ import annotations

import re

STOPS = frozenset({"stop", "wait", "halt", "pause", "quiet", "enough", "shush"})
STOP_PHRASES = frozenset(
    {"hold on", "hang on", "shut up", "be quiet", "one moment", "one second", "just a moment", "just a second"}
    | {"stop it", "stop talking", "please stop", "stop please", "wait a minute", "wait a moment", "wait a second"}
    | {"no stop", "no wait", "okay stop", "ok stop", "oh wait", "hey stop", "that's enough", "wait wait", "stop stop"}
)
HUMS = frozenset(
    {"mhm", "mm", "mmm", "mm-hmm", "mmhmm", "mm-hm", "hm", "hmm", "uh-huh", "uhuh", "uh", "um", "ah", "oh"}
)
NODS = HUMS | {"oh", "yeah", "yes", "yep", "yup", "ok", "okay", "right", "sure", "aha", "wow", "really", "great"}
NOD_WORDS = NODS | frozenset(
    ("i", "see", "huh", "true", "cool", "good", "great", "nice", "alright", "all", "of", "course")
)
LONGEST_NOD = 3  # words
# Words that a sentence seldom ends with; "on", "in", "up" and the like often end one.
OPEN_ENDS = frozenset({
    "a", "an", "the", "and", "or", "but", "because", "so", "if", "when", "while", "that", "which", "who", "whose",
    "than", "as", "of", "to", "from", "with", "for", "at", "by", "into", "about", "my", "your", "his", "her",
    "its", "our", "their", "i", "we", "they", "he", "she", "i'd", "i'm", "i'll", "i've", "we're", "they're",
    "you're", "it's", "there's", "is", "are", "was", "were", "am", "be", "been", "can", "could", "would",
    "should", "will", "shall", "may", "might", "must", "do", "does", "did", "have", "has", "had", "um", "uh",
    "er", "erm", "like", "very", "really", "some", "any", "every", "each", "this", "these", "those", "please",
    "can't", "let's",
})  # fmt: skip
FINISHED_AFTER_ALL = frozenset(
    {"please", "this", "that", "these", "those", "really", "her", "his", "do", "can", "have"}
)
SAID_BACK = 0.7  # share of the heard words that were said, from which they are an echo
_WORD = re.compile(r"[\w'-]+")


def plain(text: str) -> list[str]:
    """The words in lower case, without marks."""
    return [word.strip("-'") for word in _WORD.findall(text.lower().replace("’", "'")) if word.strip("-'")]


def same_words(one: str, other: str) -> bool:
    """Whether two texts have the same words, whatever their case and marks."""
    return plain(one) == plain(other)


def is_stop(text: str) -> bool:
    """Whether somebody says nothing but that one is to stop or to wait."""
    words = plain(text)
    short = [word for word in words if word not in ("please", "now", "okay", "ok")]
    return bool(words) and ((all(word in STOPS for word in short) and bool(short)) or " ".join(words) in STOP_PHRASES)


def begins_with_stop(text: str) -> bool:
    """Whether the first word, or the first two, ask to stop."""
    words = plain(text)
    return bool(words) and (words[0] in STOPS or " ".join(words[:2]) in STOP_PHRASES)


def is_hum(text: str) -> bool:
    """Whether there are no words, or none but sounds such as "mhm"."""
    return all(word in HUMS for word in plain(text))


def is_nod(text: str) -> bool:
    """Whether somebody shows that he listens and wants nothing: no words, or "mhm", "yeah, right", "I see"."""
    words = plain(text)
    return len(words) <= LONGEST_NOD and all(word in NOD_WORDS for word in words)


def is_unfinished(text: str) -> bool:
    """Whether the last word, or the mark behind it, calls for more."""
    words = plain(text)
    if not words:
        return False
    tail = text.rstrip()
    if tail.endswith(("...", "…", ",", "-", "—", ":")):
        return True
    return words[-1] in OPEN_ENDS - FINISHED_AFTER_ALL


def is_question(text: str) -> bool:
    """Whether a text ends as a question."""
    return text.rstrip().rstrip("\"')").endswith("?")


def is_echo(heard: str, said: str) -> bool:
    """Whether the words heard are those said at the time: most of them, in the same order."""
    words, pool = plain(heard), plain(said)
    if not words or not pool:
        return False
    return _common(words, pool) >= SAID_BACK * len(words)


def _common(one: list[str], other: list[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        before = 0
        for index, candidate in enumerate(other, start=1):
            kept = row[index]
            row[index] = before + 1 if word == candidate else max(row[index], row[index - 1])
            before = kept
    return row[-1]
