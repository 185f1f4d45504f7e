"""Options of commands: of any configuration, of the dataset, and read without packages."""
