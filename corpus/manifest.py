"""What a corpus directory says of itself: its identity, its shards' contents, the manifest trainers read.

corpus.json       identity (`CorpusInfo`)
data.jsonl        one line a dialogue: {"path": "shards/000000/d0000000.flac", "duration": 12.3456}
shards/000000/    shard.json (`ShardInfo`), records.json.gz, and per dialogue .flac, .json, optionally .stems.flac
.work/            unfinished things, never read as corpus
"""

from __future__ import annotations

import builtins
import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from .audio import SAMPLE_RATE
from .record import Dialogue, Record, id_order

IDENTITY = "corpus.json"
MANIFEST = "data.jsonl"
SHARDS = "shards"
WORK = ".work"
SHARD_INFO = "shard.json"
RECORDS = "records.json.gz"

MAIN_SPEAKER = "SPEAKER_MAIN"  # moshi-finetune's label of the voice to learn
USER_SPEAKER = "SPEAKER_USER"

_SHARD_NAME = re.compile(r"^\d{6,}$")
_DIALOGUE_FILE = re.compile(r"^([A-Za-z0-9_-]+)(\.stems\.flac|\.flac|\.json)$")
_DIALOGUES = TypeAdapter(list[Dialogue])
_Model = TypeVar("_Model", bound=Record)


def recipe_digest(recipe: dict[str, JsonValue]) -> str:
    """The SHA-256 of a recipe's canonical JSON: keys sorted, no spaces."""
    text = json.dumps(recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class CorpusInfo(Record):
    """Identity of a corpus: everything that decides its bytes. Two corpora with equal identities hold the same data."""

    format: Literal[1] = 1
    generator: str  # name and version of the program that made it
    engine: str
    timing: str
    seed: int
    sample_rate: int = SAMPLE_RATE
    recipe: dict[str, JsonValue]
    recipe_sha256: str = ""  # filled in when left out
    sources: tuple[SourceInfo, ...] = ()  # of a merged corpus: what it was merged from

    @model_validator(mode="before")
    @classmethod
    def _fill_digest(cls, data: object) -> object:
        if isinstance(data, dict) and not data.get("recipe_sha256") and isinstance(data.get("recipe"), dict):
            return {**data, "recipe_sha256": recipe_digest(data["recipe"])}
        return data

    @model_validator(mode="after")
    def _digest_matches(self) -> CorpusInfo:
        if self.recipe_sha256 != recipe_digest(self.recipe):
            raise ValueError("recipe_sha256 does not match the recipe")
        return self

    @property
    def sha256(self) -> str:
        """One digest of the whole identity."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """The content of corpus.json."""
        return (json.dumps(self.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()

    def differences(self, other: CorpusInfo) -> list[str]:
        """Names of the fields in which two identities differ."""
        fields = [name for name in type(self).model_fields if name != "recipe_sha256"]
        return [name for name in fields if getattr(self, name) != getattr(other, name)]


class SourceInfo(Record):
    """One corpus that a merged corpus was made from, as it was then."""

    info: CorpusInfo
    dialogues: int
    seconds: float


CorpusInfo.model_rebuild()


class FileInfo(Record):
    """Checksum and size of one file."""

    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    bytes: int = Field(ge=0)

    @classmethod
    def of(cls, data: builtins.bytes) -> FileInfo:
        """Checksum and size of these bytes."""
        return cls(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))


class ShardInfo(Record):
    """The content of shard.json. `durations`: seconds of each dialogue, in id order; `files`: all files but itself."""

    format: Literal[1] = 1
    index: int = Field(ge=0)
    dialogues: int = Field(ge=1)
    seconds: float
    durations: dict[str, float]
    files: dict[str, FileInfo]

    @model_validator(mode="after")
    def _consistent(self) -> ShardInfo:
        if self.dialogues != len(self.durations):
            raise ValueError(f"{self.dialogues} dialogues announced, {len(self.durations)} listed")
        for name in self.files:
            id = dialogue_of(name)
            if name != RECORDS and id not in self.durations:
                raise ValueError(f"unknown file {name!r}")
        for id in self.durations:
            if {f"{id}.flac", f"{id}.json"} - set(self.files):
                raise ValueError(f"a file of {id} is not listed")
        if RECORDS not in self.files:
            raise ValueError(f"{RECORDS} is not listed")
        return self

    def to_bytes(self) -> bytes:
        """The content of shard.json."""
        return (json.dumps(self.model_dump(mode="json"), indent=1) + "\n").encode()

    def manifest_lines(self) -> Iterator[str]:
        """This shard's lines of data.jsonl, in id order."""
        for id in sorted(self.durations, key=id_order):
            path = f"{SHARDS}/{shard_name(self.index)}/{id}.flac"
            yield json.dumps({"path": path, "duration": self.durations[id]}) + "\n"


def shard_name(index: int) -> str:
    """Folder name of a shard under shards/."""
    return f"{index:06d}"


def dialogue_of(name: str) -> str | None:
    """The id of the dialogue a shard's file belongs to; None for a name no dialogue's file has."""
    match = _DIALOGUE_FILE.match(name)
    return match[1] if match and name != SHARD_INFO else None


def shard_directories(corpus: Path) -> list[Path]:
    """The folders of a corpus's shards, in order of their index."""
    folder = corpus / SHARDS
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _SHARD_NAME.match(path.name)), key=lambda path: int(path.name))


def read_info(corpus: Path) -> CorpusInfo:
    """The identity of a corpus. Raises ValueError when the directory holds none or an unreadable one."""
    if not (corpus / IDENTITY).is_file():
        raise ValueError(f"{corpus} holds no corpus ({IDENTITY} is missing)")
    return _parse(CorpusInfo, corpus / IDENTITY)


def read_shard_info(shard: Path) -> ShardInfo:
    """The content of a shard's shard.json. Raises ValueError when it is missing, broken or of another shard."""
    info = _parse(ShardInfo, shard / SHARD_INFO)
    if shard_name(info.index) != shard.name:
        raise ValueError(f"{shard / SHARD_INFO} is of shard {info.index}")
    return info


def read_records(shard: Path) -> list[Dialogue]:
    """Every dialogue of a shard, in id order. Raises ValueError when the file is missing or broken."""
    path = shard / RECORDS
    try:
        return _DIALOGUES.validate_json(gzip.decompress(path.read_bytes()))
    except ValidationError as error:
        raise ValueError(f"{path} is broken: {_first(error)}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"cannot read {path}: {error}") from None


def records_bytes(dialogues: Sequence[Dialogue]) -> bytes:
    """The content of records.json.gz: a JSON array, one dialogue a line. The same dialogues give the same bytes."""
    text = "[\n" + ",\n".join(dialogue.model_dump_json() for dialogue in dialogues) + "\n]\n"
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=buffer, mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


def manifest_lines(shards: Iterable[ShardInfo]) -> Iterator[str]:
    """The lines of data.jsonl: shard after shard, in id order within each."""
    for shard in shards:
        yield from shard.manifest_lines()


def _parse(model: type[_Model], path: Path) -> _Model:
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path} is broken: {_first(error)}") from None
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error}") from None


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where + ': ' if where else ''}{first['msg']}"
