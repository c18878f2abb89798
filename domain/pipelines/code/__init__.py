"""Code fingerprints: digests of what a function does, which change when that changes.

Start with `digests.py`.
"""

from stackfold.domain.pipelines.code.fingerprints import FORM, CodeFingerprints, Fingerprint
from stackfold.domain.pipelines.code.source_module import Source, Sources

__all__ = ["FORM", "CodeFingerprints", "Fingerprint", "Source", "Sources"]
