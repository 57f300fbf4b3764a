"""What a file or folder holds, as a name: a recipe is known by its models' content, wherever they lie."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from corpus.durable import sha256_of

PREFIX = "sha256:"
BIG = 1 << 26  # bytes from which a file of weights is known by its size, its beginning and its end
ENDS = 1 << 20  # bytes of each
_SOUND_AND_LISTS = (".toml", ".json", ".flac", ".wav", ".ogg", ".opus", ".mp3")
_NOT_HEARD = ("index.json",)  # of a voice bank: what its voices are found by
_WEIGHTS = (".json", ".safetensors", ".bin", ".model", ".txt", ".jinja", ".gguf")


def content_name(path: str, file: str = "") -> str:
    """`sha256:...` of a file, or of `file` in a folder; the path itself where there is none: others tell that."""
    whole = Path(path).expanduser() / file if file else Path(path).expanduser()
    if not path or not whole.is_file():
        return path
    state = whole.stat()
    return _digest(whole, state.st_mtime_ns, state.st_size)


def engine_name(engine: str) -> str:
    """An engine's name with its file's content in place of its path; any other as it is."""
    kind, colon, argument = engine.partition(":")
    return kind + colon + content_name(argument) if argument.endswith((".toml", ".yaml", ".yml")) else engine


def voices_name(folder: str) -> str:
    """`sha256:...` of a folder's lists of voices and their clips; the path itself where there is no such folder."""
    return _folder_name(folder, _SOUND_AND_LISTS)


def facts_name(folder: str) -> str:
    """`sha256:...` of a folder of facts; the path itself where there is no such folder."""
    return _folder_name(folder, (".csv", ".json"))


def model_name(writer: str) -> str:
    """A language model's name with the content of its file or folder in place of the path; any other as it is."""
    kind, colon, source = writer.partition(":")
    if kind not in ("transformers", "gguf"):
        return writer
    path = Path(source).expanduser()
    return f"{kind}:{PREFIX}{_part(path)}" if path.is_file() else kind + colon + _folder_name(source, _WEIGHTS)


def _folder_name(folder: str, suffixes: tuple[str, ...]) -> str:
    root = Path(folder).expanduser()
    if not folder or not root.is_dir():
        return folder
    paths = sorted(path for path in root.rglob("*") if path.suffix in suffixes and path.is_file())
    heard = [path for path in paths if path.name not in _NOT_HEARD and not path.name.startswith(".")]
    parts = [f"{path.relative_to(root).as_posix()} {_part(path)}" for path in heard]
    return PREFIX + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _part(path: Path) -> str:
    state = path.stat()
    if state.st_size < BIG:
        return _digest(path, state.st_mtime_ns, state.st_size).removeprefix(PREFIX)
    with path.open("rb") as file:
        ends = file.read(ENDS)
        file.seek(-ENDS, 2)
        return hashlib.sha256(ends + file.read(ENDS) + str(state.st_size).encode()).hexdigest()


@lru_cache(maxsize=1024)
def _digest(path: Path, modified: int, size: int) -> str:
    return PREFIX + sha256_of(path)
