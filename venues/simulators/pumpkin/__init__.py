"""Pumpkin's perpetual futures v2 as its document has them: REST below `/futures` and WebSockets, before `core`.

exchange, markets, acts, state  what is listed, the demo key, what the control API does and shows
signing, params, refusals, weights, figures
                                use of requests: who asks, with what, at what weight, and how it is refused
rest, rest_*, calls, rows, past the REST half, a group of calls a module, and the histories in it
margin, positions, wallet       arithmetic of brackets, both sides' positions, and the money behind them
position_desk, funding          leverage, margin, funding and liquidation of positions
orders, tickets, checks         orders with the position that they are for
entrusts                        plan orders, take-profits and stops
account                         what stands for all of that in the paper exchange
socket, actions, client, keys   the WebSockets: connections and what they ask for
pushes, *_pushes, bookfeed, protobuf, pushes.proto
                                what is pushed, when, to whom, and in which form

The matching, the crowd, marks and funding times are the paper perpetuals'; positions and margin are kept here,
since Pumpkin holds long and short positions at once and margins them by brackets.
"""
