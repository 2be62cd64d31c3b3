"""Recorded market data: the format, its writer and reader, and a venue that replays it."""
