"""The metalearned activation function in plain PyTorch, for a benchmark and a test."""

import torch
from torch.nn import functional


def activation(x, network, noise, scale=0.2):
    """ELU plus a small network, one hidden layer of tanh with noise, of every scalar."""
    weight, bias, output_weight, output_bias = network
    hidden = torch.tanh(functional.linear(x.reshape(-1, 1), weight, bias)) + noise
    output = functional.linear(hidden, output_weight, output_bias)
    return functional.elu(x) + scale * output.reshape(x.shape)


def classify(parameters, f, noise, x):
    """Map signals (n, length) to logits (n, classes)."""
    weight, bias, output_weight, output_bias = parameters
    hidden = f(functional.linear(x, weight, bias)) + noise
    return functional.linear(hidden, output_weight, output_bias)


def train(f, parameters, hidden_noise, x, y, n_steps, batch_size=100, create_graph=True):
    """Train by RMSprop, as the authors' code; `f(step)` is the activation of a step.

    Returns the losses.
    """
    squares = [torch.ones_like(p) for p in parameters]
    losses = []
    for step in range(n_steps):
        start = step * batch_size % len(x)
        rows = slice(start, start + batch_size)
        logits = classify(parameters, f(step), hidden_noise[step], x[rows])
        loss = functional.cross_entropy(logits, y[rows])
        gradient = torch.autograd.grad(loss, parameters, create_graph=create_graph)
        squares = [0.4 * s + 0.6 * g * g for s, g in zip(squares, gradient, strict=True)]
        parameters = [
            p - 0.01 * g / (s.sqrt() + 1e-8)
            for p, g, s in zip(parameters, gradient, squares, strict=True)
        ]
        losses.append(loss)
    return torch.stack(losses), parameters


def meta_gradient(network, parameters, noise, x, y, n_steps, n_objective, batch_size=100):
    """Differentiate the mean of the last losses through the whole training.

    `noise` is (hidden noise, network noise), one row per step. Returns losses, gradient and the
    trained parameters.
    """
    hidden_noise, network_noise = noise

    def f(step):
        return lambda x: activation(x, network, network_noise[step])

    losses, parameters = train(f, parameters, hidden_noise, x, y, n_steps, batch_size)
    gradient = torch.autograd.grad(losses[-n_objective:].mean(), network)
    return losses.detach(), gradient, parameters
