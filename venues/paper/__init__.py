"""The embedded exchange: matching, accounts and a seeded order flow, put behind the port like any venue."""
