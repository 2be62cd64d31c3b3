"""MAX (MaiCoin) v3 as its documents have it: REST below `/api/v3` and one WebSocket, before `simulators.core`.

exchange, markets, demo         what is listed, the demo key, what the account's past holds
signing, params, refusals, quota use of requests: who asks, with what, how often, and how it is refused
rest, rest_*, calls, answers    the REST half, a group of calls a module
orders, queue, wallet           orders as MAX shows them, their asynchronous acceptance, the M-wallet
socket, actions, client         the WebSocket: connections and what they ask for
pushes, *_pushes, bookfeed, rows
                                what is pushed, when, and to whom
"""
