"""What `pitside doctor` looks at: the machine, the terminal and the profile that a desk would be started on.

Every check is a plain function that is given what it looks at and returns findings. None of them changes anything
on the disk, and none asks for a password.

    findings    what a check returns
    report      findings as text and as JSON
    program     the program itself: versions, locale, what the environment does to it
    settings    the configuration
    files       the folders and files of the profile, and their disk
    records     the journal, and whether a desk is running
    terminal    what the desk would be drawn on, over
      ancestry  what stands between the desk and the person: ssh, mosh, tmux, screen
      latency   how long the terminal takes to answer
    clock       our clock, by the kernel and beside the venues'
    keyring     where the API keys are
    venues      each venue, over
      reach     one address: name, connection, TLS, an answer
    checkup     all of them, in order
"""
