"""The explorer: the dataset and the training of models in a browser."""
