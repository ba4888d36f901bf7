"""The checks of the service as a whole: its life under systemd, sleep, the till, and what it leaves behind."""
import json
import os
import re
import signal
import subprocess
import time

from observers import driver, expect, readers, run, service, short, until

CONFIGURATION = "/etc/loyaltyd/loyaltyd.toml.d/50-lab.toml"
WATCHDOG_SECONDS = 10
# QEMU's own devices, made by others than the emulator's.
QEMU_KEYBOARD = "0627:0001"
QEMU_CARDS = {"keyboard": "2984000000131", "serial": "2984000000148"}


class ServiceChecks:
    """Part of `Lab`, which has the devices and the watch."""

    def confined(self):
        """The sandbox of the unit is in force, not only written down."""
        pid = service("MainPID")
        with open("/proc/%s/status" % pid) as handle:
            status = dict(line.split(":\t", 1) for line in handle.read().splitlines() if ":\t" in line)
        user = run("id", "-u", "loyaltyd").strip()
        expect(status["Uid"].split()[:2] == [user, user], "its user is " + status["Uid"])
        for field, wanted in (("NoNewPrivs", "1"), ("Seccomp", "2"), ("CapEff", "0" * 16), ("CapBnd", "0" * 16)):
            expect(status[field].strip() == wanted, "%s is %s" % (field, status[field]))
        expect(service("DevicePolicy") == "closed", "the device policy is " + service("DevicePolicy"))
        # ProtectClock= adds the clock, to be read.
        devices = set(service("DeviceAllow").splitlines()) - {"", "char-rtc r"}
        expect(devices == {"char-usb_device rw"}, "devices: %s" % devices)

    def reload(self):
        since, pid = self.watch.place, service("MainPID")
        run("systemctl", "reload", "loyaltyd")
        self.await_log("reloaded", pid)
        self.read_together()
        expect(service("MainPID") == pid, "it was started anew")
        expect(not self.watch.since(since, event="gone"), "readers went")

    def bad_reload(self):
        """A file with an error leaves the old settings in force."""
        pid = service("MainPID")
        with open(CONFIGURATION + ".toml", "w") as handle:
            handle.write("[readers]\nbackends = 1\n")
        run("systemctl", "reload", "loyaltyd")
        self.await_log("unknown key", pid)
        os.unlink(CONFIGURATION + ".toml")
        self.read_together()
        expect(service("MainPID") == pid, "it was started anew")

    def await_log(self, text, pid):
        until("%r in the journal" % text, lambda: text in run("journalctl", "_PID=" + pid, "-o", "cat", "--no-pager"))

    def give_back(self):
        """At its end every interface goes back to the kernel's driver."""
        run("systemctl", "stop", "loyaltyd")
        for device in self.devices:
            for number, name in device.expect.get("kernel", {}).items():
                until("%s of %s:%s" % (name, device.name, number),
                      lambda d=device, n=number, k=name: driver(d.path, n) == k, patience=10)
        expect(service("ExecMainStatus") == "0", "exit status " + service("ExecMainStatus"))

    def start_again(self):
        run("systemctl", "start", "loyaltyd")
        self.begin_watch()
        self.all_ready()
        return self.read_together()

    def restart(self):
        run("systemctl", "restart", "loyaltyd")
        self.begin_watch()
        self.all_ready()
        return self.read_together()

    def steady(self):
        """A watchdog that is fed does not bite."""
        pid = service("MainPID")
        expect(service("WatchdogUSec") == "%ds" % WATCHDOG_SECONDS, "the watchdog is " + service("WatchdogUSec"))
        time.sleep(WATCHDOG_SECONDS * 2.5)
        expect(service("MainPID") == pid and service("NRestarts") == "0", "it was restarted")

    def shorten_watchdog(self):
        os.makedirs("/etc/systemd/system/loyaltyd.service.d", exist_ok=True)
        with open("/etc/systemd/system/loyaltyd.service.d/lab.conf", "w") as handle:
            handle.write("[Service]\nWatchdogSec=%d\n" % WATCHDOG_SECONDS)
        run("systemctl", "daemon-reload")
        self.restart()

    def watchdog(self):
        """A daemon that hangs is ended and started anew, and reads on."""
        pid = service("MainPID")
        os.kill(int(pid), signal.SIGSTOP)
        until("another process", lambda: service("MainPID") not in ("0", pid) and service("ActiveState") == "active")
        expect(service("NRestarts") == "1", "restarts: " + service("NRestarts"))
        self.begin_watch()
        self.all_ready()
        return self.read_together()

    # --- QEMU's devices

    def suspend(self):
        """The machine sleeps and wakes. vhci_hcd refuses to sleep, so QEMU's own devices on its xHCI stand in."""
        for device in self.devices:
            device.unplug()
        add = {"execute": "device_add"}
        add["arguments"] = {"driver": "usb-kbd", "id": "lab-kbd", "bus": "xhci.0"}
        since = self.watch.place
        run("labctl", json.dumps(add))
        keyboard = self.watch.wait(since, event="state", state="ready")["reader"]
        ftdi = any(d.usb == "0403:6001" and "settings" in d.expect for d in self.devices)
        serial = None
        if ftdi:
            add["arguments"] = {"driver": "usb-serial", "id": "lab-serial", "bus": "xhci.0", "chardev": "wire"}
            since = self.watch.place
            run("labctl", json.dumps(add))
            serial = self.watch.wait(since, event="state", state="ready")["reader"]
        self.read_from_qemu(keyboard, serial)
        slept = int(run("cat", "/sys/power/suspend_stats/success"))
        run("rtcwake", "-m", "mem", "-s", "3")
        expect(int(run("cat", "/sys/power/suspend_stats/success")) == slept + 1, "it did not sleep")
        until("both readers", lambda: sum(
            row["state"] == "ready" for i, row in readers().items() if i in (keyboard, serial)) == (2 if serial else 1))
        self.read_from_qemu(keyboard, serial)
        return "keyboard" + (" and FTDI" if serial else "")

    def read_from_qemu(self, keyboard, serial):
        for kind, reader, verb, end in (("keyboard", keyboard, "type", "\\n"), ("serial", serial, "wire", "\\r")):
            if not reader:
                continue
            since, keys = self.watch.place, self.keys.count
            run("labctl", verb, QEMU_CARDS[kind] + end)
            event = self.watch.wait(since, reader=reader, event="scan")
            expect(event.get("card") == "…" + QEMU_CARDS[kind][-4:], "the card is " + short(event))
            expect(self.keys.count == keys, "keys reached /dev/input")

    # --- the sale, and what stays

    def sale(self):
        """A till of the group loyaltyd-till sells, and the card that was read earns; another user is kept out."""
        line = json.dumps({
            "v": 1, "type": "sale.complete", "id": "lab-1", "source": "1/1", "time": "2026-11-22T09:30:00+00:00",
            "sale": {"store": "1", "register": "1", "number": "1", "kind": "sale", "state": "completed",
                     "closed_at": "2026-11-22T09:30:00+00:00", "currency": "GBP",
                     "lines": [{"id": "1", "kind": "item", "code": {"value": "A1", "scheme": "sku"}, "qty": "1",
                                "uom": "ea", "amount": "5.00"}],
                     "members": [], "totals": {"grand": "5.00"}}})
        program = ("import socket,sys\ns=socket.socket(socket.AF_UNIX)\ns.connect('/run/loyaltyd/till.sock')\n"
                   "s.sendall(sys.argv[1].encode()+b'\\n')\nprint(s.makefile().readline())")
        outsider = subprocess.run(["runuser", "-u", "nobody", "--", "python3", "-c", program, line],
                                  capture_output=True, text=True)
        expect("PermissionError" in outsider.stderr, "the user nobody reached the till socket")
        answer = json.loads(run("runuser", "-u", "till", "--", "python3", "-c", program, line))
        expect(answer["result"] == "accepted", "the answer is %s" % answer)

    def no_traces(self):
        log = run("journalctl", "-u", "loyaltyd", "-o", "cat", "--no-pager")
        cards = [d.expect["card"] for d in self.devices if d.reads] + list(QEMU_CARDS.values())
        found = [card[-4:] for card in cards if card in log]
        expect(not found, "cards in the journal: %s" % found)
        odd = [line for line in log.splitlines() if re.search("[Ff]ailed to|denied|Operation not permitted|fatal", line)]
        expect(not odd, "the journal has %d lines such as: %s" % (len(odd), odd[:1]))
        kernel = [line for line in run("dmesg").splitlines() if "loyaltyd" in line]
        expect(not kernel, "the kernel says %s" % kernel[:1])
