"""One file per flavor, in a folder per tool; the table in `infrastructure.system.packages` names them."""
