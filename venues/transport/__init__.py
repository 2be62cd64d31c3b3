"""The wires: the only places that open a connection."""
