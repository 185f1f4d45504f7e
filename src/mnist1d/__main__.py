"""`python -m mnist1d` is the command `mnist1d`."""

from mnist1d.cli.main import main

if __name__ == "__main__":
    main()
