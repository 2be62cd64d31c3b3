"""CoinEx, spot and margin, by the first version of its protocol: REST below `/v1`, JSON-RPC by WebSocket.

What these modules share with a second version is this name alone; one would stand beside them in `v2/`, with the
same module names.

    auth            the signature of REST calls and of `server.sign`
    limits          the request limits, and what each kind of call draws from them
    codes           what the numbers in an answer prove
    wire, messages  the shapes of REST answers and of WebSocket frames
    figures         text and times of the wire as exact figures
    parse           market data: wire -> `venues.model` and `venues.events`
    parse_orders, parse_stops, parse_fills, parse_account
                    the same for what is ours
    depth           the checksum of a book, and the feed that proves one
    endpoints       the reads as requests
    orders          the commands as requests
    channels        the subscriptions and queries of the WebSocket

Nothing above does any I/O. What runs:

    venue, settings the venue behind the port
    connection      the HTTP client, the two streams, their heartbeat, login and calls
    listing, public the instruments, and the other public reads
    market_feed     the market's stream as events, over
      topics        the subscriptions of a channel, asked for together
      books         the books: proven, broken at once, mended without a storm
      deals         tape and candles: trades each once, and bars that the venue does not stream
    account_feed    the account's stream
    account         what is ours: reads, commands, and the pushes of that stream; what it imports does the work

What every venue does alike is in `venues.transport`.
"""

VENUE = "coinex"
REST_ORIGIN = "https://api.coinex.com"
STREAM_URL = "wss://socket.coinex.com/"
PREFIX = "/v1"
