"""pitside: the desk (what a trader knows and may do) and the screens that show it."""
