"""Measurements of `synth`."""
