"""What an agent is to be taught, in a file that anybody can write: who it is, questions with answers, small dialogues.

    load_syllabus("menu.toml")         # or .json with the same tables, or .csv with the columns ask, answer, key, judge

In a CSV file wordings are parted by `|`, and a row whose `ask` is `@name`, `@about`, `@language`, `@greeting`,
`@unknown` or `@off_topic` says that of the agent. `examples/pizza.toml` shows every key.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from corpus.strict import Strict, load_json, load_toml, parse
from corpus.suggestion import suggestion

from .language import Language, load_language
from .line import plain_words
from .speakable import speakable

EXAMPLES = Path(__file__).with_name("examples")
SLOT = re.compile(r"\{([^{}]*)\}")
_PLACE = re.compile(r"\b(?:question|dialogue)\.\d+(?:\.\w+)*")
FEWEST = 3  # wordings from which the last is kept for judging
_COLUMNS = ("ask", "answer", "key", "judge")
_LISTS = ("ask", "judge")
_ABOUT = ("name", "about", "language", "greeting", "unknown", "off_topic")


def _listed(value: Any) -> Any:
    """One wording may stand without brackets."""
    return (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else value


Text = Annotated[str, Field(min_length=1, max_length=1000)]
Wordings = Annotated[tuple[Text, ...], BeforeValidator(_listed)]


def parted(wordings: tuple[str, ...], judge: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The wordings to teach and those kept for judging: `judge`, or else the last of three or more."""
    if judge or len(wordings) < FEWEST:
        return wordings, judge
    return wordings[:-1], wordings[-1:]


class TaughtQuestion(Strict):
    """A question in several wordings and its one answer.

    `key`: what a right answer must contain; the whole of it if left out. `judge`: wordings that are never taught.
    """

    ask: Wordings = Field(min_length=1)
    answer: Text
    key: str = ""
    judge: Wordings = ()


class TaughtTurn(Strict):
    """What the user says in one of several wordings, and what the agent says to that; both may hold `{slots}`."""

    user: Wordings = Field(min_length=1)
    agent: Text
    key: str = ""
    judge: Wordings = ()


class TaughtDialogue(Strict):
    """A small dialogue of several turns."""

    name: str
    turns: tuple[TaughtTurn, ...] = Field(min_length=1)


class Syllabus(Strict):
    """All that an agent is to be taught; see `examples/pizza.toml`."""

    name: Text
    about: str = ""
    language: str = "en"
    greeting: str = ""
    unknown: str = ""
    off_topic: Wordings = ()
    values: dict[str, Wordings] = Field(default_factory=dict)
    question: tuple[TaughtQuestion, ...] = ()
    dialogue: tuple[TaughtDialogue, ...] = ()

    @model_validator(mode="after")
    def _sayable(self) -> Syllabus:
        if not self.question and not self.dialogue:
            raise ValueError("nothing is taught: write at least one [[question]] or [[dialogue]]")
        if self.off_topic and not self.unknown:
            raise ValueError("off_topic: say in `unknown` what the agent answers to these")
        language = load_language(self.language)
        for slot, values in self.values.items():
            if not values:
                raise ValueError(f"values.{slot}: give at least one value")
        for place, text in self._texts():
            _check_text(place, text, self.values, language)
        for place, key, text in self._keys():
            if key and plain(key, language) not in plain(text, language):
                raise ValueError(f"{place}: the answer does not contain {key!r}")
        asked: dict[str, str] = {}
        for place, wording in self._asked():
            if other := asked.get(text := plain(wording, language)):
                raise ValueError(f"{place}: {wording!r} is asked {'twice' if other == place else f'in {other} too'}")
            asked[text] = place
        for place, wordings in self._said():
            texts = [plain(wording, language) for wording in wordings]
            if len({*texts}) < len(texts):
                raise ValueError(f"{place}: {max(texts, key=texts.count)!r} stands there twice")
        return self

    def _texts(self) -> Iterator[tuple[str, str]]:
        """Everything that is said, with its place."""
        yield from ((place, text) for place in ("greeting", "unknown") if (text := getattr(self, place)))
        yield from ((f"values.{slot}", value) for slot, values in self.values.items() for value in values)
        yield from self._asked()
        for number, question in enumerate(self.question):
            yield f"question.{number}.answer", question.answer
        for number, dialogue in enumerate(self.dialogue):
            for at, turn in enumerate(dialogue.turns):
                place = f"dialogue.{number}.turns.{at}"
                yield from ((f"{place}.user", text) for text in (*turn.user, *turn.judge))
                yield f"{place}.agent", turn.agent

    def _asked(self) -> Iterator[tuple[str, str]]:
        """What stands for itself as a question, with its place."""
        yield from (("off_topic", text) for text in self.off_topic)
        for number, question in enumerate(self.question):
            yield from ((f"question.{number}", text) for text in (*question.ask, *question.judge))

    def _said(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """All wordings of each turn of the dialogues, with its place."""
        for number, dialogue in enumerate(self.dialogue):
            yield from (
                (f"dialogue.{number}.turns.{n}.user", (*t.user, *t.judge)) for n, t in enumerate(dialogue.turns)
            )

    def _keys(self) -> Iterator[tuple[str, str, str]]:
        yield from ((f"question.{n}.key", each.key, each.answer) for n, each in enumerate(self.question))
        for number, dialogue in enumerate(self.dialogue):
            yield from ((f"dialogue.{number}.turns.{n}.key", t.key, t.agent) for n, t in enumerate(dialogue.turns))

    def instructions(self) -> str:
        """Who the agent is, for a language model."""
        lines = [self.about or f"You are the voice assistant of {self.name}."]
        if self.unknown:
            lines.append(f'When what you know does not answer a question, say: "{self.unknown}"')
        return "\n".join(lines)

    def facts(self) -> str:
        """What the agent knows, for a language model: questions with answers, dialogues, values of their slots."""
        lines = [f"Question: {each.ask[0]}\nAnswer: {each.answer}" for each in self.question]
        lines += [f"{slot}: {', '.join(values)}" for slot, values in self.values.items()]
        for dialogue in self.dialogue:
            said = [f"User: {turn.user[0]}\nYou: {turn.agent}" for turn in dialogue.turns]
            lines.append("\n".join([f"A talk ({dialogue.name}):", *said]))
        return "\n".join(lines)


def plain(text: str, language: Language) -> str:
    """A text as bare spoken words; slots stay as words of their own."""
    return plain_words(speakable(SLOT.sub(r" slot \1 ", text), language))


def _check_text(place: str, text: str, values: dict[str, tuple[str, ...]], language: Language) -> None:
    for slot in SLOT.findall(text):
        if place.startswith("dialogue.") and slot not in values:
            raise ValueError(f"{place}: no [values] are called {slot!r}{suggestion(slot, values)}")
        if not place.startswith("dialogue."):
            raise ValueError(f"{place}: {{{slot}}} may stand in a [[dialogue]] only")
    try:
        speakable(SLOT.sub("it", text), language)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def load_syllabus(path: str | Path) -> Syllabus:
    """A syllabus of a `.toml`, `.json` or `.csv` file. Raises ValueError with one line that names file and place."""
    path = Path(path).expanduser()
    kind = path.suffix.lower()
    if kind not in (".toml", ".json", ".csv"):
        raise ValueError(f"{path}: what is taught stands in a .toml, .json or .csv file")
    if not path.is_file():
        raise ValueError(f"there is no file {path}")
    if kind == ".csv":
        return _load_csv(path)
    try:
        return (load_toml if kind == ".toml" else load_json)(path, Syllabus, "syllabus")
    except ValueError as error:
        raise ValueError(_PLACE.sub(lambda place: _counted(place[0]), str(error))) from None


def _counted(place: str) -> str:
    """A place as people count: `dialogue.0.turns.1.agent` is dialogue 1, turn 2, agent."""
    return re.sub(r"s? (\d+)", lambda number: f" {int(number[1]) + 1}", re.sub(r"\.(?=\d)", " ", place)).replace(
        ".", ", "
    )


def is_syllabus(path: str | Path) -> bool:
    """Whether a file is meant as a syllabus; a `.csv` or `.json` may hold any other facts. One not there is none."""
    path = Path(path).expanduser()
    kind = path.suffix.lower()
    if kind == ".toml":
        return True
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if kind == ".csv":
            return {"ask", "answer"} <= set(next(csv.reader(text.splitlines(), delimiter=_between(text)), []))
        content = json.loads(text) if kind == ".json" else None
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and "name" in content and bool({"question", "dialogue"} & set(content))


def _load_csv(path: Path) -> Syllabus:
    content: dict[str, Any] = {"name": path.stem, "question": []}
    lines: list[int] = []  # of the questions
    for number, row in _rows(path):
        if None in row or None in row.values():
            raise ValueError(f"{path}:{number}: as many cells as columns, please; put quotes around a text with commas")
        cells = {name: _cell(name, cell) for name, cell in row.items() if cell.strip()}
        key = row["ask"].strip().removeprefix("@")
        if not cells:
            continue
        if not row["ask"].strip().startswith("@"):
            content["question"].append(parse(cells, TaughtQuestion, f"{path}:{number}").model_dump())
            lines.append(number)
        elif key in _ABOUT:
            content[key] = _cell("ask" if key == "off_topic" else key, row["answer"])
        else:
            raise ValueError(f"{path}:{number}: nothing is called @{key}{suggestion(key, _ABOUT)}")
    try:
        return parse(content, Syllabus, str(path))
    except ValueError as error:
        told = re.sub(r"\bquestion\.(\d+)", lambda number: f"line {lines[int(number[1])]}", str(error))
        raise ValueError(told) from None


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Line number and cells of every row."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=_between(text), strict=True)
        names = reader.fieldnames or []
        if set(names) - {*_COLUMNS} or not {"ask", "answer"} <= set(names):
            raise ValueError(f"{path}:1: the columns are {', '.join(_COLUMNS)}; the last two may be left out")
        return [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text: save it as CSV UTF-8") from None
    except (OSError, csv.Error) as error:
        raise ValueError(f"cannot read the syllabus {path}: {error}") from None


def _between(text: str) -> str:
    """What stands between the cells of a table, to judge by its heading: comma, semicolon or tab."""
    return max(",;\t", key=text.partition("\n")[0].count)


def _cell(name: str, cell: str) -> Any:
    """A cell's text; a list where the column holds wordings."""
    parts = [part.strip() for part in cell.split("|")]
    return [part for part in parts if part] if name in _LISTS else cell.strip()
