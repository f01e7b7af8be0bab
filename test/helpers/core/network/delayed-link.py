"""`delayed-link.py MILLISECONDS`: a network namespace, and the only way into it, on which a packet takes so long.

Prints `PID NEAR FAR`: a process in the namespace (/proc/PID/ns/net), the address here, and the one there. All of it lasts
until standard input ends: namespace and devices are held by these two processes alone, so whoever is killed leaves none.
"""

import collections, ctypes, fcntl, ipaddress, os, select, socket, struct, subprocess, sys, time

TUNSETIFF, IFF_TUN, IFF_NO_PI, IFF_TUN_EXCL = 0x400454CA, 0x0001, 0x1000, 0x8000
CLONE_NEWNET = 0x40000000
# Of the networks that are there to test with (RFC 2544), four addresses for each link.
NETWORK = int(ipaddress.ip_address('198.18.0.0'))
LINKS = 1 << 15


def ip(*words):
    subprocess.run(['ip', *words], check=True)


def device(name):
    """Packets that are sent into it are read from the descriptor, and the other way round."""
    tun = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN | IFF_NO_PI | IFF_TUN_EXCL))
    except OSError:
        os.close(tun)
        raise
    return tun


def claim():
    """Two links of one machine have different names, and so different addresses."""
    for number in range(LINKS):
        name = f'fsbtest{number}'
        try:
            return device(name), name, number
        except OSError:
            if not os.path.exists(f'/sys/class/net/{name}'):
                raise
    sys.exit('all links are taken')


def bring_up(name, own, peer):
    ip('address', 'add', own, 'peer', peer, 'dev', name)
    ip('link', 'set', name, 'txqueuelen', '10000', 'up')


def hold(parent, near, far):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f'cannot make a network namespace: {os.strerror(ctypes.get_errno())}')
    ip('link', 'set', 'lo', 'up')
    tun = device('fsbtest')
    bring_up('fsbtest', far, near)
    socket.send_fds(parent, [b'.'], [tun])
    parent.recv(1)


class Way:
    """From one device to the other one: packets, and when they are there."""

    def __init__(self, source, target):
        self.source, self.target, self.packets = source, target, collections.deque()

    def take(self, due):
        try:
            while True:
                self.packets.append((due, os.read(self.source, 65536)))
        except BlockingIOError:
            pass

    def deliver(self, now):
        while self.packets and self.packets[0][0] <= now:
            try:
                os.write(self.target, self.packets.popleft()[1])
            except OSError:
                pass  # A network may lose a packet.


def pump(one, other, delay):
    ways = [Way(one, other), Way(other, one)]
    while True:
        waiting = [way.packets[0][0] for way in ways if way.packets]
        timeout = max(0, min(waiting) - time.monotonic()) if waiting else None
        ready = select.select([0, one, other], [], [], timeout)[0]
        if 0 in ready and os.read(0, 4096) == b'':
            return
        now = time.monotonic()
        for way in ways:
            if way.source in ready:
                way.take(now + delay)
            way.deliver(now)


def main():
    delay = float(sys.argv[1]) / 1000
    near_tun, name, number = claim()
    near, far = (str(ipaddress.ip_address(NETWORK + 4 * number + side)) for side in (1, 2))
    ours, theirs = socket.socketpair()
    holder = os.fork()
    if holder == 0:
        os.close(near_tun)
        ours.close()
        hold(theirs, near, far)
        os._exit(0)
    theirs.close()
    bring_up(name, near, far)
    _, (far_tun,), _, _ = socket.recv_fds(ours, 1, 1)
    os.set_blocking(far_tun, False)
    print(holder, near, far, flush=True)
    pump(near_tun, far_tun, delay)
    ours.close()
    os.waitpid(holder, 0)


main()
