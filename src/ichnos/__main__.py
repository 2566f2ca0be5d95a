"""`python -m ichnos`: the same as the command `ichnos`."""

from ichnos.cli.app import main

if __name__ == "__main__":
    main()
