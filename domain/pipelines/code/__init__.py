"""Code: fingerprints of functions, which change when the code that they reach changes.

Start with `fingerprints.py`.
"""

from stackfold.domain.pipelines.code.fingerprints import FORM, CodeFingerprints, Fingerprint
from stackfold.domain.pipelines.code.source_module import Source, Sources

__all__ = ["FORM", "CodeFingerprints", "Fingerprint", "Source", "Sources"]
