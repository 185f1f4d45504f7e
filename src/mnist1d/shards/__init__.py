"""Shards: sets of any size as files of consecutive samples of a stream.

A set is a folder with a manifest and files of `shard_size` samples each. Their bytes depend on the
arguments alone: not on the number of processes or machines, nor on interruptions. The same call
again checks the files that are there and makes those that are missing.
"""

from mnist1d.shards.files import FORMATS, Fingerprint
from mnist1d.shards.generation import Summary, generate, manifest_of
from mnist1d.shards.manifests import Manifest
from mnist1d.shards.work import Shard

__all__ = ["FORMATS", "Fingerprint", "Manifest", "Shard", "Summary", "generate", "manifest_of"]
