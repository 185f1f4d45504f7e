"""A network from scratch; weights and batches from the global state after generation."""

import numpy as np
from mnist1d.data import get_dataset, get_dataset_args

args = get_dataset_args()
args.num_samples = 1000
data = get_dataset(args, path="net.pkl", download=False, verbose=False)
x, y = data["x"], np.eye(10)[data["y"]]
w1, w2 = np.random.randn(40, 20) * 0.1, np.random.randn(20, 10) * 0.1
losses = []
for _ in range(30):
    batch = np.random.choice(len(x), 50)
    hidden = np.maximum(x[batch] @ w1, 0)
    scores = hidden @ w2
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    losses.append(-np.log((p * y[batch]).sum(axis=1)).mean())
    error = (p - y[batch]) / len(batch)
    w1 -= 0.5 * x[batch].T @ (error @ w2.T * (hidden > 0))
    w2 -= 0.5 * hidden.T @ error
