"""Token shards as batches: rows in the model's order, the same for the same step, every dialogue once an epoch."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from agent import LanguageModel
from agent.files.bundle import load_bundle, save_bundle
from agent.files.codec_identity import CodecIdentity, codec_digest
from agent.files.vocabulary import Vocabulary, train_vocabulary
from agent.model.config import ModelConfig
from agent.model.presets import tiny
from agent.tokens.crops import Dialogues
from agent.tokens.shard_writer import ShardWriter
from agent.tokens.shards import TokenDialogue, TokenManifest, VocabularyIdentity
from agent.tokens.text_stream import Placement
from codec import Codec
from codec.config import tiny as tiny_codec

LENGTHS = (40, 40, 95, 12)  # frames of the dialogues
CODEC = CodecIdentity(name="tiny", sha256="0" * 64, codebooks=2, codebook_size=32)
VOCABULARY = train_vocabulary(["one two three four five"] * 9, 300)
LARGE = train_vocabulary([f"{chr(97 + a)}{chr(97 + b)}" * 2 for a in range(20) for b in range(20)] * 2, 400)
CONFIG = replace(tiny(), text_card=300)
ONE, TWO = VOCABULARY.encode("one")[0], VOCABULARY.encode("two")[0]
SPELT = VOCABULARY.encode("fxq")[:2]  # a word of two tokens


def dialogue(number: int, frames: int, variants: int = 2) -> TokenDialogue:
    """Codes that tell where they are from; the agent says "fx" in two tokens, then three words, the user two words."""
    rng = np.random.default_rng(number)
    text = np.full((2, frames), VOCABULARY.pad, np.int32)
    text[0, 1:12] = [0, *SPELT, 3, 0, ONE, 3, 0, ONE, TWO, 3]
    text[1, 5:9] = [0, TWO, 0, ONE]
    agent = rng.integers(0, 32, (2, frames)).astype(np.uint16)
    user = rng.integers(0, 32, (variants, 2, frames)).astype(np.uint16)
    return TokenDialogue(f"d{number}", agent, user, text, (np.arange(frames) % 256).astype(np.uint8), Placement())


DIALOGUES = [dialogue(number, frames) for number, frames in enumerate(LENGTHS)]


def write(folder: Path, vocabulary: Vocabulary = VOCABULARY, codec: CodecIdentity = CODEC) -> Path:
    with ShardWriter(folder) as writer:
        manifest = TokenManifest(codec=codec, vocabulary=VocabularyIdentity.of(vocabulary), variants=2, seed=0)
        writer.begin(manifest, vocabulary)
        writer.append(DIALOGUES[:3])
        writer.append(DIALOGUES[3:])
        writer.finish()
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("tokens") / "t")


def source(codes: torch.Tensor) -> tuple[int, int]:
    """Which dialogue and first frame a crop without its end is of, by the agent's codes."""
    rows = codes[1:3].numpy()
    for number, each in enumerate(DIALOGUES):
        for start in range(each.frames):
            part = each.agent[:, start : start + rows.shape[1]]
            if np.array_equal(part, rows[:, : part.shape[1]]) and (rows[:, part.shape[1] :] == -1).all():
                return number, start
    raise AssertionError("these codes are in no dialogue")


def test_rows_are_in_the_models_order(folder: Path) -> None:
    data = Dialogues([folder], CONFIG)
    assert (len(data), data.frames, data.ids) == (4, sum(LENGTHS), ["d0", "d1", "d2", "d3"])
    for number, each in enumerate(DIALOGUES):
        for variant in (0, 1):
            whole = data.whole(number, variant)
            expected = [each.text[:1], each.agent, each.user[variant], each.text[1:], np.full((1, each.frames), -1)]
            assert np.array_equal(whole.codes[0], np.concatenate(expected))
            assert np.array_equal(whole.labels[0], each.labels)
    small = Dialogues([folder], replace(CONFIG, ours=replace(CONFIG.ours, user_text_delay=None, hint=False))).whole(0)
    assert np.array_equal(small.codes[0], data.whole(0).codes[0, :5])


def test_a_batch_depends_on_seed_step_and_part_alone(folder: Path) -> None:
    data = Dialogues([folder], CONFIG, seed=1)
    first = data.batch(7, 5, 20)
    for step in (0, 8, 30):
        data.batch(step, 3, 11)
    again = Dialogues([folder], CONFIG, seed=1).batch(7, 5, 20)
    assert torch.equal(first.codes, again.codes)
    assert torch.equal(first.labels, again.labels)
    assert (first.codes.dtype, first.codes.shape) == (torch.int64, (5, CONFIG.streams, 20))
    assert (first.labels.dtype, first.labels.shape) == (torch.uint8, (5, 20))
    others = [data.batch(8, 5, 20), data.batch(7, 5, 20, part=1), Dialogues([folder], CONFIG, seed=2).batch(7, 5, 20)]
    assert not any(torch.equal(first.codes, other.codes) for other in others)


def test_parts_of_a_step_hold_the_crops_of_one(folder: Path) -> None:
    data = Dialogues([folder], CONFIG, seed=1, hints=0.5)
    whole, halves = data.batch(7, 4, 20).codes, [data.batch(7, 2, 20, part, 2).codes for part in (0, 1)]
    assert torch.equal(whole, torch.cat(halves))
    assert torch.equal(data.text_batch(7, 4, 20).codes, torch.cat([data.text_batch(7, 2, 20, p).codes for p in (0, 1)]))


def test_fixed_crops_cover_every_dialogue_once(folder: Path) -> None:
    data = Dialogues([folder], CONFIG)
    count = data.crop_count(16)
    assert count == sum(-(-length // 16) for length in LENGTHS)
    crops = data.fixed(range(count), 16).codes
    assert int((crops[:, 0] >= 0).sum()) == sum(LENGTHS)
    assert len({source(crop) for crop in crops}) == count
    assert (crops[:, -1] == -1).all()  # no hints
    assert torch.equal(Dialogues([folder], CONFIG, seed=5).fixed([2, 0], 16).codes, crops[[2, 0]])


def test_what_sounds_the_same_is_there_once(folder: Path, tmp_path: Path) -> None:
    twice = Dialogues([folder, folder], CONFIG)
    assert (len(twice), twice.twins) == (4, 4)
    named = [replace(each, id=f"other-{each.id}") for each in DIALOGUES[:2]]
    with ShardWriter(tmp_path / "t") as writer:
        writer.begin(
            TokenManifest(codec=CODEC, vocabulary=VocabularyIdentity.of(VOCABULARY), variants=2, seed=0), VOCABULARY
        )
        writer.append([*named, dialogue(9, 30)])
    both = Dialogues([folder, tmp_path / "t"], CONFIG)
    assert (both.ids, both.twins) == (["d0", "d1", "d2", "d3", "d9"], 2)
    assert both.fingerprint == Dialogues([tmp_path / "t", folder], CONFIG).fingerprint != twice.fingerprint
    silent = replace(dialogue(7, 40), text=np.full((2, 40), VOCABULARY.pad, np.int32))
    with ShardWriter(tmp_path / "s") as writer:
        writer.begin(
            TokenManifest(codec=CODEC, vocabulary=VocabularyIdentity.of(VOCABULARY), variants=2, seed=0), VOCABULARY
        )
        writer.append([silent])
    with pytest.raises(ValueError, match="the agent says no word in any of 1 dialogues"):
        Dialogues([tmp_path / "s"], CONFIG).check_words()
    assert Dialogues([tmp_path / "s", folder], CONFIG).wordless == 1


@pytest.mark.parametrize("world", [1, 2])
def test_an_epoch_has_every_dialogue_by_its_length(folder: Path, world: int) -> None:
    data = Dialogues([folder], CONFIG, seed=3)
    crops = [data.batch(step, 1, 40, rank, world) for step in range(30 // world) for rank in range(world)]
    drawn = [source(crop.codes[0])[0] for crop in crops]
    epochs = [drawn[first : first + 5] for first in range(0, 30, 5)]
    for epoch in epochs:  # d2 has the length of two crops
        assert Counter(epoch) == {0: 1, 1: 1, 2: 2, 3: 1}
    assert len(set(map(tuple, epochs))) > 1


def test_crops_are_stretches_of_dialogues_in_both_variants(folder: Path) -> None:
    data, seen = Dialogues([folder], CONFIG, starts=0.5), []
    batch = data.batch(0, 120, 30)
    for codes, labels in zip(batch.codes, batch.labels, strict=True):
        number, start = source(codes)
        each = DIALOGUES[number]
        end = min(start + 30, each.frames)
        variant = next(v for v in (0, 1) if np.array_equal(each.user[v, :, start:end], codes[3:5, : end - start]))
        assert np.array_equal(codes[0, : end - start], each.text[0, start:end])
        assert np.array_equal(labels[: end - start], each.labels[start:end])
        assert (codes[:, end - start :] == -1).all()
        assert (labels[end - start :] == 0).all()
        assert end - start == min(30, each.frames)
        seen.append((number, start, variant))
    assert {(number, variant) for number, _, variant in seen} == {(n, v) for n in range(4) for v in (0, 1)}
    starts = [start for number, start, _ in seen if number == 2]
    assert 0.25 < starts.count(0) / len(starts) < 0.8
    assert max(starts) > 50
    always = Dialogues([folder], CONFIG, starts=1.0).batch(0, 20, 30)
    assert all(source(codes)[1] == 0 for codes in always.codes)


def test_hints_are_whole_words_of_the_coming_text(folder: Path) -> None:
    assert (Dialogues([folder], CONFIG).batch(0, 20, 12).codes[:, -1] == -1).all()
    rows = Dialogues([folder], CONFIG, hints=1.0, starts=1.0).batch(0, 64, 12).codes
    spelt = [SPELT, [ONE], [ONE], [TWO]]
    places = [(2, 4), (6, 7), (9, 10), (10, 11)]
    given = Counter()
    for text, hint in zip(rows[:, 0], rows[:, -1], strict=True):
        words = []
        for (first, end), tokens in zip(places, spelt, strict=True):
            words.append(hint[first:end].tolist() == tokens)
            assert words[-1] or (hint[first:end] == -1).all()
        assert torch.equal(hint >= 0, (hint == text) & (hint > 3))
        assert sum(words) or (hint == -1).all()
        given[sum(words)] += 1
    assert set(given) == {0, 1, 2, 3, 4}
    some = Dialogues([folder], CONFIG, hints=0.3, starts=1.0).batch(0, 200, 12).codes[:, -1]
    assert 0.1 < float((some >= 0).any(dim=1).float().mean()) < 0.4


def test_a_held_out_dialogue_stays_so(folder: Path, tmp_path: Path) -> None:
    training, validation = Dialogues([folder], CONFIG, hints=1.0).split(0.3)
    assert sorted(training.ids + validation.ids) == ["d0", "d1", "d2", "d3"]
    assert validation.hints == 0.0
    drawn = {DIALOGUES[source(codes)[0]].id for codes in training.batch(0, 60, 12).codes}
    assert drawn == set(training.ids)
    twice = Dialogues([folder, write(tmp_path / "more")], CONFIG).split(0.3)[1]
    assert set(twice.ids) == set(validation.ids)
    assert len(Dialogues([folder], CONFIG).split(1e-9)[1]) == 1
    for share in (0.0, 1.0, 0.99999):
        with pytest.raises(ValueError, match="cannot hold out"):
            Dialogues([folder], CONFIG).split(share)


def test_text_alone_reads_as_it_was_said(folder: Path, tmp_path: Path) -> None:
    data = Dialogues([folder], CONFIG)
    batch = data.text_batch(4, 3, 50)
    assert (batch.codes[:, 1:] == -1).all()
    assert torch.equal(batch.codes, data.text_batch(4, 3, 50).codes)
    one_dialogue = data.vocabulary.decode([*SPELT, ONE, ONE, TWO]) + " two one"
    text = data.vocabulary.decode(batch.codes[0, 0].tolist())
    assert one_dialogue in text
    assert set(text.split()) <= set(one_dialogue.split()) | {text.split()[0], text.split()[-1]}
    assert 3 in batch.codes[0, 0]  # between dialogues
    (tmp_path / "a.txt").write_text("five four\n\nthree two\n")
    other = Dialogues([folder], CONFIG, texts=[tmp_path / "a.txt"]).text_batch(0, 1, 60).codes[0, 0]
    assert " five four three two five four" in data.vocabulary.decode(other.tolist())
    (tmp_path / "empty.txt").write_text("\n")
    for name in ("empty.txt", "absent.txt"):
        with pytest.raises(ValueError, match=name):
            Dialogues([folder], CONFIG, texts=[tmp_path / name])


def test_a_models_own_pads_take_the_place_of_the_shards(folder: Path) -> None:
    moved = Dialogues([folder], replace(CONFIG, pad=298 + 1, end_pad=298))
    usual = Dialogues([folder], CONFIG).whole(0).codes
    assert 0 in usual[0, 0]
    expected = usual[:, [0, 5]].clone()
    expected[usual[:, [0, 5]] == 3] = 299
    expected[usual[:, [0, 5]] == 0] = 298
    assert torch.equal(moved.whole(0).codes[:, [0, 5]], expected)
    assert torch.equal(moved.whole(0).codes[:, 1:5], usual[:, 1:5])
    assert (moved.vocabulary.pad, moved.vocabulary.end_pad) == (299, 298)


def test_tokens_that_do_not_fit_are_told(folder: Path, tmp_path: Path) -> None:
    wide = write(tmp_path / "wide", codec=CODEC.model_copy(update={"sha256": "1" * 64}))
    words = write(tmp_path / "words", vocabulary=train_vocabulary(["six seven"] * 9, 280))
    cases: list[tuple[str, list[Path], ModelConfig]] = [
        ("at least one folder", [], CONFIG),
        ("holds no tokens", [tmp_path], CONFIG),
        ("different codecs", [folder, wide], CONFIG),
        ("different vocabularies", [folder, words], CONFIG),
        ("2 codebooks a side, the model wants 4", [folder], replace(tiny(4), text_card=300)),
        ("codebooks of 32 entries", [folder], replace(CONFIG, card=64)),
        ("vocabulary of", [folder], replace(CONFIG, text_card=100)),
        ('"pad" in the model: set it 3', [folder], replace(CONFIG, pad=9)),
    ]
    for message, folders, config in cases:
        with pytest.raises(ValueError, match=message) as caught:
            Dialogues(folders, config)
        assert "\n" not in str(caught.value)
    shard = wide / "shards" / "000001.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    with pytest.raises(ValueError, match=r"000001\.safetensors is truncated or changed"):
        Dialogues([wide], CONFIG)
    (words / "tokenizer.json").write_bytes(VOCABULARY.file)
    with pytest.raises(ValueError, match="is not the vocabulary"):
        Dialogues([words], CONFIG)


def test_a_model_takes_the_batch(folder: Path) -> None:
    data = Dialogues([folder], CONFIG, hints=1.0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LanguageModel(CONFIG)
    codes = data.batch(0, 3, 50).codes
    out = model(codes)
    assert out.logits is not None and out.mask is not None  # noqa: PT018 (for the type checker)
    loss = functional.cross_entropy(out.logits[out.mask], codes[:, 1:5][out.mask])
    assert torch.isfinite(loss)
    assert not (out.mask & (codes[:, 1:5] == -1)).any()
    assert torch.isfinite(model(data.text_batch(0, 2, 30).codes).text_logits).all()


def test_a_bundle_comes_back_and_minds_its_codec(tmp_path: Path) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model, codec, other = LanguageModel(CONFIG).eval(), Codec(tiny_codec(3)), Codec(tiny_codec(3))
    codec.save(tmp_path / "codec.safetensors")
    other.save(tmp_path / "other.safetensors")
    identity = CodecIdentity.of(codec, str(tmp_path / "codec.safetensors"))
    save_bundle(tmp_path / "m", model, VOCABULARY, identity, part_bytes=60_000)
    assert len(list((tmp_path / "m").glob("model-*.safetensors"))) > 1
    bundle = load_bundle(tmp_path / "m")
    assert (bundle.name, bundle.vocabulary, bundle.codec.config.quantizer.n_q) == ("m", VOCABULARY, 2)
    codes = torch.randint(0, 32, (1, CONFIG.streams, 9), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits = model(codes).text_logits
        assert torch.equal(bundle.model(codes).text_logits, logits)
        short = load_bundle(tmp_path / "m", int8=True).model(codes).text_logits
    assert 0 < float((short - logits).abs().max()) < 0.1 * float(logits.abs().max())
    (tmp_path / "codec.safetensors").unlink()
    moved = (tmp_path / "m").rename(tmp_path / "moved")  # the codec lies in it
    assert codec_digest(load_bundle(moved).codec) == codec_digest(bundle.codec)
    with pytest.raises(ValueError, match="trained with"):
        load_bundle(moved, codec=tmp_path / "other.safetensors")
    moved.rename(tmp_path / "m")
    save_bundle(tmp_path / "m", model, VOCABULARY, identity.model_copy(update={"name": "codec.safetensors"}))
    assert codec_digest(load_bundle(tmp_path / "m").codec) == codec_digest(bundle.codec)
    save_bundle(tmp_path / "n", model, LARGE, identity)
    with pytest.raises(ValueError, match="another's"):
        load_bundle(tmp_path / "n")
    with pytest.raises(ValueError, match="no model at"):
        load_bundle("nowhere")


def test_a_codec_is_known_by_its_values_not_by_the_sign_of_a_zero() -> None:
    codec = Codec(tiny_codec(2))
    known = codec_digest(codec)
    with torch.no_grad():
        codec.decoder.expand.weight += 1.0  # type: ignore[operator]
        codec.encoder.embed.bias[0] = 0.0  # type: ignore[index, operator]
        zero = codec_digest(codec)
        codec.encoder.embed.bias[0] = -0.0  # type: ignore[index, operator]
        assert codec_digest(codec) == zero != known
        codec.encoder.embed.bias[0] = 1.0  # type: ignore[index, operator]
    assert codec_digest(codec) != zero
