"""The doctor, check by check, on real files, sockets and terminals."""
