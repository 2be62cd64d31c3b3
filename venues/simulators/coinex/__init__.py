"""CoinEx v1 as its document has it: REST below `/v1` and JSON-RPC by WebSocket, in front of `simulators.core`.

exchange, markets, quota        what is listed, the demo key, the venue's limits
signing, params, refusals       who asks, with what, and how it is refused
rest, rest_*, calls, answers    the REST half, a group of calls a module
socket, requests, asking, *_methods
                                the methods of the WebSocket
pushes, *_pushes, bookfeed, depth, private, outgoing, client, figures
                                what is pushed, when, and to whom
"""
