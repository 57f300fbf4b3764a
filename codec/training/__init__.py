"""Training a codec, and what every trainer of the house shares.

`recipe` holds every number, `data` crops of speech (`clips` finds recordings), `step` one step of three stages with
`losses`, `loudness`, `discriminators`, `teacher` and `recognizer`, `trainer` the run, its checkpoints and resumption.
Shared: `parallel` (processes), `optimizer_state` (exact resumption).
"""
