"""Talk to exchanges: one port, an adapter a venue, and no user interface anywhere below here."""
