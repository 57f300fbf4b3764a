"""The commands of `synth`, one file each."""
