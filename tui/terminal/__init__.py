"""The terminal: what Textual reads from the environment, what it writes with, and how all of it is put back.

The entry point plugs it in with five calls, in this order (the first two before Textual is imported):

    from tui.desk.signals import SignalWatch, mask_signals
    from tui.terminal.environment import prepare

    prepare()                                 # environment; raises UnusableTerminal (a click error, exit code 1)
    mask_signals()                            # before any thread starts, so before the engine

    from tui.app import PitsideApp            # imports Textual
    from tui.terminal.attach import attach

    app = PitsideApp(...)
    terminal = attach(app)                    # our writer, the paint gate, only changed characters written
    watch = SignalWatch(
        detach=engine.detach,                 # (signal number) -> Future: the detach policy, on the engine's loop
        exit_ui=terminal.ask_exit,
        force_restore=terminal.force_restore,
        begin_close=engine.begin_stop,        # in time even where the UI never leaves
        is_hung_up=terminal.is_hung_up,
    )
    watch.start()
    app.run(mouse=False)
    watch.ui_finished()                       # the terminal is restored; the engine may close
    engine.stop(policy=None if watch.policy_finished() else "leave")
    return watch.exit_code if watch.exit_code is not None else app.return_code

`terminal.bytes_per_second` is for the status bar, `terminal.redraw()` for a key that repairs a garbled screen.
With another Textual than the pinned one `terminal.is_stock` is true: Textual's own writer and painting stay.
"""
