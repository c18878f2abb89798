"""One file per flavor: each an adapter of a port to a technology."""
