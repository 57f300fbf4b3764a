"""A corpus into token shards: codes of both channels, variants of the user's, both texts, labels of every frame."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from codec import Codec
from corpus.audio import Samples

from ..files.bundle import codec_source
from ..files.checkpoints import read_config
from ..files.codec_identity import CodecIdentity
from ..files.shipped import find_bundle, is_shipped
from ..files.vocabulary import Vocabulary, train_vocabulary
from .augment import UserAugmentation, augment_user, read_noises, variant_rng
from .dictated import HeardText, lay_texts
from .frame_labels import dialogue_labels, word_labels
from .shard_writer import ShardWriter
from .shards import VALIDATION, Codes, TokenDialogue, TokenManifest, VocabularyIdentity
from .survey import survey
from .take import Take, manifests, recordings
from .text_stream import Placement, Tokens
from .workers import in_order

SHARD_DIALOGUES = 16
CHUNK_FRAMES = 100  # encoded at once; more is no quicker


@dataclass(frozen=True)
class TokenOrder:
    """What to tokenize, and how."""

    corpus: Path
    out: Path
    codec: str = "laptop"  # what `Codec.load` takes
    codebooks: int | None = None  # all of the codec's if None
    augment: int = 0  # variants of the user's channel besides the recorded one
    noise: Path | None = None  # folder of recordings
    telephone: float = 0.0  # share of the variants that go through one
    voices: float = 0.0  # share of the variants in which the user is another speaker
    vocabulary: Path | None = None  # file, folder or shipped name; learnt from the corpus if None
    vocabulary_size: int = 2000
    seed: int = 0
    workers: int = 1
    resample: bool = False
    wordless: bool = False  # the agent says nothing and is to learn that
    heard: HeardText | None = None  # how a recognizer gives the user's words to the model; None: as spoken
    device: str = "cpu"
    shard_dialogues: int = SHARD_DIALOGUES

    def __post_init__(self) -> None:
        if self.augment < 0 or self.workers < 1 or self.shard_dialogues < 1:
            raise ValueError("--augment must be at least 0, --workers at least 1")
        for name, share in (("--telephone", self.telephone), ("--voices", self.voices)):
            if not 0.0 <= share <= 1.0 or (share and not self.augment):
                raise ValueError(f"{name} is a share of the variants, 0 to 1, and needs --augment 1 or more")
        if self.workers > 1 and self.device != "cpu":
            raise ValueError(f"--workers are for the CPU: leave them out with --device {self.device}")

    @classmethod
    def of_model(cls, base: str | Path | None, corpus: Path, out: Path, **more: Any) -> TokenOrder:
        """Tokens for a model, if one is named: with its vocabulary and its codec where no others are given.

        Raises ValueError where the model is not there or does not say which codec it speaks with.
        """
        if base is None:
            return cls(corpus, out, **more)
        place = find_bundle(base)
        codec, codebooks = codec_source(place)
        ours = read_config(place)[0].ours
        known = {"codec": codec, "codebooks": codebooks, "vocabulary": place}
        return cls(corpus, out, heard=HeardText.of(ours), **{**known, **more})

    def load_codec(self) -> Codec:
        """The codec, on its device. Raises ValueError when either is not there."""
        codec = Codec.load(self.codec, self.codebooks)
        try:
            return codec.to(self.device)
        except (RuntimeError, AssertionError) as error:  # what torch raises differs by how it was built
            raise ValueError(f"cannot use --device {self.device}: {str(error).splitlines()[0]}") from None

    def load_noises(self) -> list[Samples]:
        """The recordings of noise, if there are any to use."""
        return read_noises(self.noise) if self.noise and self.augment else []


@dataclass
class Tokenizer:
    """Recordings into tokens; the same recording gives the same tokens in any process."""

    codec: Codec
    vocabulary: Vocabulary
    variants: int = 1
    seed: int = 0
    noises: list[Samples] = field(default_factory=list)
    change: UserAugmentation | None = None
    heard: HeardText | None = None

    def __call__(self, recording: Take) -> TokenDialogue:
        """One recording's tokens. Raises ValueError when its sound cannot be read."""
        agent, user = recording.read()
        more = (
            augment_user(user, agent, variant_rng(self.seed, recording.id, variant), self.noises, self.change)
            for variant in range(1, self.variants)
        )
        codes = encode(self.codec, np.stack([agent, user, *more]))
        frames = codes.shape[-1]
        text, placement = self._text(recording, frames)
        dialogue = recording.dialogue
        labels = word_labels(recording.words, frames) if dialogue is None else dialogue_labels(dialogue, frames)
        return TokenDialogue(recording.id, codes[0], codes[1:], text, labels, placement)

    def _text(self, recording: Take, frames: int) -> tuple[Tokens, Placement]:
        drawn = variant_rng(self.seed, recording.id, 0)
        agent, user = recording.said(True), recording.said(False)
        return lay_texts(agent, user, frames, self.vocabulary, self.heard, drawn)


@dataclass(frozen=True)
class MakeTokenizer:
    """A tokenizer yet to be made, to send to another process; the vocabulary lies in the order's folder."""

    order: TokenOrder
    vocabulary: VocabularyIdentity

    def __call__(self) -> Tokenizer:
        """Load everything."""
        order, text = self.order, self.vocabulary
        vocabulary = Vocabulary.load(order.out / text.file).with_ids(text.pad, text.end_pad)
        change = UserAugmentation(telephone_chance=order.telephone, voice_chance=order.voices)
        return Tokenizer(
            order.load_codec(),
            vocabulary,
            1 + order.augment,
            order.seed,
            order.load_noises(),
            change,
            order.heard,
        )


def encode(codec: Codec, audio: Samples) -> Codes:
    """Codes of channels float32 `[C, T]` at 24 kHz: uint16 `[C, Q, ceil(T / 1920)]`."""
    device, size = next(codec.parameters()).device, codec.config.frame_samples
    wave = torch.from_numpy(np.ascontiguousarray(audio))[:, None]
    wave = torch.nn.functional.pad(wave, (0, -wave.shape[-1] % size))
    state, codes = codec.init_state(len(wave)), []
    for part in torch.split(wave, CHUNK_FRAMES * size, dim=-1):
        found, state = codec.encode_frame(part.to(device), state)
        codes.append(found.cpu())
    return torch.cat(codes, dim=-1).numpy().astype(np.uint16)


def tokenize(
    order: TokenOrder,
    advance: Callable[[float, float], None] = lambda done, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> TokenManifest:
    """Tokenize a corpus into a folder. The same order again goes on where it stopped, or adds what the corpus gained.

    Of a folder with manifests for training and validation both are taken, the latter into `validation` in the folder,
    with the vocabulary of the former and without variants of the user.

    Args:
        order: what and how.
        advance: told seconds of sound done and seconds in all, once before the first recording and after every one.
        say: told what is odd about the corpus, in lines.

    Returns:
        The manifest of what is for training.

    Raises:
        ValueError: nothing is there, something does not fit or is missing; what was published stays as it is.
    """
    training, validation = manifests(order.corpus)
    manifest = _tokenize(replace(order, corpus=training), advance, say)
    if validation is not None:
        vocabulary = order.out / manifest.vocabulary.file
        apart = replace(order, corpus=validation, out=order.out / VALIDATION, vocabulary=vocabulary, augment=0)
        _tokenize(apart, advance, say)
    return manifest


def _tokenize(order: TokenOrder, advance: Callable[[float, float], None], say: Callable[[str], None]) -> TokenManifest:
    identity = CodecIdentity.of(order.load_codec(), order.codec)
    name = order.vocabulary
    given = None if name is None else Vocabulary.load(find_bundle(name) if is_shipped(name) else name)
    noise = _digest(order.load_noises())
    with ShardWriter(order.out) as writer:
        vocabulary = given or writer.stored_vocabulary()
        seen = survey(order.corpus, recordings(order.corpus), order.resample, vocabulary is None, order.wordless)
        begun = len(writer.ids)
        if tuple(writer.ids) != seen.ids[:begun]:
            raise ValueError(f"{order.out} holds tokens of another corpus than {order.corpus}: choose another --out")
        for line in seen.told:
            say(line)
        if vocabulary is None:
            vocabulary = train_vocabulary(seen.texts, order.vocabulary_size)
        text, variants = VocabularyIdentity.of(vocabulary), 1 + order.augment
        writer.begin(
            TokenManifest(
                codec=identity,
                vocabulary=text,
                variants=variants,
                seed=order.seed,
                noise=noise,
                telephone=order.telephone,
                voices=order.voices,
                dictated=None if order.heard is None else order.heard.delay,
            ),
            vocabulary,
        )
        wanted = set(seen.ids)  # without what is empty, and what came meanwhile
        left = itertools.islice((take for take in recordings(order.corpus) if take.id in wanted), begun, None)
        with contextlib.closing(in_order(MakeTokenizer(order, text), left, order.workers)) as made:
            _write(writer, made, seen.seconds, order.shard_dialogues, advance)
        return writer.finish()


def _write(
    writer: ShardWriter,
    made: Iterator[TokenDialogue],
    seconds: Sequence[float],
    shard_dialogues: int,
    advance: Callable[[float, float], None],
) -> None:
    begun, total = len(writer.ids), sum(seconds)
    done = sum(seconds[:begun])
    advance(done, total)
    batch: list[TokenDialogue] = []
    for dialogue, length in zip(made, seconds[begun:], strict=True):
        batch.append(dialogue)
        if len(batch) == shard_dialogues:
            writer.append(batch)
            batch = []
        done += length
        advance(done, total)
    if batch:
        writer.append(batch)


def _digest(noises: Sequence[Samples]) -> str | None:
    """SHA-256 of recordings of noise; None without any."""
    digest = hashlib.sha256()
    for noise in noises:
        digest.update(len(noise).to_bytes(8, "big") + noise.tobytes())
    return digest.hexdigest() if noises else None
