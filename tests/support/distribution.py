"""How tests are distributed to the processes that execute them."""

from xdist.scheduler import LoadFileScheduling


class ByFileButDocuments(LoadFileScheduling):
    """Tests of one file run one after another, but those of documents side by side.

    Each document has an empty folder and a database of its own, and together they take longer than
    all other files that a process would execute meanwhile.
    """

    def _split_scope(self, nodeid: str) -> str:
        if nodeid.startswith("tests/test_documents.py::"):
            return nodeid
        return str(super()._split_scope(nodeid))
