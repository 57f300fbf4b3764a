"""Corpora into token shards: texts and labels by hand, the same tokens however it is run, mistakes told in a line."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch
from hypothesis import given
from hypothesis import strategies as st

from agent.commands.tokenize import tokenize as command
from agent.files.codec_identity import codec_digest
from agent.files.vocabulary import train_vocabulary
from agent.tokens.augment import UserAugmentation, augment_user, variant_rng
from agent.tokens.frame_labels import Label, dialogue_labels, word_labels
from agent.tokens.shards import SHARDS, open_shard, read_manifest, read_vocabulary
from agent.tokens.stretch import moved_voice
from agent.tokens.text_stream import Placement, lay_words
from agent.tokens.tokenize import TokenOrder, encode, tokenize
from codec import Codec
from codec.config import tiny
from corpus.audio import FRAME_SECONDS, SAMPLE_RATE, read
from corpus.interleave import TimedWord, interleave
from corpus.record import Dialogue, Speaker, Turn, Word
from corpus.store import Corpus
from tests.support.places import ROOT
from tests.support.tiny_corpus import contents, id_of, write_corpus

# --- texts


def at(frame: float, text: str) -> TimedWord:
    return TimedWord(text, frame * FRAME_SECONDS, (frame + 0.9) * FRAME_SECONDS)


def letters(word: str) -> list[int]:
    return [ord(letter) for letter in word]


def lay(words: Sequence[TimedWord], frames: int) -> tuple[str, Placement]:
    """The stream as letters: "." for PAD, ":" for EPAD."""
    tokens, placement = lay_words(words, frames, letters, pad=ord("."), end_pad=ord(":"))
    return "".join(map(chr, tokens)), placement


def test_words_begin_in_the_frame_of_their_start() -> None:
    assert lay([at(2, "ab"), at(6.9, "c")], 9) == (".:ab.:c..", Placement(2, 3, 0, 0, 0))


def test_a_token_waits_for_a_free_frame() -> None:
    # "de" has to wait two frames for "abc", "f" one more for "de"
    assert lay([at(1, "abc"), at(2.5, "de"), at(5.1, "f")], 9) == (":abcdef..", Placement(3, 6, 3, 2, 0))


def test_only_what_lies_beyond_the_end_is_lost() -> None:
    assert lay([at(2, "abcd"), at(3, "ef"), at(40, "g")], 5) == (".:abc", Placement(3, 3, 0, 0, 4))


def test_the_first_frame_and_empty_words_and_their_order() -> None:
    assert lay([at(4, "b"), at(-1, "a"), at(2, ""), at(4, "c")], 7) == ("a..:bc.", Placement(3, 3, 1, 1, 0))


@given(st.lists(st.tuples(st.integers(0, 60), st.text("abc", max_size=5))), st.integers(1, 64))
def test_no_token_is_overwritten_and_order_is_kept(drawn: list[tuple[int, str]], frames: int) -> None:
    words = [at(frame, text) for frame, text in sorted(drawn, key=lambda each: each[0])]
    stream, placement = lay(words, frames)
    said = "".join(word.text for word in words)
    assert said.startswith(stream.replace(".", "").replace(":", ""))
    assert placement.placed + placement.lost == len(said)
    assert placement.placed == frames - stream.count(".") - stream.count(":")


@given(st.lists(st.tuples(st.integers(0, 4), st.text("abc", min_size=1, max_size=5)), max_size=9))
def test_with_room_for_all_it_is_what_moshi_finetune_lays(drawn: list[tuple[int, str]]) -> None:
    words, now = [], 0
    for wait, text in drawn:
        words.append(at(now + wait + 0.5, text))
        now += wait + len(text)
    tokens, placement = lay_words(words, 96, letters, pad=3, end_pad=0)
    assert tuple(tokens) == interleave(words, 96, letters).tokens
    assert placement.moved == placement.lost == 0


# --- labels


def turn(index: int, speaker: str, event: str, *frames: tuple[float, float]) -> Turn:
    spans = [(first * FRAME_SECONDS, last * FRAME_SECONDS) for first, last in frames]
    words = tuple(Word(text="x", start=start, end=end, source="native") for start, end in spans)
    return Turn(index=index, speaker=speaker, event=event, text="x", start=0, end=1, words=words)  # type: ignore[arg-type]


def test_labels_of_a_dialogue_and_of_words_alone() -> None:
    speakers = (
        Speaker(id="agent", role="agent", channel=0),
        Speaker(id="user", role="user", channel=1),
        Speaker(id="other", role="other", channel=1),
    )
    turns = (
        turn(0, "agent", "turn", (0, 2), (3, 4.5)),
        turn(1, "user", "backchannel", (1.5, 2.5)),
        turn(2, "user", "interrupt", (4, 5), (7, 8)),
        turn(3, "agent", "backchannel", (6, 6.5)),
        turn(4, "user", "aside", (9, 10), (10, 10.2)),
        turn(5, "other", "turn", (11, 12)),
    )
    dialogue = Dialogue(id="d", seed=0, speakers=speakers, turns=turns)
    agent, user, cut, pause = Label.AGENT_SPEAKS, Label.USER_SPEAKS, Label.USER_INTERRUPTS, Label.USER_PAUSES
    heard, said = user | Label.USER_BACKCHANNEL, agent | Label.AGENT_BACKCHANNEL
    aside = user | Label.NOT_TO_AGENT
    expected = [agent, agent | heard, heard, agent, agent | user | cut, cut | pause, said | cut | pause, user | cut]
    assert list(dialogue_labels(dialogue, 14)) == [*expected, 0, aside, aside, aside, 0, 0]
    words = [TimedWord("x", 0.0, 0.1), TimedWord("y", 0.1, 0.16, "SPEAKER_USER"), TimedWord("z", 9.0, 9.1)]
    assert list(word_labels(words, 3)) == [agent, agent | user, 0]


# --- augmentation

NOTHING = UserAugmentation(gain_chance=0.0, noise_chance=0.0, echo_chance=0.0)


def burst(seed: int, level: float = 0.05, seconds: float = 4.0) -> np.ndarray:
    """Noise in the middle of silence."""
    draw = np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE))
    draw[: len(draw) // 4] = draw[len(draw) // 2 :] = 0.0
    return (level * draw).astype(np.float32)


def decibels(audio: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(audio.astype(np.float64) ** 2)))


def test_a_variant_depends_on_its_recording_alone() -> None:
    user, agent = burst(1), burst(2)
    first, again, other = (augment_user(user, agent, variant_rng(0, id, 1)) for id in ("a", "a", "b"))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    for variant in range(20):  # recorded sound is variant 0; every other one differs from it
        assert not np.array_equal(user, augment_user(user, agent, variant_rng(0, "a", variant)))


@pytest.mark.parametrize("seed", range(5))
def test_gain_noise_and_echo_are_within_their_ranges(seed: int) -> None:
    user, agent, rng = burst(1), burst(2), np.random.default_rng(seed)
    louder = augment_user(user, agent, rng, change=replace(NOTHING, gain_chance=1.0))
    assert -24.1 < decibels(louder) - decibels(user) < 15.1
    always = replace(NOTHING, noise_chance=1.0, sounding_s=(9.0, 9.0), silence_s=(0.1, 0.1), noise_db=(-6.0, -5.0))
    noisy = augment_user(user, agent, rng, change=always)
    speech = user[np.abs(user) > 0]
    assert -7.5 < decibels((noisy - user)[SAMPLE_RATE:]) - decibels(speech) < -3.5
    gaps = augment_user(user, agent, rng, change=replace(always, sounding_s=(0.5, 0.6), silence_s=(0.5, 0.6))) - user
    assert 0.3 < np.mean(np.abs(gaps) > 0) < 0.75
    echo = augment_user(user, agent, rng, change=replace(NOTHING, echo_chance=1.0)) - user
    onset = np.flatnonzero(np.abs(echo) > 1e-7)[0] - np.flatnonzero(agent)[0]
    assert 0.1 <= onset / SAMPLE_RATE < 0.51
    assert decibels(echo) < decibels(agent) + 20 * np.log10(0.2) + 4
    assert np.abs(augment_user(10 * user, agent, rng, change=always)).max() <= 1.0


def test_a_telephone_keeps_nothing_above_4_khz_and_changes_no_other_draw() -> None:
    user, agent = burst(1), burst(2)
    change = replace(NOTHING, gain_chance=1.0)
    plain = augment_user(user, agent, np.random.default_rng(0), change=change)
    phoned = augment_user(user, agent, np.random.default_rng(0), change=replace(change, telephone_chance=1.0))
    spectra = [np.abs(np.fft.rfft(each)) ** 2 for each in (plain, phoned)]
    hertz = np.fft.rfftfreq(len(user), 1 / SAMPLE_RATE)
    high, middle = ([each[band].sum() for each in spectra] for band in (hertz > 4200, (hertz > 1000) & (hertz < 3000)))
    assert high[1] < 1e-3 * high[0]
    assert 0.3 < middle[1] / middle[0] < 3


def test_another_speaker_says_the_same_at_the_same_times() -> None:
    at = np.arange(2 * SAMPLE_RATE)
    voice = (0.1 * np.sin(at * 2 * np.pi * 200 / SAMPLE_RATE)).astype(np.float32)
    voice[SAMPLE_RATE // 2 : SAMPLE_RATE] = 0.0
    higher = moved_voice(voice, 1.2)
    assert len(higher) == len(voice)
    spectrum = np.abs(np.fft.rfft(higher[SAMPLE_RATE:]))
    assert abs(int(spectrum.argmax()) - 240) <= 2
    assert np.abs(higher[int(0.55 * SAMPLE_RATE) : int(0.95 * SAMPLE_RATE)]).max() < 0.01
    change = replace(NOTHING, gain_chance=1.0, gain_db=(0.0, 0.0), voice_chance=1.0)
    drawn = [augment_user(voice, voice, np.random.default_rng(seed), change=change) for seed in range(3)]
    pitches = {int(np.abs(np.fft.rfft(each[SAMPLE_RATE:])).argmax()) for each in drawn}
    assert len(pitches) == 3
    assert all(158 <= pitch <= 252 for pitch in pitches)


def test_noise_comes_from_the_recordings_given() -> None:
    tone = np.sin(np.arange(SAMPLE_RATE) * 2 * np.pi * 1000 / SAMPLE_RATE).astype(np.float32)
    change = replace(NOTHING, noise_chance=1.0, sounding_s=(9.0, 9.0), silence_s=(0.1, 0.1))
    user = burst(1)
    added = augment_user(user, burst(2), np.random.default_rng(0), [tone], change) - user
    spectrum = np.abs(np.fft.rfft(added[SAMPLE_RATE : 2 * SAMPLE_RATE]))
    assert abs(int(spectrum.argmax()) - 1000) <= 1


# --- the whole way


def tiny_codec(path: Path, seed: int) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Codec(tiny(2)).save(path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A corpus of five short dialogues, a tiny codec and the tokens made of them at one go."""
    place = tmp_path_factory.mktemp("tokens")
    write_corpus(place / "corpus", 5)
    tiny_codec(place / "codec.safetensors", 1)
    tokenize(order(place, "tokens"))
    return place


def order(place: Path, out: str, **changes: object) -> TokenOrder:
    usual = TokenOrder(
        corpus=place / "corpus",
        out=place / out,
        codec=str(place / "codec.safetensors"),
        augment=1,
        vocabulary_size=300,
        shard_dialogues=2,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def test_shards_hold_what_was_recorded(place: Path) -> None:
    manifest = read_manifest(place / "tokens")
    vocabulary = read_vocabulary(place / "tokens", manifest)
    assert (manifest.complete, manifest.variants, manifest.dialogues, manifest.frames) == (True, 2, 5, 500)
    shards = [open_shard(place / "tokens", entry) for entry in manifest.shards]
    assert [shard.ids for shard in shards] == [("d0000000", "d0000001"), ("d0000002", "d0000003"), ("d0000004",)]
    corpus, codec = Corpus(place / "corpus"), Codec.load(place / "codec.safetensors")
    dialogue, shard, frames = corpus.get(id_of(3)), shards[1], slice(100, 200)
    assert list(shard.offsets) == [0, 100, 200]
    wave = torch.from_numpy(corpus.audio(dialogue))[:, None]
    codes = codec.encode(wave).numpy()
    assert np.array_equal(shard.agent[:, frames], codes[0])
    assert np.array_equal(shard.user[0, :, frames], codes[1])
    assert not np.array_equal(shard.user[1, :, frames], codes[1])
    for row in (0, 1):
        said = " ".join(word.text for word in dialogue.words(row))
        assert vocabulary.decode(shard.text[row, frames].tolist()).split() == said.split()
    assert np.array_equal(shard.labels[frames], dialogue_labels(dialogue, 100))
    assert manifest.text.words == sum(len(each.words(row)) for each in corpus for row in (0, 1))
    assert manifest.text.lost == 0


KILLED = """
import os, signal, sys
from pathlib import Path
from agent.tokens.tokenize import TokenOrder, tokenize

def advance(done, total):
    if done > 20:  # in the middle of the second shard
        os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    place = Path(sys.argv[1])
    tokenize(
        TokenOrder(
            corpus=place / "corpus",
            out=place / "killed",
            codec=str(place / "codec.safetensors"),
            augment=1,
            vocabulary_size=300,
            shard_dialogues=2,
            workers=2,
        ),
        advance,
    )
"""


def test_a_killed_run_goes_on_and_workers_change_nothing(place: Path) -> None:
    (place / "killed.py").write_text(KILLED)
    root = ROOT
    environment = {**os.environ, "PYTHONPATH": str(root)}
    killed = subprocess.run([sys.executable, str(place / "killed.py"), str(place)], env=environment, check=False)
    assert killed.returncode == -9
    assert [path.name for path in (place / "killed" / SHARDS).iterdir()] == ["000000.safetensors"]
    assert not read_manifest(place / "killed").complete
    tokenize(order(place, "killed"))
    assert contents(place / "killed") == contents(place / "tokens")


def test_damage_is_told_and_mended(place: Path) -> None:
    shutil.copytree(place / "tokens", place / "damaged")
    path = place / "damaged" / SHARDS / "000001.safetensors"
    path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(ValueError, match="truncated or changed"):
        open_shard(place / "damaged", read_manifest(place / "damaged").shards[1])
    tokenize(order(place, "damaged"))
    assert contents(place / "damaged") == contents(place / "tokens")


def test_what_a_corpus_gains_is_added(place: Path, tmp_path: Path) -> None:
    shutil.copy(place / "codec.safetensors", tmp_path)
    write_corpus(tmp_path / "corpus", 2)
    tokenize(order(tmp_path, "tokens"))
    before = contents(tmp_path / "tokens")

    def grow(done: float, total: float) -> None:  # while the next two dialogues are at work
        if done == 0.0:
            write_corpus(tmp_path / "corpus", 4)

    grown = tokenize(order(tmp_path, "meanwhile"), grow)
    assert (grown.dialogues, grown.complete) == (2, True)
    manifest = tokenize(order(tmp_path, "tokens"))
    assert (manifest.dialogues, manifest.complete) == (4, True)
    after = contents(tmp_path / "tokens")
    assert {name: after[name] for name in before if name != "manifest.json"} == {
        name: data for name, data in before.items() if name != "manifest.json"
    }


def test_other_layouts_give_the_same_tokens(place: Path, tmp_path: Path) -> None:
    corpus = Corpus(place / "corpus")
    for folder in ("moshi", "japanese/audio", "japanese/text"):
        (tmp_path / folder).mkdir(parents=True)
    for dialogue in corpus:
        flac, rows = corpus.audio_path(dialogue), []
        for speaker, channel in (("A", 0), ("B", 1)):
            rows += [(word.start, word.end, word.text, speaker) for word in dialogue.words(channel)]
        shutil.copy(flac, tmp_path / "moshi")
        shutil.copy(flac, tmp_path / "japanese/audio")
        listed = [[text, [a, b], "SPEAKER_MAIN" if who == "A" else "SPEAKER_USER"] for a, b, text, who in sorted(rows)]
        (tmp_path / "moshi" / f"{dialogue.id}.json").write_text(json.dumps({"alignments": listed}))
        listed = [{"speaker": who, "word": text, "start": a, "end": b} for a, b, text, who in sorted(rows)]
        (tmp_path / "japanese/text" / f"{dialogue.id}.json").write_text(json.dumps(listed))
    manifest = [json.dumps({"path": f"{id_of(number)}.flac", "duration": 8.0}) for number in range(5)]
    (tmp_path / "moshi" / "all.jsonl").write_text("\n".join(manifest))
    ours = read_manifest(place / "tokens").shards[0]
    for layout, name in (("moshi", "d0000000"), ("japanese", "audio/d0000000")):
        changed = order(place, layout, corpus=tmp_path / layout, vocabulary=place / "tokens")
        theirs = tokenize(changed).shards[0]
        mine, other = open_shard(place / "tokens", ours), open_shard(place / layout, theirs)
        assert other.ids[0] == name
        for row in ("agent", "text"):
            assert np.array_equal(getattr(mine, row), getattr(other, row))
        assert np.array_equal(mine.user[0], other.user[0])
        assert np.array_equal(mine.labels & 3, other.labels)


def foreign(folder: Path, rate: int = SAMPLE_RATE, channels: int = 2, words: bool = True) -> Path:
    """A corpus of one second in moshi-finetune's layout."""
    folder.mkdir()
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (rate, channels))
    soundfile.write(folder / "a.wav", noise, rate)
    (folder / "all.jsonl").write_text('{"path": "a.wav", "duration": 1.0}\n')
    if words:
        (folder / "a.json").write_text('{"alignments": [["hello", [0.1, 0.5], "SPEAKER_MAIN"]]}')
    return folder


def test_mistakes_are_one_line_and_overwrite_nothing(place: Path, tmp_path: Path) -> None:
    before = contents(place / "tokens")
    other = train_vocabulary(["some other words"], 300).save(tmp_path / "vocabulary")
    mistakes: list[tuple[str, TokenOrder]] = [
        ("another codec", order(place, "tokens", codec=str(tiny_codec(tmp_path / "other.safetensors", 2)))),
        ("another vocabulary", order(place, "tokens", vocabulary=other)),
        ("--augment 1", order(place, "tokens", augment=2)),
        ("--seed 0", order(place, "tokens", seed=5)),
        ("another corpus", order(place, "tokens", corpus=foreign(tmp_path / "short"))),
        ("16000 Hz", order(place, "tokens", corpus=foreign(tmp_path / "slow", rate=16_000))),
        ("1 channels", order(place, "tokens", corpus=foreign(tmp_path / "mono", channels=1))),
        (r"cannot read a\.json", order(place, "tokens", corpus=foreign(tmp_path / "wordless", words=False))),
        ("holds other things", order(place, "corpus")),
        ("no codec at", order(place, "tokens", codec="nowhere")),
        ("cannot use --device", order(place, "tokens", device="cuda:99")),
        ("holds no corpus", order(place, "tokens", corpus=tmp_path / "vocabulary")),
    ]
    corpus = contents(place / "corpus")
    for message, wrong in mistakes:
        with pytest.raises(ValueError, match=message) as caught:
            tokenize(wrong)
        assert "\n" not in str(caught.value)
    assert contents(place / "tokens") == before
    assert contents(place / "corpus") == corpus
    assert read(tmp_path / "slow" / "a.wav").shape == (2, SAMPLE_RATE)
    taken = tokenize(order(place, "slow", corpus=tmp_path / "slow", resample=True))
    assert taken.frames == 13


def test_a_decoder_may_change_but_nothing_before_it() -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        codec = Codec(tiny(2))
    digest = codec_digest(codec)
    with torch.no_grad():
        next(codec.decoder.parameters()).add_(1.0)
    assert codec_digest(codec) == digest
    book = codec.quantizer.books()[1]
    entries = book.embedding.clone()
    book.set_entries(entries + 1e-3)
    assert codec_digest(codec) != digest
    book.set_entries(entries)
    for tensor in (next(codec.encoder.parameters()), codec.quantizer.acoustic_in.weight):
        with torch.no_grad():
            tensor.view(-1)[0] += 1e-3
        changed = codec_digest(codec)
        assert changed != digest
        digest = changed


def test_codes_do_not_depend_on_how_many_are_encoded_at_once(place: Path) -> None:
    codec = Codec.load(place / "codec.safetensors")
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, (3, 130 * 1920 + 7)).astype(np.float32)
    together = encode(codec, audio)
    assert together.shape == (3, 2, 131)
    assert together.dtype == np.uint16
    assert np.array_equal(together[1:2], encode(codec, audio[1:2]))


def test_the_command_says_what_it_made(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    codec = str(place / "codec.safetensors")
    command(place / "corpus", place / "commanded", codec=codec, augment=1, vocabulary_size=300)
    said = capsys.readouterr().out
    assert "5, 0.01 h" in said
    assert "2 codebooks of 32" in said
    assert "0 lost at the end" in said
    assert read_manifest(place / "commanded").frames == 500
