"""The live loop: a conversation's tokens depend on itself alone, lag stays bounded, everybody is served or told."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.live.admission import QueueFullError
from agent.live.bare import BareModel
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.live.frame_out import FrameOut, PartTimes
from agent.live.metrics import expected_ms
from agent.live.onnx.stepper import FusedStepper
from agent.live.rings import Framer
from agent.live.runner import AsyncSignal, Runner
from agent.live.scheduler import Scheduler
from agent.live.session import Session
from agent.live.stepper import RowByRow, RowOrder, Stepper
from agent.live.ticket import MOVES, Ticket, TicketState
from agent.model.sampling import GREEDY, Sampling
from agent.training.start import deafened
from codec.layers import streaming
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples
from tests.support.agent_fixtures import CODEBOOKS, FakeClock, SlowBatch, noise, tiny_batch, tiny_bundle

QUIET = np.zeros(FRAME_SAMPLES, np.float32)
MINE = Controls(seed=3, pad_bias=0.5)
SAMPLED = [
    (5, RowOrder()),
    (6, RowOrder(GREEDY)),
    (7, RowOrder(Sampling(text_top_k=0, audio_top_k=3), pad_bias=2.0, end_pad_bias=-1.0)),
    (8, RowOrder(forced=torch.tensor([3, 3, 10]))),
    (9, RowOrder(word=lambda chosen: (7 * chosen + 1) % 48)),
]
ALL = list(range(len(SAMPLED)))


def answer(audio: Samples = QUIET) -> FrameOut:
    return FrameOut(audio, "", "", np.zeros(1 + CODEBOOKS, np.int64), True, PartTimes(0, 0, 0))


def frames_of(count: int, seed: int = 0) -> list[Samples]:
    return list(noise(count, seed).reshape(-1, FRAME_SAMPLES))


# --- controls -------------------------------------------------------------------------------------------------------


def test_controls_change_one_by_one() -> None:
    assert Controls().changed(hold=True, seed=4) == Controls(hold=True, seed=4)


@pytest.mark.parametrize(
    ("name", "value"),
    [("text_temperature", -0.1), ("audio_temperature", float("nan")), ("text_top_k", 1.5), ("audio_top_k", -1),
     ("pad_bias", "x"), ("seed", -1), ("seed", 2**53), ("hold", 1), ("volume", 3), ("text_top_k", True)],
)  # fmt: skip
def test_controls_out_of_range_are_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=name):
        Controls().changed(**{name: value})


# --- batch ----------------------------------------------------------------------------------------------------------


def stepped(stepper: Stepper, chosen: list[int], frames: int) -> list[list[tuple[list[int], int | None]]]:
    """Tokens and heard text of some of the SAMPLED conversations, stepped together, by conversation."""
    states = [stepper.init_state(SAMPLED[row][0]) for row in chosen]
    generator = torch.Generator().manual_seed(0)
    said: list[list[tuple[list[int], int | None]]] = [[] for _ in chosen]
    for _ in range(frames):
        user = torch.randint(32, (len(SAMPLED), CODEBOOKS), generator=generator)[chosen]
        rows, states = stepper.step(user, states, [SAMPLED[row][1] for row in chosen])
        for mine, row in zip(said, rows, strict=True):
            mine.append((row.tokens.tolist(), row.user_text))
    return said


@pytest.mark.parametrize("deaf", [(False, False), (True, False), (True, True)])
def test_fused_steps_are_the_models_own(deaf: tuple[bool, bool]) -> None:
    model = deafened(tiny_bundle().model, *deaf).eval()
    fused, plain = FusedStepper(model, int8=False), RowByRow(model)
    assert stepped(fused, ALL, 12) == stepped(plain, ALL, 12)
    frames = 16 + 64 + 10  # the rings of keys and values wrap
    assert stepped(fused, [2], frames) == stepped(plain, [2], frames)


def test_fused_8_bit_rows_do_not_see_each_other() -> None:
    stepper = FusedStepper(tiny_bundle().model, int8=True)
    shared_out = FusedStepper(tiny_bundle().model, int8=True, threads=2)
    together = stepped(stepper, ALL, 40)
    for row in ALL:
        assert stepped(stepper, [row], 40) == [together[row]]
    assert stepped(shared_out, ALL, 40) == together
    assert len({str(each) for each in together}) == len(ALL)


def test_same_bytes_same_tokens_whoever_else_talks() -> None:
    mine, others = frames_of(24), frames_of(24, seed=9)
    alone, crowded = tiny_batch(), tiny_batch()
    slot = alone.open(Controls(seed=1))
    expected = [alone.step({slot: frame})[slot] for frame in mine]
    late = crowded.open(Controls(seed=2))
    me = crowded.open(Controls(seed=1))
    for index, frame in enumerate(mine):
        heard = {me: frame} if index % 3 else {late: others[index], me: frame}
        out = crowded.step(heard)[me]
        np.testing.assert_array_equal(out.tokens, expected[index].tokens)
        np.testing.assert_array_equal(out.audio, expected[index].audio)
        assert (out.text, out.user_text) == (expected[index].text, expected[index].user_text)
    assert any(out.text for out in expected)
    assert any(out.user_text for out in expected)


def test_a_snapshot_goes_on_as_the_conversation_did(tmp_path: Path) -> None:
    batch, frames = tiny_batch(), frames_of(40)
    slot = batch.open(MINE)
    for frame in frames[:20]:
        batch.step({slot: frame})
    state = batch.snapshot(slot)
    streaming.save(state, tmp_path / "state.safetensors")
    expected = [batch.step({slot: frame})[slot].tokens for frame in frames[20:]]
    fresh = tiny_batch()
    loaded = streaming.load(tmp_path / "state.safetensors", state)
    for again in (fresh.restore(loaded, MINE), batch.restore(state, MINE)):
        owner = fresh if again == 0 else batch
        assert owner.controls(again) == MINE
        for frame, tokens in zip(frames[20:], expected, strict=True):
            np.testing.assert_array_equal(owner.step({again: frame})[again].tokens, tokens)


def test_hold_is_silent_and_ends_with_a_fade() -> None:
    batch, frames = tiny_batch(), frames_of(12)
    slot = batch.open(Controls(seed=1))
    loud = [batch.step({slot: frame})[slot] for frame in frames[:4]]
    assert np.abs(loud[-1].audio).max() > 0.05
    batch.set_controls(slot, Controls(hold=True))
    first, *held = [batch.step({slot: frame})[slot] for frame in frames[4:8]]
    assert not first.audio[240:].any()
    assert first.audio[:100].any()
    assert not any(out.audio.any() for out in held)
    assert all(out.text == "" and out.tokens[0] == 3 for out in held)
    batch.set_controls(slot, Controls())
    again = batch.step({slot: frames[8]})[slot].audio
    assert abs(again[0]) < 1e-6
    assert np.abs(again[240:]).max() > 0.05


def test_bias_makes_the_agent_wait() -> None:
    batch = tiny_batch()
    eager, patient = batch.open(Controls(seed=1, pad_bias=-100.0)), batch.open(Controls(seed=1, pad_bias=100.0))
    outs = [batch.step({eager: frame, patient: frame}) for frame in frames_of(10)]
    assert not any(out[patient].text for out in outs)
    assert sum(bool(out[eager].text) for out in outs) > 5


def test_mistakes_with_a_batch_are_told() -> None:
    batch = tiny_batch(slots=1)
    slot = batch.open()
    with pytest.raises(ValueError, match="slots are taken"):
        batch.open()
    with pytest.raises(ValueError, match="1920"):
        batch.step({slot: np.zeros(100, np.float32)})
    with pytest.raises(ValueError, match="no open conversation 7"):
        batch.step({7: QUIET})
    batch.close(slot)
    with pytest.raises(ValueError, match="no open conversation"):
        batch.close(slot)
    with pytest.raises(ValueError, match="runtime"):
        Batch(tiny_bundle(), 1, runtime="slow")  # type: ignore[arg-type]


# --- session --------------------------------------------------------------------------------------------------------


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5000), max_size=20))
def test_frames_are_cut_sample_for_sample(sizes: list[int]) -> None:
    sound = np.arange(sum(sizes), dtype=np.float32)
    framer, frames = Framer(), []
    for end, size in zip(np.cumsum(sizes), sizes, strict=True):
        frames += framer.cut(sound[end - size : end])
    whole = len(sound) // FRAME_SAMPLES
    np.testing.assert_array_equal(np.array(frames).reshape(-1), sound[: whole * FRAME_SAMPLES])


def test_silence_is_dropped_before_speech() -> None:
    clock = FakeClock()
    session = Session("a", clock, bound_ms=410)
    loud = frames_of(20)
    for frame in (QUIET, loud[0], QUIET, loud[1], QUIET, loud[2], loud[3], loud[4]):
        session.push(frame)
        clock.forward(FRAME_SECONDS + 1e-4)
    assert (session.counters.dropped_silent, session.counters.dropped_speech) == (3, 1)  # loud[0] had waited 480 ms
    assert session.push(loud[5]) == 5
    assert session.counters.dropped_speech == 1
    np.testing.assert_array_equal(session.take()[240:], loud[1][240:])  # type: ignore[index]


def test_late_frames_are_foreseen() -> None:
    clock = FakeClock()
    session = Session("a", clock, bound_ms=400)
    loud = frames_of(4)
    for frame in loud:
        session.push(frame)
    # sent ahead of time, they are due after 0, 80, 160, 240 ms: the second would be answered 500 - 80 ms later, then
    # the fourth 750 - 240 ms
    first = session.take(pace_ms=250)
    assert session.counters.dropped_speech == 2
    np.testing.assert_array_equal(first[240:], loud[2][240:])  # type: ignore[index]
    clock.forward(0.3)
    session.put(answer())
    assert session.delay_ms == pytest.approx(300 - 160)
    assert session.lag_ms == pytest.approx(300 - 240 + 80)  # one frame waits to be computed, one to be pulled
    clock.forward(0.3)
    assert session.lag_ms == pytest.approx(80)  # the frame that waited is too old
    assert session.take() is None


def test_the_joint_of_a_dropped_frame_is_smooth() -> None:
    session = Session("a", FakeClock())
    time = np.arange(8 * FRAME_SAMPLES) / 24_000
    tone = (0.3 * np.sin(2 * np.pi * 211.0 * time)).astype(np.float32)
    session.push(tone)
    taken = [frame for _ in range(6) if (frame := session.take(pace_ms=140)) is not None]
    assert session.counters.dropped_speech == 2
    steepest = np.abs(np.diff(tone)).max()
    assert np.abs(np.diff(np.concatenate(taken))).max() < 2 * steepest


@pytest.mark.parametrize("chunk_ms", [10, 20, 100, 400, 2000])
def test_chunks_of_any_size_lose_nothing(chunk_ms: int) -> None:
    """A client in real time, a model that takes 50 ms a frame, on a fake clock: what comes is what is heard."""
    clock = FakeClock()
    session = Session("a", clock, fills=True)
    chunk = 24 * chunk_ms
    sound = noise(100)
    free_at, sent, heard, elapsed = clock.now, 0, [], 0.0
    while len(heard) < 100 and elapsed < 20:
        if sent * chunk_ms <= 1e3 * elapsed and sent * chunk < len(sound):
            session.push(sound[sent * chunk : (sent + 1) * chunk])
            sent += 1
        if clock.now >= free_at and (frame := session.take(50.0)) is not None:
            heard.append(frame)
            free_at = clock.now + 0.05
            session.put(answer())
            session.pull()
        clock.forward(0.005)
        elapsed += 0.005
    np.testing.assert_array_equal(np.concatenate(heard), sound)
    assert session.counters.dropped_silent + session.counters.dropped_speech == 0


def test_a_whole_utterance_at_once_is_heard_whole_and_silence_follows() -> None:
    clock = FakeClock()
    session, sound = Session("a", clock, fills=True), noise(60)
    session.push(sound)
    heard = [session.take(20.0) for _ in range(60)]
    np.testing.assert_array_equal(np.concatenate(heard), sound)  # type: ignore[arg-type]
    clock.forward(2.0)
    assert session.take(20.0) is None  # the sound reaches for 2.8 s more
    session.turn_over()  # the client says that it has said what it had to say
    silence = []
    for _ in range(100):
        clock.forward(0.01)
        if (frame := session.take(20.0)) is not None:
            silence.append(frame)
    assert len(silence) in (12, 13)  # a second
    assert not np.concatenate(silence).any()


def test_a_client_that_stops_sending_is_heard_as_silence() -> None:
    for fills, frames in ((True, 3 + 7), (False, 3)):
        clock = FakeClock()
        session, heard = Session("a", clock, fills=fills), []
        session.push(noise(3))
        for _ in range(120):
            heard.append(session.take(20.0))
            clock.forward(0.01)
        assert sum(each is not None for each in heard) == frames  # from 0.24 + 0.4 s on, to 1.2 s


def test_unpulled_answers_are_bounded() -> None:
    session = Session("a", FakeClock())
    for index in range(10):
        session.put(answer(np.full(FRAME_SAMPLES, index, np.float32)))
    assert session.counters.output_dropped == 8
    assert [out.audio[0] for out in session.pull()] == [8, 9]


def test_speech_of_the_user_is_noticed_once() -> None:
    session = Session("a", FakeClock())
    hiss = noise(60, level=0.002)
    speech = noise(60, seed=1, level=0.1)
    speech[: 20 * FRAME_SAMPLES] = 0
    speech[35 * FRAME_SAMPLES :] = 0
    speech[26 * FRAME_SAMPLES : 29 * FRAME_SAMPLES] = 0  # a pause of 240 ms is no end
    for frame in (hiss + speech).reshape(-1, FRAME_SAMPLES):
        session.push(frame)
        session.take()
    started, stopped = session.pull_events()
    assert (started.kind, started.at_ms) == ("started", 1600)
    assert (stopped.kind, stopped.at_ms) == ("stopped", 2800)
    assert session.pull_events() == []


@pytest.mark.parametrize("bad", [np.zeros((2, 3), np.float32), np.array([np.nan], np.float32)])
def test_bad_sound_is_refused(bad: Samples) -> None:
    with pytest.raises(ValueError, match="sound"):
        Session("a", FakeClock()).push(bad)


# --- scheduler ------------------------------------------------------------------------------------------------------


def make(slots: int = 2, step_s: float = 0.02, **limits: float) -> tuple[Scheduler, FakeClock]:
    clock = FakeClock()
    names = iter(range(10_000))
    batch = SlowBatch(clock, step_s, slots)
    return Scheduler(BareModel(batch), clock, new_token=lambda: f"token-{next(names)}", **limits), clock  # type: ignore[arg-type]


def session_of(ticket: Ticket) -> Session:
    assert ticket.session is not None
    return ticket.session


def test_the_queue_moves_up_and_ends() -> None:
    scheduler, _ = make(queue_limit=2)
    news: list[int] = []
    first, second = scheduler.admission.admit(), scheduler.admission.admit()
    third = scheduler.admission.admit(on_change=lambda: news.append(3))
    fourth = scheduler.admission.admit(on_change=lambda: news.append(4))
    assert [each.state.value for each in (first, second, third, fourth)] == ["granted", "granted", "waiting", "waiting"]
    assert (third.position, fourth.position) == (1, 2)
    assert 0 < third.wait_s < fourth.wait_s
    with pytest.raises(QueueFullError, match="try later"):
        scheduler.admission.admit()
    news.clear()
    scheduler.admission.release(first)
    assert (third.state.value, third.position, fourth.position) == ("granted", 0, 1)
    assert set(news) == {3, 4}
    scheduler.admission.release(fourth)
    scheduler.admission.release(fourth)
    assert (fourth.state.value, fourth.reason) == ("ended", "released")
    scheduler.tick()
    session_of(third).push(noise(1))
    assert scheduler.tick() == 1
    assert len(session_of(third).pull()) == 1
    found = scheduler.metrics()
    assert (found.sessions, found.waiting, found.admitted, found.refused) == (2, 0, 4, 1)
    assert found.ended == {"released": 2}
    assert found.frame_ms.count == 1


def test_limits_end_sessions_with_a_reason() -> None:
    scheduler, clock = make(idle_limit=10.0, total_limit=25.0)
    silent, chatty = scheduler.admission.admit(), scheduler.admission.admit()
    for second in range(30):
        clock.forward(1.0)
        session_of(chatty).push(noise(3, seed=second))
        session_of(silent).push(np.zeros(3 * FRAME_SAMPLES, np.float32))
        scheduler.tick()
        if chatty.state.value == "ended":
            break
    assert silent.reason == "idle"
    assert chatty.reason == "total"
    assert session_of(silent).total_s < 31
    scheduler.tick()
    assert scheduler.partner.batch.free == 2


def test_a_dropped_session_resumes_where_it_was() -> None:
    frames = frames_of(20)
    steady, _ = make()
    ticket = steady.admission.admit(Controls(seed=4))
    expected = []
    for frame in frames:
        session_of(ticket).push(frame)
        steady.tick()
        expected += [out.tokens.tolist() for out in session_of(ticket).pull()]
    scheduler, clock = make(slots=1)
    ticket = scheduler.admission.admit(Controls(seed=4))
    said = []
    for index, frame in enumerate(frames):
        if index == 10:
            scheduler.admission.drop(ticket)
            other = scheduler.admission.admit()
            scheduler.tick()
            assert (ticket.state.value, other.state.value) == ("suspended", "granted")
            clock.forward(30.0)
            assert scheduler.admission.resume(ticket.token) is ticket
            assert (ticket.state.value, ticket.position) == ("waiting", 1)
            scheduler.admission.release(other)
            assert ticket.state.value == "granted"
        session_of(ticket).push(frame)
        scheduler.tick()
        said += [out.tokens.tolist() for out in session_of(ticket).pull()]
    assert said == expected


def test_a_session_away_for_too_long_is_gone() -> None:
    scheduler, clock = make(resume_limit=5.0)
    ticket = scheduler.admission.admit()
    scheduler.tick()
    scheduler.admission.drop(ticket)
    clock.forward(6.0)
    scheduler.tick()
    assert (ticket.state.value, ticket.reason) == ("ended", "expired")
    with pytest.raises(ValueError, match="no session to resume"):
        scheduler.admission.resume(ticket.token)
    with pytest.raises(ValueError, match="no session to resume"):
        scheduler.admission.resume("guess")
    assert scheduler.partner.batch.free == 2


def test_a_client_that_comes_back_first_takes_over() -> None:
    scheduler, _ = make()
    news: list[str] = []
    ticket = scheduler.admission.admit(on_change=lambda: news.append("old"))
    news.clear()
    assert scheduler.admission.resume(ticket.token, lambda: news.append("new")) is ticket
    assert (ticket.state.value, ticket.line, news) == ("granted", 1, ["old"])
    session_of(ticket).push(noise(1))
    scheduler.tick()
    assert news == ["old", "new"]


def test_one_failing_conversation_leaves_the_others_whole() -> None:
    class Cursed(SlowBatch):
        def step(
            self, frames: Mapping[int, Samples], orders: Mapping[int, RowOrder] | None = None
        ) -> dict[int, FrameOut]:
            if 1 in frames:
                raise RuntimeError("out of luck")
            return super().step(frames, orders)

    clock = FakeClock()
    scheduler = Scheduler(BareModel(Cursed(clock, 0.02, 3)), clock)
    tickets = [scheduler.admission.admit() for _ in range(3)]
    for _ in range(3):
        for ticket in tickets:
            session_of(ticket).push(noise(1))
        scheduler.tick()
    assert [ticket.state.value for ticket in tickets] == ["granted", "ended", "granted"]
    assert tickets[1].reason == "error"
    assert session_of(tickets[2]).counters.frames_out == 3


class Client:
    """A microphone over a bad network, by a fake clock: 200 ms of jitter, 5 % of messages lost, comes and goes."""

    def __init__(self, scheduler: Scheduler, clock: FakeClock, seed: int) -> None:
        self.scheduler, self.clock = scheduler, clock
        self.random = np.random.default_rng(seed)
        self.ticket: Ticket | None = None
        self.spoken = clock.now
        self.under_way: list[tuple[float, Samples]] = []
        self.frames, self.told, self.served = frames_of(50, seed), 0, 0
        self.away_until = 0.0

    def live(self) -> None:
        """What happens up to now."""
        now = self.clock.now
        if now < self.away_until:
            return
        if self.ticket is None or self.ticket.state.value in ("suspended", "ended"):
            self._come(now)
        while self.spoken < now:
            self.spoken += 0.08
            sound = self.frames[self.random.integers(50)] * self.random.choice([0.0, 1.0])
            if self.random.random() > 0.05:
                self.under_way.append((self.spoken + self.random.uniform(0, 0.2), sound))
        arrived = [sound for at, sound in self.under_way if at <= now]
        self.under_way = [each for each in self.under_way if each[0] > now]
        if self.ticket is None or self.ticket.state.value != "granted":
            return
        for sound in arrived:
            session_of(self.ticket).push(sound)
        if self.random.random() < 0.9:  # the way back hiccups, too
            self.served += len(session_of(self.ticket).pull())
        if self.random.random() < 0.01:
            self.scheduler.admission.drop(self.ticket)
            self.away_until = now + self.random.uniform(0, 8)

    def _come(self, now: float) -> None:
        self.spoken, self.under_way = now, []
        try:
            if self.ticket is not None and self.ticket.state.value == "suspended":
                self.scheduler.admission.resume(self.ticket.token)
            else:
                self.ticket = self.scheduler.admission.admit(Controls(seed=int(self.random.integers(100))))
        except ValueError:
            self.told += 1
            self.ticket = None
            self.away_until = now + 1.0


@pytest.mark.parametrize(("step_s", "seconds"), [(0.16, 12.0), (0.7, 35.0)])
def test_lag_stays_bounded_however_slow_the_model(step_s: float, seconds: float) -> None:
    scheduler, clock = make(slots=4, step_s=step_s, queue_limit=1, resume_limit=5.0, total_limit=5.0)
    clients = [Client(scheduler, clock, seed) for seed in range(6)]
    worst_lag = worst_delay = 0.0
    tensors = [tensors_alive()]
    until = clock.now + seconds
    while clock.now < until:
        for client in clients:
            client.live()
        if not scheduler.tick():
            clock.forward(0.02)
        found = scheduler.metrics()
        worst_lag = max(worst_lag, *found.lag_ms.values(), 0.0)
        worst_delay = max(worst_delay, *found.delay_ms.values(), 0.0)
        assert found.sessions <= 4
        assert found.waiting <= 1 + 4  # those who come back wait beyond the limit
        assert found.suspended <= 4
        if found.frame_ms.count == 40:
            tensors.append(tensors_alive())
    assert worst_lag <= 400
    assert worst_delay <= max(400, 1e3 * step_s + 80)
    assert sum(client.served for client in clients) > 0.5 * 4 * seconds / step_s
    assert all(client.served > 0 or client.told > 0 for client in clients)
    assert sum(client.told for client in clients) > 0
    states = found.sessions + found.suspended + found.waiting
    assert states >= 4
    assert max(tensors) <= tensors[0] + (4 + 4 + 4) * tensors_of_a_state()
    scheduler.admission.shut_down()
    scheduler.tick()
    assert scheduler.partner.batch.free == 4
    end = scheduler.metrics()
    assert (end.sessions, end.waiting, end.suspended) == (0, 0, 0)
    assert sum(end.ended.values()) == end.admitted
    assert {"total", "shutdown"} <= end.ended.keys()
    assert tensors_alive() <= tensors[0] + 10


def tensors_alive() -> int:
    gc.collect()
    return sum(type(each) is torch.Tensor for each in gc.get_objects())


def tensors_of_a_state() -> int:
    batch = tiny_batch()
    return len(streaming.flatten(batch.snapshot(batch.open())))


def test_the_pace_follows_slow_steps_at_once_and_quick_ones_slowly() -> None:
    """By hand: 100 ms at once; then 0.2 x 20 + 0.8 x 100 = 84, 0.2 x 20 + 0.8 x 84 = 71.2; 90 at once."""
    found = []
    before = 0.0
    for took in (100.0, 20.0, 20.0, 90.0):
        before = expected_ms(before, took)
        found.append(before)
    assert found == pytest.approx([100.0, 84.0, 71.2, 90.0])
    scheduler, _ = make(step_s=0.1)
    session = session_of(scheduler.admission.admit())
    for step_s, pace_ms in ((0.1, 100.0), (0.02, 84.0)):
        scheduler.partner.batch.step_s = step_s  # type: ignore[attr-defined]
        session.push(noise(1))
        scheduler.tick()
        assert scheduler.pace_ms == pytest.approx(pace_ms)


def test_a_ticket_goes_only_where_its_picture_shows() -> None:
    for before in TicketState:
        for after in TicketState:
            ticket = Ticket("token", before)
            if after in MOVES[before]:
                ticket.move(after)
                assert ticket.state is after
            else:
                with pytest.raises(AssertionError, match="cannot go"):
                    ticket.move(after)


# --- runner ---------------------------------------------------------------------------------------------------------


def drain(ticket: Ticket, count: int, wait: Callable[[], object]) -> list[FrameOut]:
    outs: list[FrameOut] = []
    while len(outs) < count:
        wait()
        outs += session_of(ticket).pull()
    return outs


def test_the_runner_computes_elsewhere_and_stops() -> None:
    clock = FakeClock()  # stands still: nothing is ever late
    before = threading.active_count()
    with Runner(Scheduler(BareModel(tiny_batch()), clock)) as runner:
        news = threading.Event()
        ticket = runner.scheduler.admission.admit(Controls(seed=1), news.set)
        threads = set()
        batch = runner.scheduler.partner.batch
        step = batch.step
        batch.step = lambda frames: threads.add(threading.get_ident()) or step(frames)  # type: ignore[method-assign, func-returns-value]
        session_of(ticket).push(noise(3))
        outs = drain(ticket, 3, lambda: (news.wait(5), news.clear()))
        assert [out.ready for out in outs] == [False, True, True]
    assert threads
    assert threading.get_ident() not in threads
    assert (ticket.state.value, ticket.reason) == ("ended", "shutdown")
    assert runner.scheduler.partner.batch.free == 4
    assert threading.active_count() == before


def test_the_runner_reaches_an_event_loop() -> None:
    async def talk() -> list[FrameOut]:
        signal = AsyncSignal(asyncio.get_running_loop())
        ticket = runner.scheduler.admission.admit(Controls(seed=1), signal.notify)
        outs: list[FrameOut] = []
        for frame in frames_of(4):
            session_of(ticket).push(frame)
            while not (new := session_of(ticket).pull()):
                await asyncio.wait_for(signal.wait(), 5)
            outs += new
        return outs

    with Runner(Scheduler(BareModel(tiny_batch()), FakeClock())) as runner:
        outs = asyncio.run(talk())  # its loop is closed before the runner stops and still calls back
    batch = tiny_batch()
    slot = batch.open(Controls(seed=1))
    for out, frame in zip(outs, frames_of(4), strict=True):
        np.testing.assert_array_equal(out.tokens, batch.step({slot: frame})[slot].tokens)
