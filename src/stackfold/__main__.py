"""Run the command line as `python -m stackfold`."""

from stackfold.cli.main import main

if __name__ == "__main__":
    main()
