"""What a model thinks before it answers, taken out of what it says: whole (`strip`) or as it streams in.

Known forms: tags (`<think>`, `<thinking>`, `<reasoning>`, `[THINK]`, `◁think▷`, `<|START_THINKING|>` and their like),
the channels of harmony (gpt-oss), also with its special tokens lost (`analysis...assistantfinal...`), fenced drafts,
and the opening phrases of Granite and Apriel. A thought that is never closed hides all that follows: an answer lost is
asked for again, a thought spoken aloud is in the corpus for good.
"""

from __future__ import annotations

import re

_NAMES = (
    "think", "thinking", "thought", "thoughts", "thought_process", "reasoning", "reason", "reflection", "reflect",
    "scratchpad", "analysis", "monologue", "inner_monologue", "internal_monologue", "inner_thoughts", "cot",
    "chain_of_thought", "deliberation", "rationale", "draft", "seed:think", "antml:thinking", "ant:thinking",
)  # fmt: skip
_BARRED = ("begin_of_thought", "start_thinking", "start_of_thought", "start_of_thinking", "thought_begin")
_BARRED_ENDS = ("end_of_thought", "end_thinking", "end_of_thinking", "thought_end")
_UNWRAPPED = ("answer", "response", "final", "final_answer", "output", "solution", "seed:answer")
_UNWRAPPED_BARRED = ("begin_of_solution", "end_of_solution", "start_response", "end_response", "im_end", "im_start")
_CHANNELS = ("start", "channel", "message", "end", "return", "call")  # of harmony
_FENCES = ("think", "thinking", "thought", "thoughts", "reasoning", "analysis", "draft", "scratchpad", "plan")
_OPENINGS = {  # said at the start -> what ends the thought
    "here is my thought process:": "here is my response:",
    "here's my thought process:": "here's my response:",
    "here are my reasoning steps:": "[begin final response]",
}
_GLUED = re.compile(r"(analysis|commentary)(?=[^a-z\s,.?!'-])")
_GLUED_END = "assistantfinal"
_LONGEST_TAG = 220  # characters, attributes and all


def _any(names: tuple[str, ...]) -> str:
    return "|".join(map(re.escape, sorted(names, key=len, reverse=True)))


_MARK = re.compile(
    rf"""(?:<|◁|&lt;)\s{{0,4}}(?P<close>/?)\s{{0,4}}(?P<name>{_any(_NAMES)})(?P<rest>(?:\s[^<>▷&]{{0,150}})?/?)(?:>|▷|&gt;)
    |(?-i:\[(?P<square_close>/?)(?P<square>THINK|THINKING|REASONING)\])
    |<\|(?P<barred_close>/?)(?P<barred>{_any(_NAMES)})\|>
    |<\|(?P<begin>{_any(_BARRED)})\|>|<\|(?P<finish>{_any(_BARRED_ENDS)})\|>
    |(?P<gemma><\|channel>)|(?P<gemma_close><channel\|>)
    |<\|(?P<harmony>{_any(_CHANNELS)})\|>
    |</?(?P<unwrapped>{_any(_UNWRAPPED)})>|<\|(?:{_any(_UNWRAPPED_BARRED)})\|>|\[(?:BEGIN|END)\ FINAL\ RESPONSE\]
    |(?P<fence>```[ \t]*(?P<language>\w*))(?!\w)""",
    re.VERBOSE | re.IGNORECASE,
)
_TAG_BEGUN = re.compile(r"(?:<|◁|&lt;)\s{0,4}/?\s{0,4}(?P<name>[\w:]*)(?P<rest>(?:\s[^<>▷&]{0,150})?/?)(?:&|&g|&gt)?")
_FENCE_BEGUN = re.compile(r"`{1,2}|```[ \t]*\w*")
_FIXED = (
    *(f"<|{name}|>" for name in (*_NAMES, *_BARRED, *_BARRED_ENDS, *_CHANNELS, *_UNWRAPPED_BARRED)),
    *(f"<|/{name}|>" for name in _NAMES),
    *("<|channel>", "[begin final response]", "[end final response]"),
    *(f"[{slash}{name}]" for slash in ("", "/") for name in ("think", "thinking", "reasoning")),
)
_OPENERS = "<◁&[`"


class ReasoningFilter:
    """The answer out of a text that arrives in chunks; any cutting into chunks gives the same answer.

    Args:
        inside: the text begins in the midst of a thought (a chat template had opened it).

    Attributes:
        thinking: whether what came last was a thought.
        recalled: how often a thought ended that had not begun: all that was given out until then was one.
    """

    def __init__(self, *, inside: bool = False) -> None:
        self._stack: list[str] = ["think"] if inside else []
        self._held = ""
        self._ended = ""  # what ends a thought that a phrase opened
        self._header: str | None = None  # of a harmony message, while it is read
        self._aside = False  # in a harmony message that is no answer, or between two
        self._begun = inside
        self.recalled = 0

    @property
    def thinking(self) -> bool:
        """Whether what came last was a thought."""
        return bool(self._stack or self._ended or self._aside or self._header is not None)

    def feed(self, chunk: str) -> str:
        """What of the text so far is certainly said, beyond what was given before."""
        text = self._held + chunk
        if not self._begun:
            if _may_open(text):
                self._held = text
                return ""
            text = self._open(text)
        if self._ended:
            _, end, after = text.lower().partition(self._ended)
            if not end:
                self._held = text[max(0, len(text) - len(self._ended) + 1) :]
                return ""
            text, self._ended = text[len(text) - len(after) :], ""
        cut = _unfinished(text)
        self._held = text[cut:]
        return self._pass(text[:cut])

    def finish(self) -> str:
        """The rest, once nothing more comes."""
        if not self._begun:
            self._held = self._open(self._held)
        said = self.feed("")
        rest, self._held = self._held, ""
        return said + ("" if self._ended else self._pass(rest))

    def _open(self, text: str) -> str:
        """`text` without the phrase that opens a thought, at the start of everything."""
        self._begun = True
        plain = text.lstrip()
        for phrase, end in _OPENINGS.items():
            if plain.lower().startswith(phrase):
                self._ended = end
                return plain[len(phrase) :]
        if _GLUED.match(plain):
            self._ended = _GLUED_END
        return text

    def _pass(self, text: str) -> str:
        said: list[str] = []
        at = 0
        for mark in _MARK.finditer(text):
            self._say(text[at : mark.start()], said)
            at = mark.end()
            recalled = self.recalled
            if not self._take(mark):
                self._say(mark[0], said)
            if self.recalled > recalled:
                said.clear()
        self._say(text[at:], said)
        return "".join(said)

    def _say(self, text: str, said: list[str]) -> None:
        if self._header is not None:
            self._header += text
        elif not self.thinking:
            said.append(text)

    def _take(self, mark: re.Match[str]) -> bool:
        """Take a mark in; False where it is plain text (a fence around code)."""
        parts = mark.groupdict()
        if parts["harmony"]:
            self._harmony(parts["harmony"].lower())
        elif parts["gemma"] or parts["begin"]:
            self._stack.append("gemma" if parts["gemma"] else "barred")
        elif parts["gemma_close"] or parts["finish"]:
            self._close("gemma" if parts["gemma_close"] else "barred")
        elif parts["fence"]:
            return self._fence(parts["language"].lower())
        elif name := parts["name"] or parts["square"] or parts["barred"]:
            if parts["close"] or parts["square_close"] or parts["barred_close"]:
                self._close(name.lower())
            elif not (parts["rest"] or "").rstrip().endswith("/"):
                self._stack.append(name.lower())
        return True

    def _close(self, name: str) -> None:
        if name in self._stack:
            del self._stack[len(self._stack) - 1 - self._stack[::-1].index(name) :]
        elif not self._stack:
            self.recalled += 1

    def _fence(self, language: str) -> bool:
        """A fence opens a draft, ends one, or is inside one; else it is plain text."""
        drafting = any(name.startswith("```") for name in self._stack)
        if language in _FENCES or (drafting and language):
            self._stack.append(f"```{language}")
        elif drafting:
            while not self._stack.pop().startswith("```"):
                pass
        else:
            return False
        return True

    def _harmony(self, token: str) -> None:
        if token in ("start", "channel"):
            self._header = (self._header or "") + f" {token} "
        elif token == "message":
            header = (self._header or "").split()
            channel = header[header.index("channel") + 1 :] if "channel" in header else ["final"]
            self._aside, self._header = not (channel and channel[0] == "final"), None
        else:
            self._aside, self._header = True, None


def strip(text: str) -> str:
    """The answer in what a model wrote, without its reasoning and without blanks around it; it may be empty."""
    sieve = ReasoningFilter()
    return (sieve.feed(text) + sieve.finish()).strip()


def _may_open(text: str) -> bool:
    """Whether more text is needed to tell if it begins with a phrase that opens a thought."""
    plain = text.lstrip().lower()
    openings = (*_OPENINGS, "analysis", "commentary")
    return any(opening.startswith(plain) for opening in openings)


def _unfinished(text: str) -> int:
    """Where the start of a mark begins that more text could complete; the length of `text` if there is none."""
    for at in range(max(0, len(text) - _LONGEST_TAG), len(text)):
        if text[at] in _OPENERS and _could_be_mark(text[at:]):
            return at
    return len(text)


def _could_be_mark(tail: str) -> bool:
    if tail[0] == "`":
        return _FENCE_BEGUN.fullmatch(tail) is not None
    if tail[0] == "[" or tail.startswith("<|"):
        return any(mark.startswith(tail.lower()) and mark != tail.lower() for mark in _FIXED)
    begun = _TAG_BEGUN.fullmatch(tail)
    if "&lt;".startswith(tail) or "<channel|>".startswith(tail):
        return True
    if begun is None:
        return False
    name, rest = begun["name"].lower(), begun["rest"]
    known = (*_NAMES, *_UNWRAPPED)
    return name in known if rest else any(other.startswith(name) for other in known)
