"""Ray: a cluster as a place for steps, for a whole run or for single ones."""
