"""What the checks see of the guest: the daemon's words, the kernel's drivers and nodes, and every key that gets through."""
import glob
import grp
import json
import os
import stat
import struct
import subprocess
import threading
import time

import usbip_device

# Software emulation on a busy machine is slow; nothing here waits that long where all is well.
PATIENCE = 40


class Failure(Exception):
    """A check did not hold."""


def expect(condition, message):
    if not condition:
        raise Failure(message)


def run(*command, check=True):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if check and done.returncode != 0:
        raise Failure("%s ended with %d: %s" % (" ".join(command), done.returncode, done.stdout.strip()[-400:]))
    return done.stdout


def until(what, condition, patience=PATIENCE, pause=0.1):
    """Waits for a condition and returns its value."""
    deadline = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure("%s: not within %d s" % (what, patience))
        time.sleep(pause)


class Watch:
    """`loyaltyctl readers watch --json`, as it grows."""

    def __init__(self):
        self.events = []
        self.changed = threading.Condition()
        self.process = subprocess.Popen(
            ["loyaltyctl", "readers", "watch", "--json"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        for line in self.process.stdout:
            with self.changed:
                self.events.append(json.loads(line))
                self.changed.notify_all()

    def await_listening(self):
        """It shows what comes after its first question, and says nothing then: it listens when it has come to rest."""
        used = None
        while self.process.poll() is None:
            with open("/proc/%d/stat" % self.process.pid) as handle:
                now = handle.read().rpartition(")")[2].split()[11:13]
            if now == used and now != ["0", "0"]:
                return
            used = now
            time.sleep(2)
        raise Failure("loyaltyctl readers watch ended with %d" % self.process.returncode)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    @property
    def place(self):
        with self.changed:
            return len(self.events)

    def wait(self, since, patience=PATIENCE, **fields):
        """The first event behind a place that has these fields."""
        def fitting():
            return next((e for e in self.events[since:] if all(e.get(k) == v for k, v in fields.items())), None)
        with self.changed:
            if not self.changed.wait_for(fitting, patience):
                raise Failure("no event %s; there were %s" % (fields, [short(e) for e in self.events[since:]]))
            return fitting()

    def wait_for_one_of(self, since, reader, events, patience=PATIENCE):
        """The first of these events of a reader behind a place."""
        def fitting():
            return next((e for e in self.events[since:] if e["reader"] == reader and e["event"] in events), None)
        with self.changed:
            if not self.changed.wait_for(fitting, patience):
                raise Failure("nothing of %s came; there were %s" % (reader, [short(e) for e in self.events[since:]]))
            return fitting()

    def since(self, place, **fields):
        with self.changed:
            return [e for e in self.events[place:] if all(e.get(k) == v for k, v in fields.items())]


def short(event):
    return " ".join(str(event[k]) for k in ("reader", "event", "state", "problem", "card", "result", "code") if event.get(k))


class Keys:
    """Everything that reaches /dev/input, by the name of the device it comes from."""

    EVENT = struct.Struct("llHHi")
    EV_KEY = 1

    def __init__(self):
        self.pressed = []
        self.nodes = {}
        threading.Thread(target=self._follow, daemon=True).start()

    def _follow(self):
        while True:
            for path in glob.glob("/dev/input/event*"):
                if path not in self.nodes:
                    try:
                        self.nodes[path] = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                    except OSError:
                        pass
            for path, node in list(self.nodes.items()):
                try:
                    data = os.read(node, self.EVENT.size * 64)
                except BlockingIOError:
                    continue
                except OSError:     # unplugged
                    os.close(node)
                    del self.nodes[path]
                    continue
                for _, _, kind, code, value in self.EVENT.iter_unpack(data):
                    if kind == self.EV_KEY and value == 1:
                        self.pressed.append(code)
            time.sleep(0.02)

    @property
    def count(self):
        return len(self.pressed)

    def follows(self, path):
        """Whether all input nodes of a device are open; false where it has none yet."""
        nodes = glob.glob("/sys/bus/usb/devices/%s:*/*/input/input*/event*" % path)
        return bool(nodes) and all("/dev/input/" + os.path.basename(node) in self.nodes for node in nodes)


class LabDevice:
    """One file of Tests/rig/devices, and what it says that should come of it."""

    def __init__(self, path):
        self.emulated = usbip_device.Device.load(path)
        self.spec = self.emulated.spec
        # Keys one behind the other: pauses between them are long enough in an emulated machine.
        self.spec["gap_ms"] = 0
        self.name = self.spec["name"]
        self.expect = self.spec.get("daemon")
        self.vendor, self.product = ("%04x" % usbip_device.number(self.spec[k]) for k in ("vendor", "product"))
        self.path = None

    @property
    def usb(self):
        return self.vendor + ":" + self.product

    @property
    def reads(self):
        return "card" in self.expect

    @property
    def is_absent(self):
        return self.expect.get("state") == "absent"

    @property
    def is_granted(self):
        """Whether the rules give it to the daemon: everything but what is left to the kernel."""
        return self.reads or "kernel" not in self.expect

    @property
    def masked(self):
        return "…" + self.expect["card"][-4:]

    @property
    def interfaces(self):
        return {str(usbip_device.number(interface.get("number", 0))) for interface in self.spec["interfaces"]}

    @property
    def endpoint(self):
        """The key of a step that chooses the endpoint, where the device has several and its steps name one."""
        return {"endpoint": step["endpoint"] for step in self.expect["steps"] if "endpoint" in step}

    @property
    def interface(self):
        return min(map(int, self.expect.get("kernel", {"0": ""})))

    @property
    def reader(self):
        return "usb-%s:%d" % (self.path, self.interface)

    def plug(self):
        """Returns once the kernel shows the device; where it is by then, `path` says."""
        before = set(ports())
        self.emulated.plug()
        self.path = until("%s in /sys" % self.name, lambda: next(iter(set(ports()) - before), None))

    def unplug(self):
        self.emulated.unplug()
        until("%s out of /sys" % self.name, lambda: self.path not in ports())

    def act(self, steps=None):
        for step in steps or self.expect["steps"]:
            self.emulated.step(step)


def ports():
    """Plugged devices, root hubs left out."""
    return [os.path.basename(p) for p in glob.glob("/sys/bus/usb/devices/*-*") if ":" not in os.path.basename(p)]


def attribute(path, name):
    with open("/sys/bus/usb/devices/%s/%s" % (path, name)) as handle:
        return handle.read().strip()


def driver(path, interface):
    link = "/sys/bus/usb/devices/%s:1.%s/driver" % (path, interface)
    return os.path.basename(os.readlink(link)) if os.path.islink(link) else None


def rights(path):
    """`GROUP MODE` of the device node, such as `loyaltyd 660`."""
    node = "/dev/bus/usb/%03d/%03d" % (int(attribute(path, "busnum")), int(attribute(path, "devnum")))
    state = os.stat(node)
    return "%s %o" % (grp.getgrgid(state.st_gid).gr_name, stat.S_IMODE(state.st_mode))


def readers():
    return {reader["id"]: reader for reader in json.loads(run("loyaltyctl", "readers", "list", "--json"))}


def service(name):
    return run("systemctl", "show", "-P", name, "loyaltyd").strip()
