"""From a plan to two channels of sound: `studio` speaks turns, cuts `clips`, puts them on one `timeline`.

`backchannels` keeps a voice's nods, `steady` says each sentence always alike, `acoustics` adds the room, `quality/`
lets bad takes be spoken again, `watermark` marks all speech, `rehearse` times a plan without any voice.
"""
