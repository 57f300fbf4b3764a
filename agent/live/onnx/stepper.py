"""The model on a CPU by ONNX Runtime: a graph per temporal layer, one for the depth loop, many conversations at once.

Between the layers' graphs every conversation attends to its own ring of keys and values, in place: conversations of
any age share a step, nothing is copied or masked. States are those of `LanguageModel`, one conversation each.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from codec.layers import streaming

from ...model.attention import access
from ...model.columns import column_in, column_out, user_words
from ...model.config import Variation
from ...model.language_model import LanguageModel, ModelState
from ...model.rope import angles, needs_rotation
from ...model.sampling import AUDIO_DRAW, TEXT_DRAW, Sampling, choose, uniform
from ...model.streams import UNGENERATED, Layout, TokenState
from ...model.temporal import SLACK
from ..stepper import RowFrame, RowOrder, heard_by
from . import depth as fused_depth
from . import temporal as fused_temporal

LARGEST = 1_800_000_000  # bytes of weights in one graph: protobuf ends at 2 GB


def supports(model: LanguageModel) -> bool:
    """Whether this model's kind of layers is among those written here: Moshi's and the laptop's are."""
    config = model.config
    temporal, depth = config.temporal, config.depth
    if depth is None or model.device.type != "cpu":
        return False
    stack = depth.transformer
    plain = not (config.norm_emb or config.demux_text or config.conditioners or temporal.cross_attention)
    gates = temporal.gating == stack.gating == "silu"
    positions = temporal.positions in ("rope", "none") and stack.positions == "none"
    same = temporal.variation == Variation() and temporal.kv_repeat == stack.kv_repeat == 1
    size = 4 * sum(parameter.numel() for parameter in model.parameters())
    return plain and gates and positions and same and size < LARGEST


class FusedStepper:
    """See `agent.live.stepper.Stepper`."""

    def __init__(self, model: LanguageModel, int8: bool = True, threads: int = 1) -> None:
        """Write the graphs of a model that `supports` approves.

        Args:
            model: left as it is.
            int8: shorten its matrices to 8 bits.
            threads: cores that share out the conversations.
        """
        assert supports(model)
        self.model, self.config = model, model.config
        self.layout = Layout.of(model.config)
        self.threads = threads
        self._workers = ThreadPoolExecutor(threads) if threads > 1 else None
        with torch.inference_mode():
            self._pieces = [
                fused_temporal.piece(model, index, int8) for index in range(model.config.temporal.layers + 1)
            ]
            self._depth = fused_depth.build(model, int8)
        self._fresh = model.init_state(1, [0])
        self._independent = self._probe()

    def init_state(self, seed: int) -> ModelState:
        """The state of one conversation before its first frame; it needs none of the model's weights."""
        return replace(streaming.copy(self._fresh), seed=torch.tensor([seed]))

    def step(
        self, user: Tensor, states: list[ModelState], orders: list[RowOrder]
    ) -> tuple[list[RowFrame], list[ModelState]]:
        """See `Stepper`."""
        count = len(states)
        size = -(-count // self.threads) if self._independent else 1
        groups = [slice(start, start + size) for start in range(0, count, size)]
        parts = [(user[group], states[group], orders[group]) for group in groups]
        work = map if self._workers is None or len(parts) == 1 else self._workers.map
        done = list(work(self._step, *zip(*parts, strict=True)))
        return [frame for frames, _ in done for frame in frames], [state for _, after in done for state in after]

    @torch.inference_mode()
    def _step(
        self, user: Tensor, states: list[ModelState], orders: list[RowOrder]
    ) -> tuple[list[RowFrame], list[ModelState]]:
        config, layout = self.config, self.layout
        executing = torch.ones(len(states), dtype=torch.bool)
        before = streaming.stack([state.tokens for state in states])
        column, tokens = column_in(config, layout, before, executing, user)
        z, text_logits, user_logits = self._think(column, states)
        said = self._speak(z, text_logits, tokens.frame, states, orders)
        own = None if user_logits is None else torch.from_numpy(user_logits).argmax(dim=-1)
        return self._finish(tokens, said, user_words(own, heard_by(orders)), states, executing)

    def _think(self, column: Tensor, states: Sequence[ModelState]) -> list[Any]:
        """z `[n, D]`, text logits `[n, ids]` and the user's text logits or nothing."""
        config = self.config.temporal
        heads, width = config.heads, config.head_dim
        position = torch.cat([state.temporal.position for state in states])
        turned: dict[str, Any] = {}
        if needs_rotation(config.positions):
            cosine, sine = angles(position, 1, self.model.temporal.frequencies[0])
            turned = {
                "cosine": cosine[:, 0].numpy(),
                "sine": sine[:, 0].numpy(),
                "row": np.arange(len(states))[:, None],
            }
        feeds = {"column": column.numpy(), **turned}
        window = config.context
        assert window is not None
        places = [access(state.temporal.position, 1, window + SLACK, window) for state in states]
        for index in range(config.layers):
            x, query, key, value = self._pieces[index].run(None, feeds)
            query, key, value = (torch.from_numpy(each).view(-1, heads, width) for each in (query, key, value))
            attended = np.empty_like(x)
            for row, (state, place) in enumerate(zip(states, places, strict=True)):
                keys, values = state.temporal.keys[index], state.temporal.values[index]
                slot = int(place.slots)
                keys[0, slot], values[0, slot] = key[row], value[row]
                past, said = (memory[:, : place.used].transpose(1, 2) for memory in (keys, values))
                y = functional.scaled_dot_product_attention(query[row][None, :, None], past, said, place.mask)
                attended[row] = y.flatten().numpy()
            feeds = {"x": x, "attended": attended, **(turned if index + 1 < config.layers else {})}
        out: list[Any] = self._pieces[-1].run(None, feeds)
        return [*out, None][:3]

    def _speak(
        self, z: Any, logits: Any, frame: Tensor, states: Sequence[ModelState], orders: Sequence[RowOrder]
    ) -> Tensor:
        """Tokens int64 `[n, 1 + agent codebooks]` said now."""
        config = self.config
        for row, order in enumerate(orders):
            logits[row, config.pad] += order.pad_bias
            logits[row, config.end_pad] += order.end_pad_bias
        seed = torch.cat([state.seed for state in states])
        text_heat, heat = _heats([order.sampling for order in orders])
        text_k = [order.sampling.text_top_k for order in orders]
        top_k = [order.sampling.audio_top_k for order in orders]
        draws = range(AUDIO_DRAW, AUDIO_DRAW + config.agent_codebooks)
        text_noise = ranked_noise(seed, frame, range(TEXT_DRAW, TEXT_DRAW + 1), text_heat, text_k, config.text_out)
        feeds = {
            "z": z,
            "text_logits": logits,
            "text_noise": text_noise[:, 0],
            "text_temperature": _column(text_heat),
            "noise": ranked_noise(seed, frame, draws, heat, top_k, config.card),
            "temperature": _column(heat),
            "forced": self._forced(logits, text_noise[:, 0], orders),
        }
        return torch.from_numpy(self._depth.run(None, feeds)[0])

    def _forced(self, logits: Any, noise: Any, orders: Sequence[RowOrder]) -> Any:
        """Tokens int64 `[n, 1 + agent codebooks]` that may not be chosen, -2 elsewhere."""
        forced = torch.stack([order.tokens(self.config) for order in orders]).numpy()
        for row, order in enumerate(orders):
            if order.word is not None and forced[row, 0] == UNGENERATED:
                hot, top_k = float(order.sampling.text_temperature), order.sampling.text_top_k
                mine, drawn = (torch.from_numpy(each[row : row + 1]) for each in (logits, noise))
                chosen = choose(mine, hot, top_k, drawn)
                forced[row, 0] = order.word(int(chosen))
        return forced

    def _finish(
        self,
        tokens: TokenState,
        said: Tensor,
        user_text: Tensor | None,
        states: Sequence[ModelState],
        executing: Tensor,
    ) -> tuple[list[RowFrame], list[ModelState]]:
        column, tokens = column_out(self.config, self.layout, tokens, executing, said, user_text)
        frames, after = [], []
        for index, state in enumerate(states):
            heard = None if user_text is None else int(user_text[index])
            frames.append(RowFrame(column.tokens[index], bool(column.ready[index]), int(said[index, 0]), heard))
            mine = TokenState(tokens.frame[index : index + 1], tokens.ring[index : index + 1])
            moved = replace(state.temporal, position=state.temporal.position + 1)
            after.append(replace(state, tokens=mine, temporal=moved))
        return frames, after

    def _probe(self) -> bool:
        """Whether this processor's products give a row the same bits whatever the number of rows."""
        generator = np.random.default_rng(0)
        dim, layers = self.config.temporal.dim, self.config.temporal.layers
        rows = {name: generator.standard_normal((5, dim)).astype(np.float32) for name in ("x", "attended")}
        together = self._pieces[layers].run(None, rows)
        for count in (1, 2, 3, 4):
            part = self._pieces[layers].run(None, {name: value[:count] for name, value in rows.items()})
            if not all(np.array_equal(few, all_[:count]) for few, all_ in zip(part, together, strict=True)):
                return False
        return True


def ranked_noise(seed: Tensor, frame: Tensor, draws: range, heat: list[float], top_k: list[int], card: int) -> Any:
    """Gumbel noise float32 `[n, draws, ranks]` as `sampling.choose` adds it: none at heat 0, -inf beyond the top-k."""
    counts = [min(each or card, card) if hot > 0 else 1 for each, hot in zip(top_k, heat, strict=True)]
    noise = -(-uniform(seed, frame, draws, max(counts)).log()).log()
    for row, (count, hot) in enumerate(zip(counts, heat, strict=True)):
        noise[row, :, count:] = -torch.inf
        if hot == 0:
            noise[row, :, :count] = 0
    return noise.numpy()


def _heats(samplings: list[Sampling]) -> tuple[list[float], list[float]]:
    """Temperatures of text and of audio."""
    return [float(each.text_temperature) for each in samplings], [float(each.audio_temperature) for each in samplings]


def _column(heat: list[float]) -> Any:
    """Temperatures float32 `[n, 1]` to divide by."""
    return np.array([max(each, 1e-6) for each in heat], np.float32)[:, None]
