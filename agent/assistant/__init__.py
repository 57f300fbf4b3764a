"""An assistant around the full-duplex model: an ear hears words, a mind thinks of an answer, a mouth speaks it.

`parts` holds what the three promise each other and the floor, `work` where their heavy work runs. Implementations plug
in by name, as engines and writers do: `ear`, `mind` and `mouth` list theirs.
"""
