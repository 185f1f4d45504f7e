"""Output of commands: tables or JSON on standard output, progress and errors on standard error."""
