"""From recordings to a recognizer: utterances, crops, Whisper's layers, a run that learns and resumes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import soxr  # type: ignore[import-untyped]

torch = pytest.importorskip("torch")

from agent.commands.dictation import evaluate, mistakes, train  # noqa: E402
from agent.dictation.crops import CropMaker  # noqa: E402
from agent.dictation.judging import judge_dictation  # noqa: E402
from agent.dictation.language import word_ngrams  # noqa: E402
from agent.dictation.material import Saying, of_corpus, symbols, written  # noqa: E402
from agent.dictation.recipe import DictationRecipe, read_recipe  # noqa: E402
from agent.dictation.training import DictationTrainer  # noqa: E402
from agent.dictation.whisper_layers import begin_with_whisper  # noqa: E402
from agent.hearing.config import HearingConfig  # noqa: E402
from agent.hearing.mistakes import Mistakes  # noqa: E402
from agent.hearing.network import HearingNetwork  # noqa: E402
from agent.hearing.recognizer import NetworkLetters, WordRecognizer, write_recognizer  # noqa: E402
from agent.hearing.search import WordSearch  # noqa: E402
from agent.listener.recipe import ListenerRecipe  # noqa: E402
from agent.listener.recordings import CollectedRecording, TurnClip  # noqa: E402
from agent.listener.scenes import SceneMaker  # noqa: E402
from corpus.audio import FRAME_SAMPLES  # noqa: E402
from corpus.reader import Corpus  # noqa: E402
from corpus.record import AGENT_CHANNEL, USER_CHANNEL  # noqa: E402
from tests.support.places import DATASETS  # noqa: E402
from tests.support.probe_corpus import probe_corpus  # noqa: E402
from tests.support.speechlike import speech_like  # noqa: E402
from tests.support.whisper_base import whisper_base  # noqa: E402

TINY = HearingConfig(dim=48, heads=2, layers=1, feedforward=64, context=40, positions=200, dropout=0.0)
TONES = {"ab": (300.0, 900.0), "cad": (1500.0, 300.0, 2500.0), "bad": (900.0, 300.0, 2500.0)}  # of its letters


def spoken(text: str) -> Saying:
    """Each letter a tone of 0.16 s."""
    times = np.arange(3840) / 24_000
    tones = [0.3 * np.sin(2 * np.pi * hertz * times) * np.hanning(3840) for hertz in TONES[text]]
    sound = np.concatenate(tones)
    return Saying((sound * 32767).astype(np.int16), ((text, 0.0, len(sound) / 24_000),), "tones")


@pytest.fixture(scope="module")
def scenes() -> SceneMaker:
    sound = speech_like(2.0, 1)
    clip = TurnClip(
        CollectedRecording(Path("none"), "a", "S", "sentences", 2.0), sound, (), np.ones(len(sound) // 240, bool)
    )
    return SceneMaker(ListenerRecipe(), [clip], [], [])


def quiet_recipe(**changes: object) -> DictationRecipe:
    plain = {
        "batch": 4,
        "seconds": 2.4,
        "faster": 0.0,
        "nobody": 0.0,
        "clean": 1.0,
        "masked_bands": 0,
        "masked_hops": 0,
    }
    return DictationRecipe(**{**plain, **changes})


def test_words_are_written_as_they_are_said() -> None:
    assert written(["It's", "7", "o'clock,", "Anna-Maria!"]) == "it's seven o'clock anna maria"
    assert written(["12-ounce"]) == "twelve ounce"
    assert written(["2nd"]) is None
    assert written(["3.5"]) is None
    assert written(["..."]) is None


def test_users_are_cut_where_they_are_silent(tmp_path: Path) -> None:
    probe_corpus(tmp_path / "corpus", 1)
    utterances = list(of_corpus(Corpus(tmp_path / "corpus")))
    both = [each.text for each in of_corpus(Corpus(tmp_path / "corpus"), (USER_CHANNEL, AGENT_CHANNEL))]
    texts = [each.text for each in utterances]
    assert any("makes" in text for text in both)
    assert set(texts) < set(both)
    assert "well tell me" in texts  # a pause of a second follows
    assert not any("makes" in text for text in texts)  # the agent's
    for each in utterances:
        assert all(0 <= start < end <= each.seconds + 0.01 for _, start, end in each.words)


def test_a_crop_hangs_on_its_number_and_says_where_its_letters_are(scenes: SceneMaker) -> None:
    maker = CropMaker(quiet_recipe(), [spoken(text) for text in TONES], scenes)
    features, letters, spread = maker.crop(3, 1)
    again, same, _ = maker.crop(3, 1)
    np.testing.assert_array_equal(features, again)
    assert letters == same
    assert len(features) == 4 * len(spread)
    loud = features.reshape(len(spread), 4, -1).max((1, 2)) > 0
    assert (spread[loud] > 0).mean() > 0.8  # windows reach a little over
    assert [letter for letter in letters if letter != symbols(" ")[0]] == [
        int(letter) for before, letter in zip([0, *spread[:-1]], spread, strict=True) if letter and letter != before
    ]


def test_the_convolutions_and_layers_are_whispers() -> None:
    """All six layers, everybody seeing everything, are Whisper's encoder."""
    folder = whisper_base()
    import ctranslate2  # type: ignore[import-untyped]
    from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]

    mel = FeatureExtractor(feature_size=80)(soxr.resample(speech_like(2.0, 7), 24_000, 16_000), padding=0)[:, :192]
    model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32", intra_threads=1)
    theirs = np.array(model.encode(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel[None]))))[0]
    network = HearingNetwork(HearingConfig(layers=6)).eval()
    begin_with_whisper(network, folder)
    with torch.no_grad():
        hops = torch.from_numpy(np.pad(mel.T, ((0, 1), (0, 0))))[None]  # ours hears a hop later: Whisper's are centred
        state = network.init_state()
        state = type(state)(torch.zeros_like(state.hops), state.inner, state.keys, state.values, state.step)
        x = torch.nn.functional.gelu(network.conv1(torch.cat([state.hops, hops.transpose(1, 2)], -1)))[..., 1:]
        y = torch.nn.functional.gelu(network.conv2(torch.cat([state.inner, x], -1))).transpose(1, 2)
        y = y + network.positions[: y.shape[1]]
        for layer in network.layers:
            y, _, _ = layer(y, y[:, :0], y[:, :0], torch.ones(1, 1, y.shape[1], y.shape[1], dtype=torch.bool))
    mine = torch.nn.functional.layer_norm(y, (512,))[0].numpy()
    alike = [np.corrcoef(mine[:-2, i], theirs[:-2, i])[0, 1] for i in range(512)]  # the last norm's gains are not ours
    assert np.median(alike) > 0.999
    with pytest.raises(ValueError, match="is no model of faster-whisper"):
        begin_with_whisper(network, DATASETS)


def test_a_run_learns_resumes_to_the_bit_and_hears(scenes: SceneMaker, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    material = [spoken(text) for text in TONES]
    recipe = quiet_recipe(steps=150, warmup=5, learning_rate=4e-3, head_learning_rate=4e-3, average=0.9)
    crops = CropMaker(recipe, material, scenes)

    def trainer() -> DictationTrainer:
        return DictationTrainer(crops, recipe, config=TINY)

    stopped = trainer()
    stopped.train(tmp_path / "run", say=lambda _: None, until=3)
    resumed = trainer()
    resumed.train(tmp_path / "run", say=lambda _: None, until=5)
    straight = trainer()
    for step in range(5):
        straight.advance(crops.batch(step))
    for mine, theirs in zip(resumed.network.parameters(), straight.network.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    straight.train(tmp_path / "whole", say=lambda _: None)
    recognizer = WordRecognizer(NetworkLetters(straight.average), WordSearch(word_ngrams([], material)))
    state, heard = recognizer.init_state(), []
    sound = np.concatenate([np.zeros(9600, np.float32), spoken("cad").samples(), np.zeros(24_000, np.float32)])
    for frame in sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES):
        words, state = recognizer.step(frame, state)
        heard += [word.text for word in words]
    assert heard == ["cad"]


def test_a_recognizer_is_judged_on_the_users_of_a_corpus(tmp_path: Path) -> None:
    probe_corpus(tmp_path / "corpus", 1)
    torch.manual_seed(0)
    write_recognizer(
        tmp_path / "ear", HearingNetwork(TINY), word_ngrams([], [spoken("ab")]), {"weight": 1.0, "bonus": 0.0}
    )
    report = judge_dictation(tmp_path / "ear", [tmp_path / "corpus"], None, "judge", ["clean"], 2)
    assert report.figures[0].utterances == 2
    assert report.figures[0].errors > 0.5  # it has learnt nothing
    assert "words wrong" in report.text()
    mistakes([tmp_path / "corpus"], str(tmp_path / "ear"))
    assert Mistakes.of(tmp_path / "ear").of_words["tell"]
    with pytest.raises(ValueError, match="conditions need --speech"):
        judge_dictation(tmp_path / "ear", [], None, "judge", ["room"], 2)
    with pytest.raises(ValueError, match="nobody says anything"):
        judge_dictation(tmp_path / "ear", [], None, "judge", ["clean"], 2)


def test_the_recipe_that_ships_is_read() -> None:
    recipe = read_recipe(DATASETS / "ear.toml")
    assert recipe.takes("librispeech")
    assert not recipe.takes("kerstin")


def test_from_recordings_to_a_judged_recognizer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The commands, with Whisper's own layers; a second call finds the run whole."""
    folder = tmp_path / "speech"
    folder.mkdir()
    rows = []
    for number, speaker in enumerate(["A", "DEV", "LS27"]):
        soundfile.write(folder / f"{speaker}.wav", speech_like(3.4, number), 24_000)
        rows.append({"path": f"{speaker}.wav", "speaker": speaker, "source": "sentences", "seconds": 3.4})
    for name, lines in {"train": rows, "noise": [], "prompts": [], "conv": []}.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = [[word, 0.5 + 0.3 * i, 0.8 + 0.3 * i] for i, word in enumerate(["Tell", "me", "the", "time."])]
    with gzip.open(folder / "transcripts.jsonl.gz", "wt") as file:
        file.write("".join(json.dumps({"path": row["path"], "words": words}) + "\n" for row in rows))
    (folder / "held-out.txt").write_text("[judge]\nLS27\n[develop]\nDEV\n")
    (folder / "recipe.toml").write_text("steps = 1\nbatch = 1\nseconds = 4.0\nlayers = 1\n")
    lists = {"transcripts": folder / "transcripts.jsonl.gz", "held_out": folder / "held-out.txt"}
    for _ in range(2):
        train(tmp_path / "run", folder, whisper_base(), recipe=folder / "recipe.toml", **lists)
    assert "1 utterances" in capsys.readouterr().out
    train(tmp_path / "on", folder, init=str(tmp_path / "run" / "ear"), recipe=folder / "recipe.toml", **lists)
    with pytest.raises(ValueError, match="say what to begin with"):
        train(tmp_path / "neither", folder, recipe=folder / "recipe.toml", **lists)
    capsys.readouterr()
    evaluate(str(tmp_path / "run" / "ear"), speech=folder, **lists, conditions="clean,telephone", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert [(each["condition"], each["words"]) for each in found] == [("clean", 4), ("telephone", 4)]
