"""Mayex as its document has it: linear perpetuals in hedge mode over REST, spot market data, WebSockets.

exchange, markets, acts, state  what is listed, the demo key, what the control API does and shows
signing, params, refusals       use of requests: who asks, with what, and how it is refused
rest, rest_*, calls, rows       the REST half, a group of calls a module, and its rows
tickets, checks, orders         orders, in the book or waiting for their trigger, and the position that each is for
positions                       positions by symbol, side and margin, their leverage and their margin
tokens                          what opens the account's stream
socket, socket_acts, client, actions
                                the WebSockets of both hosts: connections and what they ask for
pushes, *_pushes, bookfeed, candles
                                what is pushed, when and to whom: markets, and the account's news

The matching, the crowd, marks and funding times are the paper perpetuals'; positions, margin and money are those
of `venues.simulators.perpetuals`. What the document leaves open follows the platform that it is a white label of.
"""
