"""Weeks of a desk's life in minutes: a whole session on four faulty exchanges, in virtual time."""
