"""The run engine: from a graph and a pin to a run that has ended, recorded as it goes on."""
