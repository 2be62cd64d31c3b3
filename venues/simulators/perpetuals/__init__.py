"""What the simulators of perpetual venues have alike: positions of both sides, their margin, and their money.

account     what stands for all of that in the paper exchange
market      the local exchange, which has what follows from an action done before the next one
margin      arithmetic of brackets
positions, wallet
            both sides' positions, and the cash behind them
orders, position_desk, venue
            orders for one side's position; funding and liquidation of positions; the venue around them
funding, ranges, listings, acts, state
            funding times, which prices there were, what is listed, what the control API does and shows

Every venue adds its own rules, words and wire to it.
"""
