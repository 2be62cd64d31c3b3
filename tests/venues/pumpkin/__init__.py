"""The client of Pumpkin, at a Pumpkin that does as it is told."""
