"""Runs a command in a pseudo terminal: pty.py COLUMNSxROWS COMMAND [ARG...]

What is written to standard input is typed there, what the terminal shows comes out of standard output. SIGUSR1 gives it
the size of the environment variable PTY_RESIZE. Ends as the command ends.
"""

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios


def resize(terminal, size):
    columns, rows = (int(n) for n in size.split("x"))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    size, command = sys.argv[1], sys.argv[2:]
    ready_read, ready_write = os.pipe()
    child, terminal = pty.fork()
    if child == 0:
        # Not before the terminal has its size.
        os.read(ready_read, 1)
        os.execvp(command[0], command)
    resize(terminal, size)
    os.write(ready_write, b"x")
    signal.signal(signal.SIGUSR1, lambda *_: resize(terminal, os.environ["PTY_RESIZE"]))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(child, signal.SIGTERM))
    inputs = [terminal, 0]
    while True:
        ready, _, _ = select.select(inputs, [], [])
        if 0 in ready:
            typed = os.read(0, 1024)
            if typed:
                os.write(terminal, typed)
            else:
                inputs.remove(0)
        if terminal in ready:
            try:
                shown = os.read(terminal, 65536)
            except OSError:
                # The last process of the terminal is gone.
                break
            if not shown:
                break
            os.write(1, shown)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    sys.exit(code if code >= 0 else 128 - code)


main()
