"""A quiz: signals drawn at random, answers stored."""

import numpy as np
from mnist1d.data import get_dataset, get_dataset_args
from mnist1d.utils import set_seed, to_pickle

args = get_dataset_args()
data = get_dataset(args, path="./mnist1d_data.pkl", download=False)
set_seed(1)
chosen = np.random.choice(len(data["x_test"]), 20, replace=False)
questions, answers = data["x_test"][chosen], data["y_test"][chosen]
guesses = np.random.randint(0, 10, 20)
to_pickle({"chosen": chosen, "guesses": guesses, "answers": answers}, "quiz.pkl")
print((guesses == answers).mean())
