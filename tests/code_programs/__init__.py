"""Programs whose step is `f`; see `domain/test_code_edits.py`."""

from code_programs import (
    cached,
    classes,
    imports,
    imports_inside,
    objects,
    untouched,
    values,
    wrappers,
)

AGAIN = (
    imports.PROGRAMS
    | imports_inside.PROGRAMS
    | objects.PROGRAMS
    | classes.PROGRAMS
    | wrappers.PROGRAMS
    | values.PROGRAMS
)
CACHED = cached.PROGRAMS
READING_NOTHING = untouched.PROGRAMS
