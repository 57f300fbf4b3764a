"""What a training run needs on another machine, in one file of bounded size, and what comes back from there.

    folder of tokens     its manifest, vocabulary and shards, checked; with `hours` the first shards
    recordings, corpus   as mono Opus with train.jsonl, and eval.jsonl for what is held out, which `codec train --data`
                         takes; with `hours` the first recordings
    run, model           what is for use: without checkpoint and TensorBoard's files
    file                 as it is

A pack is a zip file, in one piece or cut into numbered parts (PACK.001, ...), which `unpack` puts together. Every byte
has a checksum.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import soundfile  # type: ignore[import-untyped]

from codec.training.clips import Clip, find_clips
from codec.training.reading import read_segment
from codec.training.run_state import CHECKPOINT
from corpus.audio import FRAME_RATE, SAMPLE_RATE
from corpus.durable import remove, replacing

from ..tokens.shards import MANIFEST, SHARDS, VALIDATION, TokenShard, is_tokens, open_shard, read_manifest

CONFIG = "config.json"  # of a model
MEBIBYTE = 1 << 20
LEFT_BEHIND = ("events.out.tfevents", "shards-", "streamed", CHECKPOINT, ".")  # how names begin that stay
MANIFESTS = ("train.jsonl", "eval.jsonl")  # of recordings, those held out in the second


@dataclass(frozen=True)
class PackedFile:
    """A file of a pack, made when it is its turn."""

    name: str
    data: Callable[[], bytes]
    hours: float = 0.0  # of dialogue or sound in it
    method: int = zipfile.ZIP_DEFLATED


def pack(
    sources: Sequence[Path], out: Path, limit: float = 64.0, hours: float | None = None, parts: float | None = None
) -> list[Path]:
    """Put sources into a pack.

    Args:
        sources: folders and files; each lies under its own name in the pack.
        out: the file; there must be none.
        limit: most MiB of the whole.
        hours: of each folder of tokens or recordings, at most; all if None.
        parts: MiB of the parts to cut it into; one piece if None.

    Returns:
        The files written.

    Raises:
        ValueError: a source is missing, damaged or of no known kind, two have one name, or the limit is passed; the
            message says how many hours fit.
    """
    names = [source.resolve().name for source in sources]
    if len(set(names)) < len(names):
        raise ValueError(f"two of the sources are called {next(n for n in names if names.count(n) > 1)}: rename one")
    if out.exists() or _part(out, 1).exists():
        raise ValueError(f"{out} is there already: choose another --out")
    pieces = [piece for source in sources for piece in pieces_of(source, hours)]
    out.parent.mkdir(parents=True, exist_ok=True)
    with replacing(out) as partial:
        _write(pieces, partial, limit)
    if parts is None:
        return [out]
    try:
        return _cut(out, int(parts * MEBIBYTE))
    finally:
        remove(out)


def pieces_of(source: Path, hours: float | None = None) -> list[PackedFile]:
    """The files that a source becomes, the most needed first. Raises ValueError for what cannot be packed."""
    name = source.resolve().name
    if source.is_file() and source.suffix != ".jsonl":
        return [PackedFile(name, source.read_bytes)]
    if is_tokens(source):
        held_out = source / VALIDATION
        below = list(_tokens(held_out, f"{name}/{VALIDATION}", None)) if is_tokens(held_out) else []
        return [*below, *_tokens(source, name, hours)]
    if (source / CONFIG).is_file():
        return [
            PackedFile(f"{name}/{path.relative_to(source).as_posix()}", path.read_bytes) for path in _for_use(source)
        ]
    if not source.exists():
        raise ValueError(f"there is no {source} to pack")
    return _recordings(source, name.removesuffix(".jsonl"), hours)


def unpack(file: Path, out: Path) -> list[Path]:
    """Lay a pack out in a folder, whole or not at all; `file` is the pack or its first part.

    Returns:
        What lies in the folder now.

    Raises:
        ValueError: a part is missing, bytes are damaged, a name leads out of the folder, or something is in the way.
    """
    data = io.BytesIO(b"".join(path.read_bytes() for path in _parts_of(file)))
    try:
        with zipfile.ZipFile(data) as archive:
            names = archive.namelist()
            odd = [name for name in names if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts]
            if odd:
                raise ValueError(f"{file} is no pack of ours: {odd[0]!r} leads out of the folder")
            tops = sorted({PurePosixPath(name).parts[0] for name in names})
            there = [top for top in tops if (out / top).exists()]
            if there:
                raise ValueError(f"{out / there[0]} is there already: choose another --out")
            scratch = out / f".{file.name}.unpacking"
            remove(scratch)
            archive.extractall(scratch)
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{file} is damaged, or a part is missing: {error}") from None
    for top in tops:
        (scratch / top).rename(out / top)
    remove(scratch)
    return [out / top for top in tops]


def _write(pieces: Sequence[PackedFile], file: Path, limit: float) -> None:
    packed, whole = 0.0, sum(piece.hours for piece in pieces)
    with file.open("wb") as raw, zipfile.ZipFile(raw, "w") as archive:
        for piece in pieces:
            about = zipfile.ZipInfo(piece.name, (1980, 1, 1, 0, 0, 0))  # the same sources give the same bytes
            about.compress_type, about.external_attr = piece.method, 0o644 << 16
            archive.writestr(about, piece.data())
            if raw.tell() > limit * MEBIBYTE:
                fits = f"some {packed:.3g} of {whole:.3g} h fit: add --hours {0.95 * packed:.2g}, or " if packed else ""
                raise ValueError(
                    f"more than {limit:g} MiB at {piece.name}: {fits}make several packs, tokenize with fewer variants "
                    "(--augment) or codebooks, or raise --limit"
                )
            packed += piece.hours


def _tokens(folder: Path, name: str, hours: float | None) -> Iterator[PackedFile]:
    manifest, left = read_manifest(folder), float("inf") if hours is None else hours
    shards: list[tuple[TokenShard, float]] = []
    for entry in manifest.shards:
        length = entry.frames / FRAME_RATE / 3600
        if shards and length > left:
            break
        left -= length
        open_shard(folder, entry)
        shards.append((entry, length))
    if not shards:
        raise ValueError(f"{folder} holds no dialogue yet: run `agent tokenize` again to finish it")
    kept = manifest.model_copy(update={"shards": tuple(entry for entry, _ in shards)})
    yield PackedFile(f"{name}/{MANIFEST}", kept.to_bytes)
    yield PackedFile(f"{name}/{manifest.vocabulary.file}", (folder / manifest.vocabulary.file).read_bytes)
    for entry, length in shards:
        path = folder / SHARDS / entry.file
        yield PackedFile(f"{name}/{SHARDS}/{entry.file}", path.read_bytes, length, zipfile.ZIP_LZMA)


def _for_use(folder: Path) -> list[Path]:
    """Files of a run or a model that are for use."""
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [path for path in paths if not any(part.startswith(LEFT_BEHIND) for part in path.relative_to(folder).parts)]


def _recordings(source: Path, name: str, hours: float | None) -> list[PackedFile]:
    left = float("inf") if hours is None else 3600 * hours
    clips: list[Clip] = []
    for clip in find_clips([source]):
        if clips and clip.seconds > left:
            break
        left -= clip.seconds
        clips.append(clip)
    files = [f"audio/{number:06d}.opus" for number in range(len(clips))]
    pieces = []
    for manifest, held_out in zip(MANIFESTS, (False, True), strict=True):
        lines = [_line(clip, file) for clip, file in zip(clips, files, strict=True) if clip.held_out == held_out]
        if lines:
            text = "".join(lines).encode()
            pieces.append(PackedFile(f"{name}/{manifest}", lambda text=text: text))  # type: ignore[misc]
    return pieces + [
        PackedFile(f"{name}/{file}", lambda clip=clip: _opus(clip), clip.seconds / 3600, zipfile.ZIP_STORED)  # type: ignore[misc]
        for clip, file in zip(clips, files, strict=True)
    ]


def _line(clip: Clip, file: str) -> str:
    about = {"path": file, "seconds": round(clip.seconds, 4), "speaker": clip.speaker}
    return json.dumps(about | ({} if clip.text is None else {"text": clip.text}), ensure_ascii=False) + "\n"


def _opus(clip: Clip) -> bytes:
    """A clip as mono Opus at 24 kHz, at libopus' usual rate (some 40 kbit/s)."""
    sound = read_segment(clip, 0, round(clip.seconds * SAMPLE_RATE))
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, SAMPLE_RATE, format="OGG", subtype="OPUS")
    return buffer.getvalue()


def _part(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.{number:03d}")


def _cut(file: Path, size: int) -> list[Path]:
    written: list[Path] = []
    with file.open("rb") as whole:
        while data := whole.read(size):
            written.append(_part(file, len(written) + 1))
            with replacing(written[-1]) as partial:
                partial.write_bytes(data)
    return written


def _parts_of(file: Path) -> list[Path]:
    if not file.is_file():
        raise ValueError(f"there is no {file}: give the pack, or its first part")
    if file.suffix != ".001":
        return [file]
    found = [file]
    while (following := _part(file.with_suffix(""), len(found) + 1)).is_file():
        found.append(following)
    return found
