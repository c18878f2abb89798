#!/bin/sh
# Runs the same code on two stacks, and shows which run used which.
# Everything is in a temporary folder, which is removed at the end.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
STACKFOLD_HOME=$(mktemp -d)
export STACKFOLD_HOME
trap 'rm -rf "$STACKFOLD_HOME"' EXIT
cd "$STACKFOLD_HOME"
cp "$here/digits.py" .

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

say() {
    printf '\n%s# %s%s\n' "$bold" "$*" "$plain"
}

# Print a command as it would be typed, and run it.
run() {
    typed=
    for word; do
        case $word in
        *' '*) typed="$typed \"$word\"" ;;
        *) typed="$typed $word" ;;
        esac
    done
    printf '%s$%s%s\n' "$bold" "$typed" "$plain"
    "$@"
}

say "Run a pipeline on the default stack"
run stackfold stack list
run python digits.py

say "Register a second stack that stores artifacts in another folder, and activate it"
run stackfold artifact-store register shared --flavor local --path=shared-artifacts -m "a folder for the team"
run stackfold stack register shared -o default -a shared -m "try the shared folder"
run stackfold stack set shared

say "Run the same file again"
run python digits.py

say "Both runs, with the stack and revision that they used"
run stackfold run list
run ls

say "The latest run, with everything it was pinned to"
run stackfold run describe "$(stackfold run list --output tsv --columns name | sed -n 2p)"
