"""The speakers of one Piper voice: vectors in a table of its graph, between which other speakers lie."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

SPEAKER = "sid"  # [1], of voices with several speakers
VECTOR = "speaker_vector"  # [1, ...], in place of SPEAKER where the graph looks it up in one table

Floats = npt.NDArray[np.float32]
Speakers = tuple[tuple[int, float], ...]  # numbers of speakers with their shares


def with_speaker_vector(graph: onnx.GraphProto) -> Floats | None:
    """Make the speaker's vector an input in place of its number; gives the table `[speakers, ...]` of all vectors.

    None, and nothing changed, where the graph does not look the number up in one table.
    """
    users = [node for node in graph.node if SPEAKER in node.input]
    tables = {table.name: table for table in graph.initializer}
    if (
        SPEAKER not in [given.name for given in graph.input]
        or len(users) != 1
        or users[0].op_type != "Gather"
        or users[0].input[0] not in tables
    ):
        return None
    (look_up,) = users
    table = np.asarray(numpy_helper.to_array(tables[look_up.input[0]]), np.float32)
    place = list(graph.node).index(look_up)
    graph.node[place].CopyFrom(helper.make_node("Identity", [VECTOR], list(look_up.output), "speaker/vector"))
    kept = [given for given in graph.input if given.name != SPEAKER]
    del graph.input[:]
    graph.input.extend(kept)
    graph.input.append(helper.make_tensor_value_info(VECTOR, TensorProto.FLOAT, [1, *table.shape[1:]]))
    return table


def mixed_vector(table: Floats, speaker: int | Speakers) -> Floats:
    """The vector `[1, ...]` of a speaker of a table, or of several with their shares."""
    if isinstance(speaker, int):
        return table[speaker : speaker + 1]
    return np.asarray(sum(share * table[number].astype(np.float64) for number, share in speaker), np.float32)[None]
