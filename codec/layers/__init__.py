"""What codecs are made of, each layer with its streaming state as a value: `y, state = layer(x, state)`."""
