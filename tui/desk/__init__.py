"""The desk: state, orders, guards and the engine thread, free of any user interface."""
