"""One file per flavor, in a folder per tool; `infrastructure.system.packages` lists them."""
