"""The paper's CNN on MNIST, some runs: `... RUNS FOLDER`, that of MNIST; prints test accuracies."""

import sys

from mnist1d.execution import Task
from mnist1d.experiments.classification.config import Config
from mnist1d.experiments.classification.method import mnist_trainer
from mnist1d.mnist import load_mnist
from mnist1d.training import keep_compiled_programs, use_all_cores

use_all_cores()
keep_compiled_programs()
train = mnist_trainer(load_mnist(sys.argv[2]), Config(seeds=int(sys.argv[1])))
for _, arrays in train([Task({"model": "CNN"}, {})], None, lambda _: None):
    print(arrays["test_accuracy"][:, -1])
