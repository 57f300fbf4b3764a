"""The recipe of a corpus: a strict TOML file that says what its dialogues are about, how and where people talk.

Every key has a default, so an empty file is a recipe. Unknown keys are refused with the nearest valid name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, PrivateAttr, SerializerFunctionWrapHandler, model_serializer, model_validator
from pydantic_core import PydanticSerializationError

from corpus.strict import Strict, parse
from corpus.suggestion import all_names, suggestion
from corpus.toml import read_toml

from .alignment.aligners import aligner_name
from .content import PREFIX, content_name, engine_name, facts_name, model_name, voices_name
from .engines.catalogue import default_engine
from .presets import PRESETS
from .script.builtin.tables import check_facts
from .script.builtin.topics.own import is_own
from .script.builtin.writer import FAMILIES, scenes_of
from .script.finished import finished_digest
from .script.language import load_language, take_language
from .script.line import Behaviours as WrittenBehaviours
from .script.models.prompting import FAMILIES as PROMPT_FAMILIES
from .script.models.prompting import load_passages, load_prompts, prompts_digest
from .script.writers import WriterManner, parse_writer
from .speaking.quality import QualitySettings
from .voices.recorded import RecordedSettings, load_people

Share = Field(ge=0, le=1)


class Length(Strict):
    """How long a dialogue is, in words of all speakers; drawn log-uniformly (150 words last about a minute).

    The default is 2 to 5 minutes: trainers cut recordings into stretches of 100 s and pad the last one.
    """

    shortest: int = Field(default=300, ge=20, le=5000)
    longest: int = Field(default=750, ge=20, le=5000)

    @model_validator(mode="after")
    def _ordered(self) -> Length:
        if self.shortest > self.longest:
            raise ValueError("length.shortest must not exceed length.longest")
        return self


class BehaviourRates(Strict):
    """How often people interrupt, mishear, turn aside, think aloud; see `synth.script.line.Behaviours`."""

    interruptions: float = Field(default=WrittenBehaviours.interruptions, ge=0, le=1)
    repairs: float = Field(default=WrittenBehaviours.repairs, ge=0, le=1)
    asides: float = Field(default=WrittenBehaviours.asides, ge=0, le=1)
    thinking: float = Field(default=WrittenBehaviours.thinking, ge=0, le=1)
    fillers: float = Field(default=WrittenBehaviours.fillers, ge=0, le=1)
    backchannels: float = Field(default=1.0, ge=0, le=5)  # times the preset's rate

    def written(self) -> WrittenBehaviours:
        """The part that a writer needs."""
        return WrittenBehaviours(**self.model_dump(exclude={"backchannels"}))


class Voices(Strict):
    """Bank voices by id for each side; an empty list means the whole bank. `folders` add one's own references."""

    agent: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    side: Literal["train", "evaluation"] | None = None  # of the folders' splits (synth voices split)
    steady: bool = False  # the agent speaks like `synth.speaking.steady`, for small models
    cast: Literal["", "match"] = ""  # "match": every reference by the engine's speakers most like it
    blend: bool = False  # every dialogue's user lies between two voices, see `synth.engines.pseudo.blend`
    user_engine: str = ""  # speaks for everybody but the agent; empty: the recipe's engine


class AcousticsRates(Strict):
    """What the user's channel goes through, after Moshi's augmentation; levels in dB, times in seconds."""

    gain: float = Field(default=0.5, ge=0, le=1)  # probability of a gain
    gain_db: tuple[float, float] = (-24.0, 15.0)
    noise: float = Field(default=0.3, ge=0, le=1)  # probability of background noise
    noise_db: tuple[float, float] = (-30.0, 6.0)  # noise relative to speech
    noise_silence: float = Field(default=0.5, ge=0, le=1)  # probability that a stretch of noise is muted
    echo: float = Field(default=0.3, ge=0, le=1)  # probability of hearing the agent back
    echo_gain: tuple[float, float] = (0.0, 0.2)
    echo_delay: tuple[float, float] = (0.1, 0.5)
    room: float = Field(default=0.3, ge=0, le=1)  # probability of a room around the user
    floor_dbfs: tuple[float, float] = (-72.0, -58.0)  # the noise floor of both channels
    agent_lufs: tuple[float, float] = (-24.0, -22.0)
    user_lufs: tuple[float, float] = (-27.0, -20.0)

    @model_validator(mode="after")
    def _ordered(self) -> AcousticsRates:
        for name, value in self:
            if isinstance(value, tuple) and value[0] > value[1]:
                raise ValueError(f"acoustics.{name} must be [lowest, highest]")
        return self


class Store(Strict):
    """How the corpus lies on disk."""

    shard_dialogues: int = Field(default=64, ge=1, le=10_000)
    stems: bool = False  # keep the clean channels beside each recording


class Writing(Strict):
    """Who writes the dialogues; see `synth.script.writers`. What a model is asked for and how it is reached."""

    use: str = "builtin"
    families: dict[str, float] = Field(default_factory=lambda: {"everyday": 1.0})  # of a model's prompts, by weight
    mode: Literal["auto", "json", "turns"] = "auto"  # turns: one at a time, for small models
    prompts: str = ""  # a TOML file whose texts, families and seeds stand beside those that ship or in their place
    questions: str = ""  # a file as `agent teach` takes: what the built-in writer's family `checkable` asks
    facts: str = ""  # a folder: tables of the built-in writer that stand in place of those that ship, by the same names
    passages: str = ""  # a text file with one paragraph a line, for knowledge chats; empty: those that ship
    temperature: float = Field(default=0.8, gt=0, le=2)
    tries: int = Field(default=3, ge=1, le=20)  # at an answer that cannot be used
    concurrency: int = Field(default=4, ge=1, le=256)  # dialogues being written at the same time
    key: str = "OPENAI_API_KEY"  # the environment variable with the server's key
    timeout: float = Field(default=120.0, gt=0)  # s for one answer
    retries: int = Field(default=5, ge=0, le=100)  # after a 429, a 5xx or a broken connection
    price: tuple[float, float] = (0.0, 0.0)  # of a million tokens read and written, to tell what it costs

    @model_validator(mode="after")
    def _known(self) -> Writing:
        parse_writer(self.use)
        for family, weight in self.families.items():
            if not self.prompts:
                self.check_family(family, PROMPT_FAMILIES)
            if weight < 0:
                raise ValueError(f"writer.families.{family} must not be negative")
        if not any(self.families.values()):
            raise ValueError("writer.families: at least one family needs a weight above zero")
        for name in ("questions", "facts"):
            if getattr(self, name) and self.use != "builtin":
                raise ValueError(
                    f"writer.{name} are for the built-in writer; write them into prompts or scripts for others"
                )
        if self.facts:
            check_facts(self.facts)
        return self

    @staticmethod
    def check_family(family: str, known: Iterable[str]) -> None:
        """Raise ValueError for a family that there is not, naming those that there are."""
        if family not in known:
            raise ValueError(
                f"unknown family {family!r}{all_names(family, known)}; writer.prompts names a file with others"
            )

    def manner(self) -> WriterManner:
        """The part that a model's writer needs."""
        return WriterManner(
            mode=self.mode,
            passages=self.passages,
            prompts=self.prompts,
            facts=self.facts,
            temperature=self.temperature,
            tries=self.tries,
            key=self.key,
            timeout=self.timeout,
            retries=self.retries,
        )


class Marking(Strict):
    """A watermark in all synthetic speech; see `synth.speaking.watermark`."""

    weights: str = ""  # generator_base.pth of AudioSeal; empty: no watermark
    message: int = Field(default=0, ge=0, lt=2**16)


NAMING = ("prompts", "questions", "facts", "passages")  # of `Writing`: files and folders
REACHING = {"concurrency", "key", "timeout", "retries", "price"}  # of `Writing`: change nothing that is written


class CorpusRecipe(Strict):
    """A whole recipe. `topics` weighs the writer's families; a family left out has no weight."""

    name: str = Field(default="everyday", pattern=r"^[A-Za-z0-9_-]+$")
    description: str = ""
    language: str = "en"
    language_file: str = ""  # what `language` was, if that was a file of one's own such as sw.toml
    engine: str = Field(default_factory=default_engine)  # see synth.engines.catalogue
    timing: str = "fisher"
    topics: dict[str, float] = Field(default_factory=lambda: dict.fromkeys(FAMILIES, 1.0))
    length: Length = Length()
    behaviours: BehaviourRates = BehaviourRates()
    voices: Voices = Voices()
    users: RecordedSettings = RecordedSettings()
    acoustics: AcousticsRates = AcousticsRates()
    store: Store = Store()
    writer: Writing = Writing()
    quality: QualitySettings = QualitySettings()
    watermark: Marking = Marking()
    aligner: str = ""  # of words the engine does not time: whisper:FOLDER, ctc:FOLDER; see synth.alignment.aligners
    _by_path: bool = PrivateAttr(default=False)  # files are named as earlier releases did

    def take_language(self) -> None:
        """Make a language of one's own known in this process. Raises ValueError where its file cannot be used."""
        if self.language_file:
            take_language(self.language_file)

    @model_serializer(mode="wrap")
    def _what_decides(self, serialise: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """All that decides what a corpus holds: what is left at its default since it exists goes unnamed."""
        data: dict[str, Any] = serialise(self)
        if not self._by_path:
            _name_by_content(data)
        if "writer" in data:
            own = {"prompts", "questions", "facts"}  # files, known by what they hold
            writer = {name: value for name, value in data.pop("writer").items() if name not in REACHING | own}
            if parse_writer(self.writer.use).kind == "scripts":
                data["writer"] = {"use": f"scripts:{finished_digest(parse_writer(self.writer.use).source)}"}
            elif self.writer.use != "builtin":
                prompts = prompts_digest(self.language, load_passages(self.writer.passages), self.writer.prompts)
                told = {} if self._by_path or "passages" not in writer else {"passages": ""}  # part of the prompts
                data["writer"] = {**writer, **told, "prompts": prompts}
            elif self.writer.questions or self.writer.facts:
                named = {"questions": content_name(self.writer.questions), "facts": facts_name(self.writer.facts)}
                data["writer"] = {"use": "builtin", **{name: content for name, content in named.items() if content}}
        if not self.quality.gates:
            data.pop("quality", None)
        elif "quality" in data and self.quality.whisper:
            data["quality"]["whisper"] = content_name(self.quality.whisper, "model.bin")
        if "watermark" in data:
            data["watermark"]["weights"] = content_name(self.watermark.weights)
        if not self.language_file:
            data.pop("language_file", None)
        if "users" in data and not self.users.recordings:
            data.pop("users")
        elif "users" in data:  # what is recorded decides, not where it lies
            data["users"] = {"people": load_people(self.users, self.language).digest}
        if not self.watermark.weights:
            data.pop("watermark", None)
        if not self.aligner:
            data.pop("aligner", None)
        elif "aligner" in data:
            data["aligner"] = aligner_name(self.aligner)
        for name in ("side", "steady", "cast", "blend", "user_engine"):
            if not getattr(self.voices, name) and "voices" in data:
                data["voices"].pop(name, None)
        return data

    @model_validator(mode="after")
    def _known(self) -> CorpusRecipe:
        self.take_language()
        load_language(self.language)
        if self.timing not in PRESETS:
            raise ValueError(f"unknown timing preset {self.timing!r}{suggestion(self.timing, PRESETS)}")
        for family, weight in self.asked_topics().items():
            scenes_of(family)
            if weight < 0:
                raise ValueError(f"topics.{family} must not be negative")
        if self.writer.prompts:
            for family in self.writer.families:
                self.writer.check_family(family, load_prompts(self.language, self.writer.prompts).families)
        if not any(self.topics.values()):
            raise ValueError("topics: at least one family needs a weight above zero")
        if self.voices.user_engine and (self.voices.cast or self.voices.folders or self.users.recordings):
            raise ValueError(
                "voices.user_engine speaks with its own voices; leave out cast, folders and users.recordings"
            )
        if self.voices.user_engine == self.engine:
            raise ValueError("voices.user_engine is the recipe's engine; leave it out")
        if self.users.recordings and self.voices.blend:
            raise ValueError("users.recordings: people are not blended; leave out voices.blend")
        if self.voices.blend and "speaker" in self.quality.gates:
            raise ValueError("voices.blend: the gate speaker has no recording to compare with; leave one of them out")
        return self

    def asked_topics(self) -> dict[str, float]:
        """The built-in writer's topics by weight, its checkable questions replaced by those of `writer.questions`."""
        questions = self.writer.questions
        if not questions:
            return self.topics
        others = {topic: weight for topic, weight in self.topics.items() if topic != "checkable"}
        return {**others, questions: self.topics.get("checkable", 1.0)}

    def digest(self) -> str:
        """sha256 of the recipe's canonical JSON. A file it names that cannot be read raises ValueError."""
        try:
            return hashlib.sha256(self.model_dump_json().encode()).hexdigest()
        except PydanticSerializationError as error:  # around what a named file lacks
            raise ValueError(str(error).rsplit("ValueError: ", 1)[-1]) from None


def _name_by_content(data: dict[str, Any]) -> None:
    """Put the content of what a recipe names in place of paths: the same order in another folder is the same."""
    if any(is_own(topic) for topic in data.get("topics", {})):
        data["topics"] = {content_name(name) if is_own(name) else name: w for name, w in data["topics"].items()}
    if "language_file" in data:
        data["language_file"] = content_name(data["language_file"])
    if "engine" in data:
        data["engine"] = engine_name(data["engine"])
    if data.get("voices", {}).get("user_engine"):
        data["voices"]["user_engine"] = engine_name(data["voices"]["user_engine"])
    if data.get("voices", {}).get("folders"):
        data["voices"]["folders"] = [voices_name(folder) for folder in data["voices"]["folders"]]
    if "use" in data.get("writer", {}):
        data["writer"]["use"] = model_name(data["writer"]["use"])
    if data.get("quality", {}).get("fallback"):
        data["quality"]["fallback"] = engine_name(data["quality"]["fallback"])


def taken_up(recipe: CorpusRecipe, stored: dict[str, Any]) -> CorpusRecipe:
    """The recipe with which a corpus goes on that was begun with another release's defaults.

    Args:
        recipe: as ordered now.
        stored: the recipe in the corpus, written out whole.

    Returns:
        The stored recipe where it agrees with all that `recipe` states; else `recipe` as it is, which does not fit.
    """
    by_path = recipe.model_copy()
    by_path._by_path = True
    return _kept(recipe, stored) or _kept(by_path, stored) or recipe


def _kept(recipe: CorpusRecipe, stored: dict[str, Any]) -> CorpusRecipe | None:
    stated = recipe.model_dump(mode="json", exclude_unset=True)
    if _laid_over(stored, stated) != stored:
        return None
    hashed = ["language_file", "writer", "users", "quality", "watermark", "aligner"]  # stored by what they hold
    hashed += [name for name in ("engine", "voices") if PREFIX in str(stored.get(name))]
    own = {name: getattr(recipe, name) for name in hashed}
    try:
        kept = parse({name: value for name, value in stored.items() if name not in own}, CorpusRecipe, "the corpus")
    except ValueError:
        return None
    kept = kept.model_copy(update=own)
    kept._by_path = recipe._by_path
    return kept if kept.model_dump(mode="json") == stored else None


def _laid_over(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Nested tables, the values of `over` in place of those of `under`; the weights of a table stand as a whole."""
    whole = {"topics", "families"}
    return under | {
        name: _laid_over(under[name], value)
        if isinstance(value, dict) and isinstance(under.get(name), dict) and name not in whole
        else value
        for name, value in over.items()
    }


def load_recipe(path: str | Path) -> CorpusRecipe:
    """Read a recipe file. Raises ValueError with one line per file, naming the key and what to do."""
    return parse_recipe(_from_beside(read_toml(path, "recipe"), Path(path).parent), str(path))


def _from_beside(content: dict[str, Any], folder: Path) -> dict[str, Any]:
    """A recipe's tables with the files that it names found beside it, where they lie there."""

    def place(name: str) -> str:
        beside = folder / name
        return str(beside) if name and not Path(name).exists() and beside.exists() else name

    found = dict(content)
    if str(language := content.get("language", "")).endswith(".toml"):
        found["language"] = place(str(language))
    if isinstance(topics := content.get("topics"), dict):
        found["topics"] = {place(topic) if is_own(topic) else topic: weight for topic, weight in topics.items()}
    if isinstance(writer := content.get("writer"), dict):
        named = {name: place(writer[name]) for name in NAMING if isinstance(writer.get(name), str)}
        found["writer"] = {**writer, **named}
    return found


def parse_recipe(content: dict[str, Any], where: str = "recipe") -> CorpusRecipe:
    """Validate a recipe given as nested tables. Raises ValueError like `load_recipe`."""
    language = str(content.get("language", ""))
    if language.endswith(".toml"):
        content = {**content, "language": Path(language).stem, "language_file": language}
    return parse(content, CorpusRecipe, where)
