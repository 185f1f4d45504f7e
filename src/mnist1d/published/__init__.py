"""The implementation of the published interface: of `data`, `transform` and `utils`."""
