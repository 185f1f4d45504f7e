"""Sets of any size, as files: shards of a stream, the same whoever makes them.

A set is a folder with a manifest and files of consecutive samples, `shard_size` each. What is in
them follows from what was asked for, and not from who made them: one process or many, one machine
or a cluster, in one go or after a kill. Running the same call again checks what is there and makes
what is missing.
"""

from mnist1d.shards.files import FORMATS, Fingerprint
from mnist1d.shards.generation import Summary, generate, manifest_of
from mnist1d.shards.manifests import Manifest
from mnist1d.shards.work import Shard

__all__ = ["FORMATS", "Fingerprint", "Manifest", "Shard", "Summary", "generate", "manifest_of"]
