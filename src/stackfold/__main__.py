"""Run the command line as `python -m stackfold`."""

import sys

if __name__ == "__main__":
    # As the installed command, it imports nothing from the folder that it is run in.
    if not sys.flags.safe_path:
        del sys.path[0]

    from stackfold.cli.main import main

    main()
