"""The parts of `bench gpu`: what a card must do rightly, and how fast it does it."""
