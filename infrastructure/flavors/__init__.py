"""One file per flavor, in a folder for each tool; the table in `infrastructure.packages` names them all."""
