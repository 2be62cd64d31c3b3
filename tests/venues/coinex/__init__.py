"""CoinEx's adapter, its pure half: everything but the wires."""
