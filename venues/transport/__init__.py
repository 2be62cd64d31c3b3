"""What every venue's adapter stands on. An adapter is its venue's facts; what is true of all of them is here.

A new adapter is a package beside `venues.max`. It knows no other adapter. It writes itself:

    settings        `settings.VenueSettings` with its two addresses
    auth, codes     its signature, and what its codes prove: an OrderError is a proven refusal, all else is not
    limits          its request limits as `ratelimit.Pool`s, and what each call draws from them
    remedies        `remedies.Remedies` with its codes
    figures, wire, parse
                    what its answers and frames say, as `venues.model` and `venues.events`
    connection      `make_http`, `make_streams`, its calls of a stream as `asks.Ask`s
    and its own rules: what a push leaves out, which id names an order, what a miss proves

It takes from here:

    HTTP            `http.HttpClient`: reads that are tried again, commands that never are (`exchange`, `timing`)
    a typed client  begins and ends by `session`; its answers are `models.Model`s, and what it sends is checked by
                    `parameters.Checks`
    nonces          `nonces.KeyNonces`, where the venue wants them to rise over all programs of a user
    two streams     `streams.Streams` makes them alike; each is a `link.Stream`, which comes back by itself; a
                    market on several hosts has more (`connections.Connections.further_stream`)
    the whole       `connections.Connections` opens and closes both and the HTTP, has the outbox and the chip, and
                    sets aside what can not be read; `port_calls.PortCalls` is the port over it, to inherit: the
                    venue adds its name, its capabilities and `subscribe`
    its clock       `clock.ServerClock`; where it is told in whole seconds `timekeeping.SecondsClock`, kept by a
                    `timekeeping.Timekeeper`
    instruments     `listing.InstrumentList`, to inherit: the venue reads, this keeps
    market data     `market_feed.MarketIntake` takes the frames, `books.KeptBooks` breaks and `books.Mending` mends
                    books that the venue lets be proven, `subscriptions.Subscriptions` keeps what is wanted of a
                    stream, `gathering.Gathering` asks for what was wished together,
                    `sifting.sift` finds what of it is refused, and `to_give_up` what is to be left
    polls           `polling.Polls` reads what no stream tells, and `polling.Standby` has the chip say so; a venue
                    whose market feed has no stream is polled alone
    the account     `account_feed.AccountFeed` takes its frames, none of which is ever dropped; `RenewedFeed` is
                    one whose key has an end. `following.Following` reads it in rounds besides, and
                    `freshness.Newest` says whether a read or a push is newer;
                    `perpetual_account.PerpetualAccount`, to inherit, is the whole of one with perpetuals
    positions       `told_positions.ToldPositions` tells them with their liquidation prices, `vanishing.Vanished`
                    finds what is gone of them without an execution
    commands        `sending.Sender`: the journal first, the deadline from the nonce, the remedy behind a refusal;
                    `sending.HttpSender` where they go straight to the HTTP client; `asides.Asides` for what is
                    read beside one; `means.Means` is all that new orders, cancels and sweeps share;
                    `sweeping.Sweeping`, to inherit, cancels many orders of perpetuals,
                    `perpetual_orders.PerpetualOrders` is all the calls about them;
                    `order_checks` is what can be checked of an order of perpetuals,
                    `margin_checks` of a change of a position's margin, and of a leverage
    reads           `signed_reads.SignedReads`, to inherit: the key, and the remedy behind a refusal;
                    `joined_reads.JoinedRead` is one for all who ask at once, where a quota is small;
                    `together.together` is several at once, none of which outlives the failure of another
    orders          `order_memory.NewestOrders` and `order_as_asked`; `ToldOrders` and `ToldOrder`, to inherit,
                    where nothing that is told of orders is numbered or dated
    what is told in part
                    `pursuit.Pursuit` reads on until it is whole; `single_flight.SingleFlight`, and `doubts.Doubts`
                    where a miss concludes nothing, look after an order whose end nobody told;
                    `auditing.AuditRounds` finds what was never told

The figures of a venue (lives, limits, how often, how closely) are arguments. Every adapter is held to the same
contract suite, against a simulator of its own in `venues.simulators`, which shares nothing with this package.
"""
