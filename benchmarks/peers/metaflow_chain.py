"""A chain of trivial steps in Metaflow, on its local store."""

import subprocess
import sys
from pathlib import Path


def source(length: int) -> str:
    steps = "".join(
        f"""
    @step
    def s{n}(self):
        self.value += 1
        self.next(self.{"end" if n == length - 2 else f"s{n + 1}"})
"""
        for n in range(1, length - 1)
    )
    return f"""
from metaflow import FlowSpec, step

class Chain(FlowSpec):
    @step
    def start(self):
        self.value = 0
        self.next(self.{"s1" if length > 2 else "end"})
{steps}
    @step
    def end(self):
        pass

if __name__ == "__main__":
    Chain()
"""


if __name__ == "__main__":
    Path("chain.py").write_text(source(int(sys.argv[1])))
    subprocess.run([sys.executable, "chain.py", "run"], check=True)
