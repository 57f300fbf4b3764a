"""The commands of `codec`, one file each."""
