"""Corpora in the formats other tools read: one file per format, each written shard by shard.

`catalogue` names the formats, `exporting` writes them whole or not at all, `importing` turns them into a corpus.
"""
