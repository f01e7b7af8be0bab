"""Runs a command on a terminal of its own: python3 terminal.py COMMAND ARG...

Passes its own standard input on as typed keys and prints all that the command draws. At the end it prints one line
of JSON after a NUL byte: the exit code, and whether the terminal is as it was before.
"""
import fcntl, json, os, pty, select, struct, sys, termios

master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
before = termios.tcgetattr(slave)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in (0, 1, 2):
        os.dup2(slave, fd)
    os.close(master)
    os.execvp(sys.argv[1], sys.argv[1:])

print(f"pid {child}", file=sys.stderr, flush=True)
sources = [master, 0]
status = None
while status is None:
    ready, _, _ = select.select(sources, [], [], 0.05)
    if master in ready:
        os.write(1, os.read(master, 65536))
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed:
            os.write(master, typed)
        else:
            sources.remove(0)
    elif master not in ready:
        ended, raw = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(raw) if ended else None
# What it drew between the last look and its end.
while select.select([master], [], [], 0)[0]:
    os.write(1, os.read(master, 65536))
restored = termios.tcgetattr(slave) == before
os.write(1, b"\0" + json.dumps({"code": status, "restored": restored}).encode() + b"\n")
