"""The paper's 30 networks of the pooling experiment: `... FOLDER`."""

import sys
from pathlib import Path

from mnist1d.experiments import pooling
from mnist1d.harness import record
from mnist1d.training import keep_compiled_programs, use_all_cores

use_all_cores()
keep_compiled_programs()
folder = Path(sys.argv[1])
config = pooling.Config(seeds=1, stream_sizes=())
result = record.execute(pooling, config, folder=folder / "units")
record.save(pooling, result, folder)
