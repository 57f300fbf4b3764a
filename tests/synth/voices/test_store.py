"""A user's voice bank: what is refused and why, who is whom, which voices go together, and the mark in their speech."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpus.audio import SAMPLE_RATE, Samples, read_mono
from corpus.record import UNSTATED
from synth.alignment.align import Energy
from synth.commands import voices as voices_command
from synth.voices.audit import audit_clip, signal_to_noise
from synth.voices.bank import BANK
from synth.voices.embedding import EmbeddedClip, Embedder, Embeddings, halves_similarity, load_embedder
from synth.voices.pairs import audible_pairs, speaker_groups, split_voices
from synth.voices.records import AT_OWN_RISK, Split, VoiceRights
from synth.voices.store import VoiceStore, clips_of, stored_entries

RIGHTS = VoiceRights("CC0-1.0", "my own voice", "recorded at home")


class PitchEmbedder:
    """Tells buzzing voices apart by their pitch: its cosine is 1 for one pitch, 0 for an octave."""

    name = "pitch-1"
    size = 2
    alike = 0.99
    apart = 0.9
    one_speaker = 0.9

    def listen(self, samples: Samples) -> EmbeddedClip:
        windows = np.stack([self._vector(part) for part in np.array_split(samples, 8)])
        return EmbeddedClip(self._vector(samples), windows)

    def _vector(self, samples: Samples) -> Embeddings:
        spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2 * SAMPLE_RATE))[100:1000]
        angle = np.pi / 2 * (np.log2((100 + int(np.argmax(spectrum))) / 100) % 2)
        return np.array([np.cos(angle), np.sin(angle)], np.float32)


def voice(pitch: float, seconds: float = 5.0, noise: float = 1e-4, seed: int = 0) -> Samples:
    """Syllables of a tone, four a second, over noise."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.3 * np.sin(2 * np.pi * pitch * time) * np.clip(np.sin(2 * np.pi * 4 * time) + 0.8, 0, None)
    return (tone + noise * np.random.default_rng(seed).standard_normal(len(time))).astype(np.float32)


def write(path: Path, samples: Samples) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16")
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of five voices from 60 Hz up, and the clips it was made of."""
    folder = tmp_path_factory.mktemp("made")
    paths = [write(folder / "clips" / f"v{pitch}.wav", voice(pitch)) for pitch in (60, 70, 82, 96, 112)]
    added = VoiceStore(folder / "bank").add(paths, RIGHTS, PitchEmbedder())
    assert added.ids == ("v60", "v70", "v82", "v96", "v112")
    return folder


@pytest.fixture
def store(made: Path, tmp_path: Path) -> VoiceStore:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return VoiceStore(tmp_path / "bank")


def test_a_bank_is_stored_and_read_again(store: VoiceStore) -> None:
    again = VoiceStore(store.folder)
    assert again.entries == store.entries
    assert np.array_equal(again.embeddings(), store.embeddings())
    entry = again.entry("v82")
    assert (entry.licence, entry.consent, entry.source) == ("CC0-1.0", "my own voice", "recorded at home")
    assert np.abs(read_mono(again.clip_path(entry)) - voice(82)).max() < 1e-3
    nearest = again.nearest(PitchEmbedder().listen(voice(83, 3.0)).vector)
    assert nearest is not None
    assert nearest[0] == "v82"
    assert again.audit(PitchEmbedder()) == []
    assert [entry.id for entry in stored_entries(store.folder)] == again.ids()
    assert not (store.folder / ".lock").exists()


@pytest.mark.parametrize(
    ("samples", "fault"),
    [
        (voice(100, 1.5), "short"),
        (voice(100, noise=0.2), "noisy"),
        (np.clip(9 * voice(100), -1, 1), "clipped"),
        (np.zeros(4 * SAMPLE_RATE, np.float32), "silent"),
        (np.concatenate([voice(100), voice(160)]), "two speakers"),
        (voice(60.2, 6.0), "same speaker"),
        (voice(60), "same clip"),
    ],
)
def test_unfit_clips_are_refused_with_their_reason(
    store: VoiceStore, tmp_path: Path, samples: Samples, fault: str
) -> None:
    path = write(tmp_path / "odd.wav", samples)
    added = store.add([path], RIGHTS, PitchEmbedder())
    assert added.ids == ()
    assert [problem.fault for problem in added.refused[0].problems] == [fault]
    assert len(VoiceStore(store.folder).entries) == 5


def test_a_clip_is_known_in_any_file_format(store: VoiceStore, tmp_path: Path) -> None:
    samples, rate = soundfile.read(tmp_path / "clips" / "v70.wav", dtype="float32")
    soundfile.write(tmp_path / "other.flac", samples, rate)
    (refused,) = store.add([tmp_path / "other.flac"], RIGHTS, PitchEmbedder()).refused
    assert refused.problems[0].what == "it is the clip of v70"
    (text,) = store.add([_text(tmp_path / "text.wav")], RIGHTS, PitchEmbedder()).refused
    assert text.problems[0].fault == "unreadable"


def _text(path: Path) -> Path:
    path.write_text("no sound")
    return path


def test_one_speaker_may_have_several_clips_under_one_name(tmp_path: Path) -> None:
    clips = [write(tmp_path / folder / "a.wav", voice(100, 5.0 + n)) for n, folder in enumerate("xy")]
    bank = VoiceStore(tmp_path / "bank")
    named = VoiceRights("CC0-1.0", "given", speaker="Anna")
    assert bank.add(clips, named, PitchEmbedder()).ids == ("a", "a-2")
    assert {entry.speaker for entry in bank.entries} == {"Anna"}
    assert bank.audit(PitchEmbedder()) == []


def test_licence_and_consent_are_stated_or_their_lack_is_kept(tmp_path: Path) -> None:
    clip = write(tmp_path / "a.wav", voice(100))
    bank = VoiceStore(tmp_path / "bank")
    for rights, asked in ((VoiceRights("MIT"), "--consent TEXT"), (VoiceRights(consent="yes"), "--licence TEXT")):
        with pytest.raises(ValueError, match=asked):
            bank.add([clip], rights, PitchEmbedder())
    assert not (tmp_path / "bank").exists()
    bank.add([clip], VoiceRights(licence="MIT", at_own_risk=True), PitchEmbedder())
    (entry,) = stored_entries(tmp_path / "bank")
    assert (entry.licence, entry.consent) == ("MIT", AT_OWN_RISK)
    assert UNSTATED in entry.consent
    assert [problem.fault for _, problem in bank.audit(PitchEmbedder())] == ["no licence"]


def test_damage_is_found(store: VoiceStore) -> None:
    write(store.folder / "v60.flac", voice(60, 7.0))
    (store.folder / "v70.flac").unlink()
    faults = {id: problem.fault for id, problem in VoiceStore(store.folder).audit(PitchEmbedder())}
    assert faults == {"v60": "changed", "v70": "unreadable"}
    other = PitchEmbedder()
    other.name = "pitch-2"
    with pytest.raises(ValueError, match="measured with pitch-1, not pitch-2"):
        store.audit(other)
    index = store.folder / "index.faiss"
    index.write_bytes(index.read_bytes()[:20])
    with pytest.raises(ValueError, match="cannot read"):
        VoiceStore(store.folder).embeddings()
    (store.folder / "bank.json").write_text("[{}]")
    with pytest.raises(ValueError, match="is broken"):
        VoiceStore(store.folder)


def test_a_bank_cut_short_between_its_files_is_whole_again(store: VoiceStore, tmp_path: Path) -> None:
    before = (store.folder / "bank.json").read_bytes()
    store.add([write(tmp_path / "v130.wav", voice(130))], RIGHTS, PitchEmbedder())
    (store.folder / "bank.json").write_bytes(before)  # the last file written
    again = VoiceStore(store.folder)
    assert len(again.embeddings()) == len(again.entries) == 5
    again.add([tmp_path / "v130.wav"], RIGHTS, PitchEmbedder())
    assert VoiceStore(store.folder).ids() == store.ids()
    assert np.array_equal(VoiceStore(store.folder).embeddings(), store.embeddings())


def test_pairs_differ_audibly_and_use_every_voice(store: VoiceStore) -> None:
    pairs = audible_pairs(store, PitchEmbedder(), 5, random.Random(3))
    assert pairs == audible_pairs(store, PitchEmbedder(), 5, random.Random(3))
    rows = dict(zip(store.ids(), store.embeddings(), strict=True))
    for pair in pairs:
        assert float(rows[pair.one] @ rows[pair.other]) == pytest.approx(pair.cosine, abs=1e-3)
        assert pair.cosine <= PitchEmbedder.apart
    assert len({frozenset((pair.one, pair.other)) for pair in pairs}) == 5
    uses = [sum(id in (pair.one, pair.other) for pair in pairs) for id in store.ids()]
    assert max(uses) - min(uses) <= 2
    store.save_split(Split(evaluation=("v60", "v70")))
    with pytest.raises(ValueError, match="no two voices"):
        audible_pairs(store, PitchEmbedder(), 1, random.Random(0), "evaluation")


def test_evaluation_voices_are_far_from_training_voices_and_stay(store: VoiceStore, tmp_path: Path) -> None:
    far = float(np.cos(0.4))  # two neighbours of this bank are 0.35 apart
    split = split_voices(store, PitchEmbedder(), 0.2, random.Random(0), far)
    store.save_split(split)
    assert len(split.evaluation) == 1
    rows = dict(zip(store.ids(), store.embeddings(), strict=True))
    for id in store.ids("train"):
        assert max(float(rows[id] @ rows[one]) for one in split.evaluation) < far
    assert sorted([*store.ids("train"), *split.evaluation, *split.left_out]) == sorted(store.ids())
    assert split.evaluation[0] in ("v60", "v112")  # at the edge it costs one training voice, elsewhere two
    store.add([write(tmp_path / f"{p}.wav", voice(p)) for p in (130, 150)], RIGHTS, PitchEmbedder())
    assert set(split_voices(store, PitchEmbedder(), 0.3, random.Random(9), far).evaluation) > set(split.evaluation)
    assert [entry.id for entry in stored_entries(store.folder, "evaluation")] == list(split.evaluation)
    for share, message in ((0.0, "between 0 and 1"), (0.99, "no voice .* left to train")):
        with pytest.raises(ValueError, match=message):
            split_voices(store, PitchEmbedder(), share, random.Random(0), far)


def test_speakers_are_grouped_by_name_and_by_sound() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.999, 0.0447], [0.7, 0.714]], np.float32)
    assert speaker_groups(vectors, ["a", "b", "c", "b"], 0.99) == [[0, 2], [1, 3]]


@pytest.mark.parametrize("wanted", [5.0, 15.0])
def test_signal_to_noise_is_estimated(wanted: float) -> None:
    rng = np.random.default_rng(1)
    for clip in sorted(BANK.glob("*.opus"))[:6]:
        samples = read_mono(clip)
        energy = Energy.of(samples, SAMPLE_RATE)
        loud = energy.level > np.percentile(energy.level, 95) - 20
        level = 10 * np.log10(np.mean(10 ** (energy.level[loud] / 10)))
        noise = rng.standard_normal(len(samples)) * 10 ** ((level - wanted) / 20)
        noisy = (samples + noise).astype(np.float32)
        assert signal_to_noise(Energy.of(noisy, SAMPLE_RATE)) == pytest.approx(wanted, abs=3.5)


@pytest.fixture(scope="module")
def resemblyzer() -> Embedder:
    pytest.importorskip("resemblyzer", reason="pip install --no-deps resemblyzer")
    return load_embedder()


def test_resemblyzer_tells_the_shipped_voices_apart(resemblyzer: Embedder, tmp_path: Path) -> None:
    clips = sorted(BANK.glob("*.opus"))[:3]
    bank = VoiceStore(tmp_path / "bank")
    added = bank.add(clips, VoiceRights("CC-BY-4.0", "volunteer"), resemblyzer)
    assert added.refused == ()
    part = write(tmp_path / "part.wav", read_mono(clips[0])[: int(5.5 * SAMPLE_RATE)])
    (refused,) = bank.add([part], RIGHTS, resemblyzer).refused
    assert [problem.fault for problem in refused.problems] == ["same speaker"]
    assert clips[0].stem in refused.problems[0].what
    other = BANK / "ls5322-m.opus"
    mixed = np.concatenate([read_mono(path)[: 4 * SAMPLE_RATE] for path in (clips[0], other)])
    report = audit_clip(write(tmp_path / "two.wav", mixed), resemblyzer)
    assert "two speakers" in [problem.fault for problem in report.problems]


def test_windows_of_one_voice_are_not_two() -> None:
    one = np.eye(8, dtype=np.float32)[0]
    wobble = np.random.default_rng(0).standard_normal((10, 8)).astype(np.float32) * 0.05 + one
    assert halves_similarity(wobble / np.linalg.norm(wobble, axis=1, keepdims=True)) > 0.95
    stray = np.concatenate([np.tile(one, (9, 1)), np.eye(8, dtype=np.float32)[1:2]])
    assert halves_similarity(stray) == 1.0  # one window in ten is a cough
    assert halves_similarity(np.tile(one, (3, 1))) == 1.0


def test_unknown_embedders_and_empty_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no embedder is called 'resemblyser'; did you mean 'resemblyzer'"):
        load_embedder("resemblyser")
    with pytest.raises(ValueError, match="holds no sound file"):
        clips_of(tmp_path)
    for look in (stored_entries, voices_command.list_, voices_command.audit):
        with pytest.raises(ValueError, match="synth voices add"):
            look(tmp_path)


def test_own_bank_has_the_format_of_the_shipped_one(store: VoiceStore) -> None:
    shipped = {key for entry in json.loads((BANK / "bank.json").read_bytes()) for key in entry}
    own = {key for entry in json.loads((store.folder / "bank.json").read_bytes()) for key in entry}
    assert own <= shipped
    assert {"id", "file", "licence", "consent", "source", "speaker"} <= own
    shutil.copytree(store.folder, store.folder.parent / "moved")
    assert VoiceStore(store.folder.parent / "moved").audit(PitchEmbedder()) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_a_watermark_changes_little_and_its_weights_are_plain(tmp_path: Path) -> None:
    pytest.importorskip("audioseal")
    torch = pytest.importorskip("torch")
    from audioseal import builder, loader
    from omegaconf import OmegaConf

    from synth.speaking.watermark import CARDS, Watermark, WatermarkDetector

    card = OmegaConf.to_container(loader.load_local_model_config(CARDS["generator"]))
    torch.manual_seed(0)
    config = loader.AudioSeal.parse_config(card, builder.AudioSealWMConfig, nbits=16)
    weights = builder.create_generator(config).state_dict()
    weights = {
        name.replace(".inner_conv", ""): tensor for name, tensor in weights.items()
    }  # as the published file has it
    torch.save({"model": weights, "xp.cfg": OmegaConf.create(card)}, tmp_path / "generator_base.pth")
    audio = np.stack([voice(120, 0.5), np.zeros(SAMPLE_RATE // 2, np.float32)])
    one, other = (Watermark(tmp_path / "generator_base.pth", message) for message in (1, 2))
    marked = one.mark(audio)
    assert marked.shape == audio.shape
    assert not marked[1].any()
    assert np.abs(marked[0] - audio[0]).max() > 0
    assert np.array_equal(marked, one.mark(audio))
    assert not np.array_equal(marked, other.mark(audio))
    assert one.version != other.version
    for message, weights_file, said in (
        (0, tmp_path / "none.pth", "generator_base.pth, detector_base.pth"),
        (0, _text(tmp_path / "text.pth"), "cannot read"),
        (65_536, tmp_path / "generator_base.pth", "0 to 65535"),
    ):
        with pytest.raises(ValueError, match=said):
            Watermark(weights_file, message)
    with pytest.raises(ValueError, match="as the detector's weights"):
        WatermarkDetector(tmp_path / "generator_base.pth")
