"""Talks without a clock: users `converse` with a model faster than real time, `say` reads aloud, `hear` writes down."""
