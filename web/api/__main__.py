"""Prints the OpenAPI document: `python -m stackfold.web.api`."""

import json
import sys

from stackfold.web.api.application import OPERATIONS
from stackfold.web.api.openapi import document

if __name__ == "__main__":
    sys.stdout.write(json.dumps(document(OPERATIONS), indent=2, ensure_ascii=False) + "\n")
