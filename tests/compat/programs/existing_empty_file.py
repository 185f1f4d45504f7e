"""A temporary file as the place for the data."""

import os
from tempfile import NamedTemporaryFile, mkstemp

from mnist1d.data import get_dataset, get_dataset_args
from mnist1d.utils import from_pickle

args = get_dataset_args()
args.num_samples = 30
handle, path = mkstemp()
os.close(handle)
data = get_dataset(args, path=path, verbose=False, download=False)
again = from_pickle(path)
os.unlink(path)
del path
with NamedTemporaryFile(suffix=".pkl") as file:
    third = get_dataset(args, path=file.name, verbose=False, download=False)
    size = os.path.getsize(file.name) > 1000
