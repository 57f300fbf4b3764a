"""A corpus from its order to its last shard: `generate` plans, renders and publishes; `workers` or a `ray_pool` render.

`write_ahead` lets language models write before the voices need it, `mirror` copies shards away, `progress` shows it.
"""
