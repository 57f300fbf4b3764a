"""Who says what: the writers that turn a brief into the lines of a dialogue."""
