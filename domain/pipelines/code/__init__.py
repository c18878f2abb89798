"""Code: what a function does, as a digest that changes when that changes."""

from stackfold.domain.pipelines.code.digests import FORM, CodeFingerprints, Fingerprint
from stackfold.domain.pipelines.code.source_module import Source, Sources

__all__ = ["FORM", "CodeFingerprints", "Fingerprint", "Source", "Sources"]
