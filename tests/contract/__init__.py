"""What every venue has to do, by its port alone. A new venue joins by its name in `venues.registry`."""
