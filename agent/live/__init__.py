"""The live loop: 80 ms in, 80 ms out, many conversations on one model.

`batch` moves conversations on by a frame through a stepper (`stepper`: PyTorch row by row; `onnx/`: graphs for a CPU;
`runtime` chooses), `session` is one conversation's rings and lag, `admission` who may talk, `scheduler` one
deterministic tick for all, `runner` the thread it runs in, `replay` a conversation kept to be had again.
"""

from .batch import Batch
from .controls import Controls
from .runner import Runner
from .scheduler import Scheduler

__all__ = ["Batch", "Controls", "Runner", "Scheduler"]
