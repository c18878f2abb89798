"""Model deployers: Seldon, KServe, and what all have in common whose servers run here."""
