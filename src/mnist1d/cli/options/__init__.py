"""What commands share: options (of any configuration, of the dataset), devices, errors."""
