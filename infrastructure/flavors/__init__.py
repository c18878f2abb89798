"""One file per flavor; the table in `infrastructure.flavor_catalogue` names them all."""
