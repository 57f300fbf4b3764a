"""The model on a CPU by ONNX Runtime: `graph` writes graphs, `temporal` and `depth` its parts, `stepper` runs them."""

from .stepper import FusedStepper, supports

__all__ = ["FusedStepper", "supports"]
