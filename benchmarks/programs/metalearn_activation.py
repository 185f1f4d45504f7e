"""One meta-training of the activation and the comparison, without the transfer.

Prints the last objective and test accuracy (%).
"""

from mnist1d.execution import Compute
from mnist1d.experiments.metalearn_activation import method
from mnist1d.experiments.metalearn_activation.config import Config
from mnist1d.harness.interface import silent
from mnist1d.training import keep_compiled_programs, use_all_cores

use_all_cores()
keep_compiled_programs()
config = Config(seeds=1)
result, networks = method._metalearn(config, Compute(), silent)  # noqa: SLF001
method._compare(config, networks, result, silent)  # noqa: SLF001
print(float(result.objective[0, -1]), 100 * float(result.test_accuracy[0, -1]))
