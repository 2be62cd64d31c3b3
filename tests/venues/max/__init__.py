"""The client of MAX, at a MAX that does as it is told."""
