"""Pumpkin's perpetual futures v2 as its document has them: REST below `/futures` and WebSockets, before `core`.

exchange, markets, acts, state  what is listed, the demo key, what the control API does and shows
signing, params, refusals, weights, figures
                                use of requests: who asks, with what, at what weight, and how it is refused
rest, rest_*, calls, rows, past the REST half, a group of calls a module, and the histories in it
positions, position_desk        positions by symbol and side, how they are margined, what the user may do to them
orders, tickets, checks         orders with the position that they are for
entrusts                        plan orders, take-profits and stops
socket, actions, client, keys   the WebSockets: connections and what they ask for
pushes, *_pushes, bookfeed, protobuf, pushes.proto
                                what is pushed, when, to whom, and in which form

The matching, the crowd, marks and funding times are the paper perpetuals'; both sides' positions, their margin by
brackets, liquidation and money are those of `venues.simulators.perpetuals`.
"""
