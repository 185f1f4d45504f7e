"""Exports: a dataset as a folder that needs no Python, or that Hugging Face takes as it is."""

from mnist1d.shards.exports.files import write_files
from mnist1d.shards.exports.folder import CHECKSUMS
from mnist1d.shards.exports.huggingface import write_huggingface

__all__ = ["CHECKSUMS", "write_files", "write_huggingface"]
