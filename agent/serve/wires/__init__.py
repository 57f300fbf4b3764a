"""The protocols that clients speak: each turns messages into what a conversation needs, and back, without a socket."""
