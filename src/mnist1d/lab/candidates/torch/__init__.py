"""Candidates in PyTorch: models that PyTorch trains on the batches of all candidates."""

from mnist1d.lab.candidates.torch.candidate import TorchCandidate

__all__ = ["TorchCandidate"]
