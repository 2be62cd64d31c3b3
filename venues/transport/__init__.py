"""What a venue's adapter stands on: HTTP with honest outcomes, the venue's clock, nonces, strict JSON."""
