"""The transport, against real sockets on the loopback."""
