"""What stands behind the published interface: `data`, `transform` and `utils`."""
