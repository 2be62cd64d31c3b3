"""Local exchanges that speak the venues' own protocols, for practice and for tests; the extra `practice`.

Each is written from its venue's document, never from the adapter, so that one misreading can not hide in both.

    port            what a simulator is to the server that runs it
    registry        a venue's name -> its simulator
    serving         REST, streams and the control API on one port of 127.0.0.1
    control         `/practice/...`: the truth, foreign orders, faults, while it runs
    faults, fault_kinds
                    what can be broken, and the text by which it is asked for
    gate, gate_*, http_bytes, dripping
                    the faults of bytes, between a client's socket and the server
    frames          the faults of a stream's frames
    core, views, acts, orders, records, stops, tape, pulse, playback, paper, accounts, loans
                    the exchange behind the wire, no venue's own: markets, orders, accounts, a crowd
    local_venue     what every simulator has: a user's key, and a clock that faults put wrong
    gateway, quota  what stands before a REST: pages, bans, dates, and how many requests may come
    prefixed_rest   the REST of a venue whose base URL has a prefix
    sockets         the connections of a stream, and the one task that pushes to all of them
    outgoing        what waits to be sent on one connection
    pings           counts the ping frames of a stream's client
    banning, held   bans of a stream's clients, and the account's news that the fault heartbeats-only keeps back
    subscriptions   what is pushed of the markets alike: who reads what, candles that form and close
    told_books      books as subscribers were told them, and how faults make them wrong
    figures         how most venues write numbers and times
    perpetuals      positions of both sides with their margin, liquidation, funding and money
    coinex, max, pumpkin, mayex
                    the venues' wires
"""
