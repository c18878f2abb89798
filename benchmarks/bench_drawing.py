"""What it costs to draw a graph of steps as SVG: CPU, for graphs of several sizes.

Each step takes what one or two of the thirty before it returned. The time contains the layout.
"""

import random
import time

from stackfold.web.drawing.graph import Node, draw_graph

SIZES = {10: 1.0, 50: 5.0, 200: 20.0, 500: 50.0}
"""The number of steps → the milliseconds that are allowed."""
REPEATS = 15


def graph(size: int) -> tuple[list[Node], list[tuple[str, str]]]:
    """Nodes with all that a page shows, and edges; the same in each process."""
    chance = random.Random(size)
    nodes = [
        Node(f"step_{at}", "completed", "0.42 s", "auc 0.9844", f"/runs/train-1?step=step_{at}")
        for at in range(size)
    ]
    edges = [
        (f"step_{chance.randrange(max(0, at - 30), at)}", f"step_{at}")
        for at in range(1, size)
        for _ in range(chance.randint(1, 2))
    ]
    return nodes, edges


def main() -> None:
    print(f"{'steps':>6} {'edges':>6} {'ms CPU':>8} {'allowed':>8} {'kB':>6}")
    for size, allowed in SIZES.items():
        nodes, edges = graph(size)
        taken = []
        for _ in range(REPEATS):
            begun = time.process_time()
            drawing = draw_graph(nodes, edges, label="Steps of train-1")
            taken.append(time.process_time() - begun)
        print(
            f"{size:>6} {len(edges):>6} {1000 * min(taken):>8.2f} {allowed:>8.0f}"
            f" {len(drawing) / 1000:>6.0f}"
        )


if __name__ == "__main__":
    main()
