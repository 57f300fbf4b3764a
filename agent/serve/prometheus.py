"""The numbers of a server in Prometheus' text format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from ..live.metrics import Metrics


@dataclass
class Traffic:
    """What the server itself counts; only its event loop writes."""

    connections: Counter[str] = field(default_factory=Counter)  # by wire
    refused: Counter[int] = field(default_factory=Counter)  # by HTTP status
    malformed: Counter[str] = field(default_factory=Counter)  # messages, by wire


class ServerCollector(Collector):
    """Reads the scheduler and the server when asked."""

    def __init__(self, scheduler: Callable[[], Metrics], traffic: Traffic) -> None:
        self.scheduler, self.traffic = scheduler, traffic

    def collect(self) -> Iterator[Metric]:
        """All metrics, times in seconds."""
        now = self.scheduler()
        yield GaugeMetricFamily("duologue_sessions", "Conversations that go on", now.sessions)
        yield GaugeMetricFamily("duologue_slots", "Conversations there is room for", now.slots)
        yield GaugeMetricFamily("duologue_queue", "Clients that wait for a session", now.waiting)
        yield GaugeMetricFamily("duologue_suspended", "Sessions kept for clients whose line broke", now.suspended)
        yield CounterMetricFamily("duologue_admitted", "Clients let in or queued", now.admitted)
        yield CounterMetricFamily("duologue_queue_full", "Clients sent away from a full queue", now.refused)
        yield _labelled("duologue_ended", "Sessions that ended", "reason", now.ended)
        frames = now.frames
        yield CounterMetricFamily("duologue_frames_in", "Frames heard", frames.frames_in)
        yield CounterMetricFamily("duologue_frames_out", "Frames answered", frames.frames_out)
        dropped = {
            "silent": frames.dropped_silent,
            "speech": frames.dropped_speech,
            "output": frames.output_dropped,
        }
        yield _labelled("duologue_frames_dropped", "Frames left out to bound the lag", "kind", dropped)
        lag, delay = max(now.lag_ms.values(), default=0.0), max(now.delay_ms.values(), default=0.0)
        yield GaugeMetricFamily("duologue_lag_seconds", "Largest lag of a session", lag / 1e3)
        yield GaugeMetricFamily("duologue_delay_seconds", "Largest delay from a frame to its answer", delay / 1e3)
        yield GaugeMetricFamily("duologue_pace_seconds", "Time expected of the next step", now.pace_ms / 1e3)
        rows = {"moved": now.moved, "idle": now.idle}
        yield _labelled("duologue_slot_steps", "Slots in all steps, with a frame or without", "kind", rows)
        yield _histogram(now)
        yield _labelled("duologue_connections", "WebSockets opened", "wire", self.traffic.connections)
        yield _labelled("duologue_requests_refused", "Requests refused", "status", self.traffic.refused)
        yield _labelled("duologue_messages_malformed", "Messages not understood", "wire", self.traffic.malformed)


def exposition(scheduler: Callable[[], Metrics], traffic: Traffic) -> bytes:
    """The text that `/metrics` answers."""
    registry = CollectorRegistry()
    registry.register(ServerCollector(scheduler, traffic))
    return generate_latest(registry)


def _labelled(name: str, help: str, label: str, values: dict[str, int] | Counter[str] | Counter[int]) -> Metric:
    family = CounterMetricFamily(name, help, labels=[label])
    for key, value in sorted(values.items(), key=str):
        family.add_metric([str(key)], value)
    return family


def _histogram(now: Metrics) -> Metric:
    """The frame times, buckets summed up as Prometheus wants them."""
    times, total = now.frame_ms, 0
    buckets: list[tuple[str, float]] = []
    for bound, count in zip((*times.bounds, float("inf")), times.counts, strict=True):
        total += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound / 1e3), total))
    family = HistogramMetricFamily("duologue_frame_seconds", "Time of a step of all sessions with a frame")
    family.add_metric([], buckets, times.sum_ms / 1e3)
    return family
