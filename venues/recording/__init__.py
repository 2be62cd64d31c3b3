"""Recordings of markets: their format, how they are written and read, and a venue that plays one."""
