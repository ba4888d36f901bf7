#!/usr/bin/env python3
"""Emulated USB devices for tests, spoken over USB/IP.

A device is described by a JSON file (see README.md for the keys) and is given
to the kernel's vhci_hcd driver in one of two ways:

    usbip_device.py attach DEVICE.json...  [options]
        on a machine with that module: hands one end of a socket pair to vhci_hcd directly, so
        that neither a network nor the usbip tool is needed

    usbip_device.py serve DEVICE.json...  [--listen 127.0.0.1:3240] [options]
        a USB/IP server for `usbip list` and `usbip attach`; bus ids are 1-1,
        1-2, ... in the order of the files; with a path instead of an address
        it listens on a unix socket, for umockusb

    usbip_device.py send SOCKET STEP...
        passes steps (JSON objects) to a running emulator and prints its
        replies, one JSON object a line

Options: --control SOCKET  accept steps on this unix socket
         --log FILE        append everything that the host does as JSON lines
         --no-script       do not run the "script" of the description
         --exit-after      leave when every script has ended

It is also a module: Device.load(path), device.plug(), device.step({...}),
device.log.  Only the standard library is used.
"""
import json
import os
import socket
import struct
import sys
import threading
import time
from collections import deque

# --- constants of USB, HID, CDC and USB/IP ----------------------------------

SPEEDS = {"low": 1, "full": 2, "high": 3, "super": 5}
TRANSFER_TYPES = {"control": 0, "isochronous": 1, "bulk": 2, "interrupt": 3}

DT_DEVICE, DT_CONFIG, DT_STRING, DT_INTERFACE, DT_ENDPOINT = 1, 2, 3, 4, 5
DT_HID, DT_REPORT = 0x21, 0x22

EPIPE, EOVERFLOW, ECONNRESET = 32, 75, 104

CMD_SUBMIT, CMD_UNLINK, RET_SUBMIT, RET_UNLINK = 1, 2, 3, 4
BUS_RESET = 5                   # ours, to umockusb alone: somebody resets the device
OP_VERSION = 0x0111
OP_REQ_DEVLIST, OP_REP_DEVLIST = 0x8005, 0x0005
OP_REQ_IMPORT, OP_REP_IMPORT = 0x8003, 0x0003

HEADER = struct.Struct(">IIIII")          # command, seqnum, devid, direction, ep
SUBMIT = struct.Struct(">IiiiI8s")        # flags, length, frame, packets, interval, setup
RESULT = struct.Struct(">iiiii8x")        # status, length, frame, packets, errors
SETUP = struct.Struct("<BBHHH")
OP_HEADER = struct.Struct(">HHI")

VHCI = "/sys/devices/platform/vhci_hcd.0"
PORT_FREE = 4

# Boot keyboard, US layout: character -> (usage, shift)
KEYMAP = {chr(ord("a") + i): (4 + i, False) for i in range(26)}
KEYMAP.update({chr(ord("A") + i): (4 + i, True) for i in range(26)})
for _i, (_plain, _shifted) in enumerate(zip("1234567890", "!@#$%^&*()")):
    KEYMAP[_plain], KEYMAP[_shifted] = (0x1E + _i, False), (0x1E + _i, True)
for _usage, _plain, _shifted in (
    (0x2D, "-", "_"), (0x2E, "=", "+"), (0x2F, "[", "{"), (0x30, "]", "}"), (0x31, "\\", "|"),
    (0x33, ";", ":"), (0x34, "'", '"'), (0x35, "`", "~"), (0x36, ",", "<"), (0x37, ".", ">"),
    (0x38, "/", "?"),
):
    KEYMAP[_plain], KEYMAP[_shifted] = (_usage, False), (_usage, True)
KEYMAP.update({"\n": (0x28, False), "\t": (0x2B, False), " ": (0x2C, False)})


def number(value):
    """JSON has no hex numbers, so "0x81" is accepted wherever 129 is."""
    return int(value, 0) if isinstance(value, str) else int(value)


def unhex(text):
    """Hex with free spacing; a list of lines is joined, '#' starts a comment."""
    lines = text if isinstance(text, list) else [text]
    return bytes.fromhex(" ".join(line.split("#", 1)[0] for line in lines))


def track_bits(text, number):
    """A track as the head reads it (ISO/IEC 7811-2): data bits, least significant
    first, odd parity, LRC at the end, clocking bits around; packed from bit 0 on."""
    if not text:
        return b""
    width, zero = (6, 0x20) if number == 1 else (4, 0x30)
    codes = [ord(character) - zero for character in text.replace("+", ";")]
    if any(not 0 <= code < 1 << width for code in codes):
        raise ValueError("the track has no such character")
    check = 0
    for code in codes:
        check ^= code
    bits = [0] * 12
    for code in codes + [check]:
        character = [code >> bit & 1 for bit in range(width)]
        bits += character + [1 - sum(character) % 2]
    bits += [0] * (8 + -len(bits) % 8)
    return bytes(sum(bits[start + bit] << bit for bit in range(8)) for start in range(0, len(bits), 8))


class Stall(Exception):
    """The request is answered with a STALL handshake."""


class Hang(Exception):
    """The request is never answered."""


class Endpoint:
    def __init__(self, spec, interface):
        self.address = number(spec["address"])
        self.type = TRANSFER_TYPES[spec.get("type", "interrupt")]
        self.max_packet = number(spec.get("max_packet", 8))
        self.interval = number(spec.get("interval", 10))
        self.interface = interface
        self.halted = False
        self.packets = deque()      # what the device has to say, packet by packet
        self.pending = deque()      # [seqnum, wanted length, bytes so far]
        self.most_pending = 0       # transfers that the host kept waiting at once
        self.errors = deque()       # statuses for the next transfers
        self.left_at = []           # when each packet left

    def descriptor(self):
        return struct.pack("<BBBBHB", 7, DT_ENDPOINT, self.address, self.type,
                           self.max_packet, self.interval)

    def forget(self):
        self.halted = False
        self.packets.clear()
        self.pending.clear()
        self.most_pending = 0
        self.errors.clear()
        self.left_at.clear()


class Device:
    """One emulated device: its descriptors, its state and its link to a host."""

    def __init__(self, spec, log_path=None):
        self.spec = spec
        self.name = spec.get("name", "device")
        self.busid = None           # set by Server
        self.present = True
        self.speed = SPEEDS[spec.get("speed", "full")]
        self.strings = list(filter(None, spec.get("strings", {}).values()))
        self.truncate = dict(spec.get("truncate", {}))
        self.endpoints = {}
        for interface in spec["interfaces"]:
            for endpoint in interface.get("endpoints", []):
                endpoint = Endpoint(endpoint, number(interface.get("number", 0)))
                self.endpoints[endpoint.address] = endpoint
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.log = []
        self.log_file = open(log_path, "a", buffering=1) if log_path else None
        self.started = time.monotonic()
        self.link = None
        self.port = None
        self.mute = False
        self.armed_by = spec.get("armed_by")    # silent until the host has sent this
        self.armed = False
        self.stalled_requests = set(spec.get("stall_requests", []))
        self.reset()

    @classmethod
    def load(cls, path, **options):
        with open(path) as handle:
            return cls(json.load(handle), **options)

    def reset(self):
        self.configuration = 0
        self.armed = False
        self.idle = {}
        self.protocol = {}
        self.line_coding = bytes.fromhex("80250000000008")
        self.features = {
            (number(i.get("number", 0)), number(kind_id.split(":")[1]), kind_id.split(":")[0]): unhex(data)
            for i in self.spec["interfaces"] for kind_id, data in i.get("reports", {}).items()
        }
        for endpoint in self.endpoints.values():
            endpoint.forget()

    # --- log ----------------------------------------------------------------

    def note(self, event, **details):
        entry = {"t": round(time.monotonic() - self.started, 3), "device": self.name, "event": event}
        entry.update(details)
        with self.lock:
            self.log.append(entry)
            if self.log_file:
                self.log_file.write(json.dumps(entry) + "\n")
            self.changed.notify_all()

    # --- descriptors --------------------------------------------------------

    def string_index(self, key):
        text = self.spec.get("strings", {}).get(key)
        return self.strings.index(text) + 1 if text else 0

    def device_descriptor(self):
        override = self.spec.get("raw", {}).get("device")
        if override:
            return unhex(override)
        s = self.spec
        return struct.pack(
            "<BBHBBBBHHHBBBB", 18, DT_DEVICE, number(s.get("usb", 0x0200)), number(s.get("class", 0)),
            number(s.get("subclass", 0)), number(s.get("protocol", 0)), number(s.get("max_packet0", 64)),
            number(s["vendor"]), number(s["product"]), number(s.get("release", 0x0100)),
            self.string_index("manufacturer"), self.string_index("product"), self.string_index("serial"), 1)

    def report_descriptor(self, interface):
        return unhex(interface["hid"]["report_descriptor"])

    def hid_descriptor(self, interface):
        hid = interface["hid"]
        length = number(hid.get("declared_length", len(self.report_descriptor(interface))))
        return struct.pack("<BBHBBBH", 9, DT_HID, number(hid.get("version", 0x0111)),
                           number(hid.get("country", 0)), 1, DT_REPORT, length)

    def config_descriptor(self):
        override = self.spec.get("raw", {}).get("config")
        if override:
            return unhex(override)
        body = unhex(self.spec.get("associations", ""))
        for interface in self.spec["interfaces"]:
            endpoints = interface.get("endpoints", [])
            body += struct.pack(
                "<BBBBBBBBB", 9, DT_INTERFACE, number(interface.get("number", 0)),
                number(interface.get("alternate", 0)), len(endpoints), number(interface.get("class", 3)),
                number(interface.get("subclass", 0)), number(interface.get("protocol", 0)), 0)
            body += unhex(interface.get("extra", ""))
            if "hid" in interface:
                body += self.hid_descriptor(interface)
            for endpoint in endpoints:
                body += self.endpoints[number(endpoint["address"])].descriptor()
        config = self.spec.get("configuration", {})
        numbers = {number(i.get("number", 0)) for i in self.spec["interfaces"]}
        return struct.pack("<BBHBBBBB", 9, DT_CONFIG, 9 + len(body), len(numbers),
                           number(config.get("value", 1)), 0, number(config.get("attributes", 0x80)),
                           number(config.get("max_power_ma", 100)) // 2) + body

    def string_descriptor(self, index):
        if index == 0:
            return bytes((4, DT_STRING, 0x09, 0x04))
        if index > len(self.strings):
            raise Stall
        text = self.strings[index - 1].encode("utf-16-le")[:252]
        return bytes((2 + len(text), DT_STRING)) + text

    def interface_spec(self, value):
        for interface in self.spec["interfaces"]:
            if number(interface.get("number", 0)) == value:
                return interface
        raise Stall

    def descriptor(self, kind, index, windex):
        if kind == DT_DEVICE:
            data = self.device_descriptor()
        elif kind == DT_CONFIG and index == 0:
            data = self.config_descriptor()
        elif kind == DT_STRING:
            data = self.string_descriptor(index)
        elif kind in (DT_HID, DT_REPORT) and "hid" in self.interface_spec(windex):
            interface = self.interface_spec(windex)
            data = self.hid_descriptor(interface) if kind == DT_HID else self.report_descriptor(interface)
        else:
            raise Stall
        name = {DT_DEVICE: "device", DT_CONFIG: "config", DT_STRING: "string",
                DT_HID: "hid", DT_REPORT: "report"}[kind]
        return data[:number(self.truncate[name])] if name in self.truncate else data

    # --- control transfers ----------------------------------------------------

    REQUESTS = {
        (0x00, 0): "get_status", (0x00, 1): "clear_feature", (0x00, 3): "set_feature",
        (0x00, 6): "get_descriptor", (0x00, 8): "get_configuration", (0x00, 9): "set_configuration",
        (0x00, 10): "get_interface", (0x00, 11): "set_interface",
        (0x20, 1): "get_report", (0x20, 2): "get_idle", (0x20, 3): "get_protocol",
        (0x20, 9): "set_report", (0x20, 10): "set_idle", (0x20, 11): "set_protocol",
        (0x20, 0x20): "set_line_coding", (0x20, 0x21): "get_line_coding",
        (0x20, 0x22): "set_control_line_state", (0x20, 0x23): "send_break",
    }
    REPORT_TYPES = {1: "input", 2: "output", 3: "feature"}

    def control(self, setup, data):
        """Answers one control transfer: the bytes of the IN stage, or b""."""
        kind, request, value, index, length = SETUP.unpack(setup)
        name = self.REQUESTS.get((kind & 0x60, request))
        if self.mute or (name and "hang:" + name in self.stalled_requests):
            self.note("hung", request=name or "0x%02x" % request)
            raise Hang
        for rule in self.spec.get("control", []):
            pattern = rule["setup"].replace(" ", "").lower()
            if all(p in ("?", c) for p, c in zip(pattern, setup.hex())):
                self.note("vendor", setup=setup.hex(), data=data.hex())
                self.arm(setup.hex())
                if rule.get("stall"):
                    raise Stall
                return unhex(rule.get("reply", ""))[:length]
        if name is None or name in self.stalled_requests:
            self.note("stalled", request=name or "unknown", setup=setup.hex(), data=data.hex())
            raise Stall
        return getattr(self, "on_" + name)(kind, value, index, data)[:length]

    def on_get_status(self, kind, value, index, data):
        if kind & 0x1F == 2:
            return struct.pack("<H", int(self.endpoint(index).halted))
        return b"\0\0"

    def endpoint(self, address):
        if address in self.endpoints:
            return self.endpoints[address]
        raise Stall

    def on_clear_feature(self, kind, value, index, data):
        if kind & 0x1F == 2 and value == 0 and index & 0x7F:
            self.endpoint(index).halted = False
            self.note("clear_halt", endpoint="0x%02x" % index)
        return b""

    def on_set_feature(self, kind, value, index, data):
        if kind & 0x1F == 2 and value == 0:
            self.endpoint(index).halted = True
        return b""

    def on_get_descriptor(self, kind, value, index, data):
        return self.descriptor(value >> 8, value & 0xFF, index)

    def on_get_configuration(self, kind, value, index, data):
        return bytes((self.configuration,))

    def on_set_configuration(self, kind, value, index, data):
        self.configuration = value & 0xFF
        for endpoint in self.endpoints.values():
            endpoint.halted = False
        self.note("set_configuration", value=value)
        return b""

    def on_get_interface(self, kind, value, index, data):
        return b"\0"

    def on_set_interface(self, kind, value, index, data):
        self.note("set_interface", interface=index, alternate=value)
        return b""

    def on_get_report(self, kind, value, index, data):
        which = self.REPORT_TYPES.get(value >> 8, "?")
        self.note("get_report", interface=index, type=which, id=value & 0xFF)
        try:
            return self.features[index, value & 0xFF, which]
        except KeyError:
            raise Stall from None

    def on_set_report(self, kind, value, index, data):
        which = self.REPORT_TYPES.get(value >> 8, "?")
        self.features[index, value & 0xFF, which] = data
        self.note("set_report", interface=index, type=which, id=value & 0xFF, data=data.hex())
        self.arm(data.hex())
        return b""

    def on_get_idle(self, kind, value, index, data):
        return bytes((self.idle.get(index, 0),))

    def on_set_idle(self, kind, value, index, data):
        self.idle[index] = value >> 8
        self.note("set_idle", interface=index, value=value >> 8)
        return b""

    def on_get_protocol(self, kind, value, index, data):
        return bytes((self.protocol.get(index, 1),))

    def on_set_protocol(self, kind, value, index, data):
        self.protocol[index] = value
        self.note("set_protocol", interface=index, value=value)
        return b""

    def on_set_line_coding(self, kind, value, index, data):
        self.line_coding = data
        rate, stop, parity, bits = struct.unpack("<IBBB", data[:7].ljust(7, b"\0"))
        self.note("set_line_coding", rate=rate, stop=stop, parity=parity, bits=bits)
        return b""

    def on_get_line_coding(self, kind, value, index, data):
        return self.line_coding

    def on_set_control_line_state(self, kind, value, index, data):
        self.note("set_control_line_state", dtr=value & 1, rts=value >> 1 & 1)
        self.arm("dtr" if value & 1 else "")
        return b""

    def on_send_break(self, kind, value, index, data):
        self.note("send_break", value=value)
        return b""

    # --- transfers ------------------------------------------------------------

    def submit(self, seqnum, direction, number_, length, setup, data):
        with self.lock:
            if number_ == 0:
                try:
                    reply = self.control(setup, data)
                    self.finish(seqnum, 0, reply if direction else b"", None if direction else len(data))
                except Stall:
                    self.finish(seqnum, -EPIPE)
                except Hang:
                    self.endpoints.setdefault(0, Endpoint({"address": 0}, 0)).pending.append([seqnum, 0, b""])
                return
            endpoint = self.endpoints.get(number_ | (0x80 if direction else 0))
            if endpoint is None or endpoint.halted:
                self.finish(seqnum, -EPIPE)
            elif direction:
                endpoint.pending.append([seqnum, length, b""])
                endpoint.most_pending = max(endpoint.most_pending, len(endpoint.pending))
                self.changed.notify_all()
                self.pump(endpoint)
            else:
                event = "output_report" if "hid" in self.interface_spec(endpoint.interface) else "bulk_out"
                self.note(event, endpoint="0x%02x" % endpoint.address, data=data.hex())
                self.arm(data.hex())
                self.finish(seqnum, 0, actual=len(data))

    def arm(self, what):
        """Some scanners send nothing until the host has switched them on."""
        if self.armed_by and what.startswith(self.armed_by):
            self.armed = True

    def pump(self, endpoint):
        """Matches waiting transfers with waiting packets, as a bus would:
        a transfer ends with a short packet or when it is full, and a packet
        that does not fit is babble."""
        while endpoint.pending:
            seqnum, wanted, got = endpoint.pending[0]
            if endpoint.halted:
                status, data = -EPIPE, got
            elif endpoint.errors:
                status, data = endpoint.errors.popleft(), got
            elif endpoint.packets:
                packet = endpoint.packets.popleft()
                if len(packet) <= endpoint.max_packet:
                    endpoint.left_at.append(time.monotonic())
                data = got + packet
                if len(packet) > endpoint.max_packet or len(data) > wanted:
                    status, data = -EOVERFLOW, data[:wanted]
                elif len(packet) == endpoint.max_packet and len(data) < wanted:
                    endpoint.pending[0][2] = data
                    continue
                else:
                    status = 0
            else:
                return
            endpoint.pending.popleft()
            self.finish(seqnum, status, data)

    def unlink(self, seqnum, victim):
        with self.lock:
            status = 0
            for endpoint in self.endpoints.values():
                for waiting in endpoint.pending:
                    if waiting[0] == victim:
                        endpoint.pending.remove(waiting)
                        status = -ECONNRESET
                        break
            self.reply(HEADER.pack(RET_UNLINK, seqnum, 0, 0, 0) + RESULT.pack(status, 0, 0, 0, 0))
            self.changed.notify_all()

    def finish(self, seqnum, status, data=b"", actual=None):
        actual = len(data) if actual is None else actual
        self.reply(HEADER.pack(RET_SUBMIT, seqnum, 0, 0, 0) +
                   RESULT.pack(status, actual, 0, 0, 0) + data)

    def reply(self, message):
        try:
            if self.link:
                self.link.sendall(message)
        except OSError:
            pass

    def host_loop(self, link):
        """Serves one imported connection until the host or the cable goes."""
        with self.lock:
            self.reset()
            self.link = link
        self.note("attached")
        try:
            while True:
                head = receive(link, 48)
                command, seqnum, _, direction, number_ = HEADER.unpack_from(head)
                if command == CMD_SUBMIT:
                    _, length, _, _, _, setup = SUBMIT.unpack_from(head, HEADER.size)
                    data = b"" if direction or length <= 0 else receive(link, length)
                    self.submit(seqnum, direction, number_, length, setup, data)
                elif command == CMD_UNLINK:
                    self.unlink(seqnum, struct.unpack_from(">I", head, HEADER.size)[0])
                else:
                    self.note("protocol_error", command=command)
                    return
        except (OSError, EOFError):
            pass
        finally:
            with self.lock:
                if self.link is link:
                    self.link = None
                    self.reset()
            link.close()
            self.note("detached")

    # --- the cable --------------------------------------------------------------

    def plug(self):
        """Gives the device to this kernel's vhci_hcd; one that is served over
        TCP only becomes importable again."""
        self.present = True
        if self.busid:
            return
        self.port = port = free_port(self.speed, self.port)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        threading.Thread(target=self.host_loop, args=(ours,), daemon=True).start()
        with theirs, open(VHCI + "/attach", "w") as handle:
            handle.write("%d %d %d %d" % (port, theirs.fileno(), 1 << 16 | port + 2, self.speed))

    def unplug(self):
        with self.lock:
            self.present = False
            link, self.link = self.link, None
            self.reset()
        if link:
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    # --- what a test makes it do --------------------------------------------------

    def input_endpoint(self, step):
        if "endpoint" in step:
            return self.endpoints[number(step["endpoint"])]
        inputs = [e for e in self.endpoints.values() if e.address & 0x80]
        if not inputs:
            raise ValueError("no IN endpoint")
        # A serial port sends its bytes in bulk, and notifications beside them.
        return next((e for e in inputs if e.type == TRANSFER_TYPES["bulk"]), inputs[0])

    def send(self, endpoint, data, split=True):
        """Queues one report; longer ones go out packet by packet."""
        size = endpoint.max_packet if split else max(len(data), 1)
        with self.lock:
            if self.armed_by and not self.armed:
                self.note("not_armed")
                return
            for start in range(0, max(len(data), 1), size):
                endpoint.packets.append(data[start:start + size])
            self.pump(endpoint)

    def wait_for(self, condition, timeout):
        """poll: the host waits for input.
        polls: the host waits with several transfers at once, as loyaltyd does and the kernel's keyboard driver does not.
        sent: every report has left the device.  taken: the host has taken all
        that was sent, for it waits with as many transfers as before.  configured: SET_CONFIGURATION was seen.  Or any event of the log."""
        def true():
            polled = any(e.pending for e in self.endpoints.values() if e.address & 0x80)
            if condition == "poll":
                return polled
            if condition == "polls":
                return any(len(e.pending) > 1 for e in self.endpoints.values() if e.address & 0x80)
            if condition == "sent":
                return all(not e.packets for e in self.endpoints.values())
            if condition == "taken":
                inputs = [e for e in self.endpoints.values() if e.address & 0x80 and e.most_pending]
                return bool(inputs) and all(not e.packets and len(e.pending) == e.most_pending for e in inputs)
            if condition == "configured":
                return self.configuration != 0
            return any(entry["event"] == condition for entry in self.log)
        with self.changed:
            if not self.changed.wait_for(true, timeout):
                raise TimeoutError("no %s within %gs" % (condition, timeout))

    def step(self, step):
        """Carries out one step of a script; returns what the step asks for."""
        if "after_ms" in step:
            time.sleep(step["after_ms"] / 1000)
        if "wait_for" in step:
            self.wait_for(step["wait_for"], step.get("timeout_ms", 30000) / 1000)
        if "in" in step:
            self.send(self.input_endpoint(step), unhex(step["in"]), step.get("split", True))
        if "type" in step:
            gap = step.get("gap_ms", self.spec.get("gap_ms", 2)) / 1000
            for report in key_reports(step["type"], self.spec.get("report_id")):
                self.send(self.input_endpoint(step), report)
                time.sleep(gap)
        for report in self.reports(step):
            self.send(self.input_endpoint(step), report)
        if "stall_request" in step:
            self.stalled_requests.add(step["stall_request"])
        if "fault" in step:
            self.fault(step)
        if step.get("unplug"):
            self.unplug()
        if step.get("plug"):
            self.plug()
        if step.get("clear_log"):
            with self.lock:
                self.log.clear()
        return {"log": list(self.log)} if step.get("log") else {"ok": True}

    def fault(self, step):
        kind, endpoint = step["fault"], self.input_endpoint(step)
        with self.lock:
            if kind == "stall":
                endpoint.halted = True
            elif kind == "babble":
                # One packet, too long for the endpoint and for the transfer.
                endpoint.packets.append(b"\xA5" * step.get("bytes", endpoint.max_packet * 2 + 1))
            elif kind == "error":
                endpoint.errors.append(step.get("status", -71))     # -EPROTO
            elif kind == "mute":
                self.mute = step.get("on", True)
            elif kind == "reset":
                # A port reset that somebody else asked for: the device forgets what it was told.
                link = self.link
                self.reset()
                self.configuration = 1
                if link:
                    self.reply(HEADER.pack(BUS_RESET, 0, 0, 0, 0) + RESULT.pack(0, 0, 0, 0, 0))
            elif kind == "broken_link":
                # The cable goes in the middle of a report: the header of an
                # answer promises data of which only the first half follows.
                half = unhex(step.get("data", "0000040000000000"))
                if endpoint.pending:
                    seqnum = endpoint.pending.popleft()[0]
                    self.reply(HEADER.pack(RET_SUBMIT, seqnum, 0, 0, 0) +
                               RESULT.pack(0, len(half), 0, 0, 0) + half[:len(half) // 2])
                self.unplug()
            else:
                raise ValueError("no fault " + kind)
            self.pump(endpoint)

    def reports(self, step):
        """The reports, or pieces of a serial stream, of a step that says what is read."""
        if "text" in step:
            data = step["text"].encode("latin-1")
            status = unhex(self.spec.get("packet_status", ""))     # FTDI: in front of each packet
            if not status:
                return [data]
            room = self.input_endpoint(step).max_packet - len(status)
            return [status + data[start:start + room] for start in range(0, len(data), room)]
        if "scan" in step:
            form = self.spec["scanner"].get("form", "hid_pos")
            return getattr(self, form + "_reports")(step["scan"].encode("latin-1"), step)
        if "swipe" in step:
            return [self.swipe_report(step["swipe"])]
        return []

    def ibm_oem_reports(self, data, step):
        """Length, status 10 03 00, data, trailer; long codes go on in further reports."""
        size = self.spec["scanner"]["size"]
        trailer = {13: b"\x16", 12: b"\x0d", 8: b"\x0c"}.get(len(data), b"\x00\x18\x0b") \
            if data.isdigit() else b"\x00\x18\x0b"
        data, room = data + trailer, size - 4
        return [(bytes((4 + len(part), 0x10, 3, 0)) + part).ljust(size, b"\0")
                for part in (data[start:start + room] for start in range(0, len(data), room))]

    def snapi_reports(self, data, step):
        """Packets of 26 characters: how many, which, length, code type."""
        kind = {13: 11, 12: 8, 8: 10}.get(len(data), 3) if data.isdigit() else 28
        parts = [data[start:start + 26] for start in range(0, len(data), 26)]
        return [(bytes((0x22, len(parts), index, len(part))) + struct.pack("<H", kind) + part).ljust(32, b"\0")
                for index, part in enumerate(parts)]

    def length_data_reports(self, data, step):
        """Length and data; a full report is followed by another."""
        size = self.spec["scanner"]["size"]
        data, room = data + b"\r", size - 1
        return [(bytes((len(part),)) + part).ljust(size, b"\0")
                for part in (data[start:start + room] for start in range(0, len(data), room))]

    def hid_pos_reports(self, data, step):
        """Usage page 0x8C; "scanner" in the description says where the fields are. A code that is longer than a
        report sets "data continued" in all but the last."""
        layout = self.spec["scanner"]
        room = layout.get("data_end", layout["size"]) - layout["data_at"]
        parts = [data[start:start + room] for start in range(0, len(data), room)] or [b""]
        if len(parts) > 1 and "continued_at" not in layout:
            raise ValueError("the code is longer than the report")
        reports = []
        for number_, part in enumerate(parts, 1):
            report = bytearray(self.scan_report(step, part))
            if number_ < len(parts):
                report[layout["continued_at"]] |= 1
            reports.append(bytes(report))
        return reports

    def scan_report(self, step, data):
        layout = self.spec["scanner"]
        report = bytearray(layout["size"])
        if "report_id" in layout:
            report[0] = layout["report_id"]
        if "length_at" in layout:
            report[layout["length_at"]] = len(data)
        aim = step.get("aim", "]E0").encode("latin-1")
        if "symbology_at" in layout:
            report[layout["symbology_at"]:layout["symbology_at"] + 3] = aim[:3].ljust(3, b"\0")
        report[layout["data_at"]:layout["data_at"] + len(data)] = data
        return bytes(report)

    def swipe_report(self, tracks):
        """An input report of a magnetic stripe reader; "msr" in the description
        says where the fields are, and whether they hold characters or the bits."""
        layout = self.spec["msr"]
        if layout.get("form") == "idtech":
            return self.idtech_report(tracks)
        report = bytearray(layout["size"])
        for offset, data in layout.get("fixed", {}).items():
            report[number(offset):number(offset) + len(unhex(data))] = unhex(data)
        if "report_id" in layout:
            report[0] = layout["report_id"]
        for track_number, (place, track) in enumerate(zip(layout["tracks"], tracks), 1):
            data = (track or "").encode("latin-1")
            if layout.get("encoding") == "bits":
                data = track_bits(track, track_number)
            if len(data) > place["room"]:
                raise ValueError("the track is longer than its field")
            for spot in [place] + place.get("also", []):
                report[spot["length_at"]] = len(data)
                report[spot["data_at"]:spot["data_at"] + len(data)] = data
        return bytes(report)

    def idtech_report(self, tracks):
        """ID TECH's own form: status and length of each track, encode type, whole length, the tracks in a row."""
        data = [(track or "").encode("latin-1") for track in tracks]
        head = bytes(3) + bytes(len(track) for track in data) + b"\x04" + struct.pack("<H", sum(map(len, data)))
        return (head + b"".join(data)).ljust(self.spec["msr"]["size"], b"\0")

    def run_script(self):
        try:
            for step in self.spec.get("script", []):
                self.step(step)
            self.note("script_done")
        except (TimeoutError, ValueError, OSError) as problem:
            self.note("script_failed", problem=str(problem))


def key_reports(text, report_id=None):
    """Press and release of each character as boot keyboard reports."""
    prefix = b"" if report_id is None else bytes((number(report_id),))
    for char in text:
        if char not in KEYMAP:
            raise ValueError("no key for %r" % char)
        usage, shift = KEYMAP[char]
        yield prefix + bytes((2 if shift else 0, 0, usage, 0, 0, 0, 0, 0))
        yield prefix + bytes(8)


def receive(link, length):
    data = bytearray()
    while len(data) < length:
        chunk = link.recv(length - len(data))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def free_port(speed, wanted=None):
    """A port of vhci_hcd; the wanted one, which the kernel may still be clearing
    after an unplug, so that a device comes back where it was."""
    if not os.path.exists(VHCI):
        os.system("modprobe vhci_hcd")
    hub = "ss" if speed >= SPEEDS["super"] else "hs"
    for attempt in range(100):
        rows = []
        for name in sorted(os.listdir(VHCI)):       # a file for each controller, 15 ports of each kind
            if name.startswith("status"):
                with open(os.path.join(VHCI, name)) as handle:
                    rows += [line.split() for line in handle]
        free = [int(row[1]) for row in rows if row and row[0] == hub and int(row[2]) == PORT_FREE]
        if wanted is None and free:
            return free[0]
        if wanted in free:
            return wanted
        time.sleep(0.05)
    raise OSError("vhci_hcd has no free port" if wanted is None else "port %d does not become free" % wanted)


# --- USB/IP server ------------------------------------------------------------------


class Server:
    """Answers device lists and imports; a device serves one host at a time."""

    def __init__(self, devices, address):
        self.devices = devices
        for index, device in enumerate(devices, 1):
            device.busid = "1-%d" % index
        if "/" in address:
            self.listener = listen_unix(address)
        else:
            host, _, port = address.rpartition(":")
            self.listener = socket.create_server((host, int(port)))

    def run(self):
        while True:
            link, _ = self.listener.accept()
            if link.family == socket.AF_INET:
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.talk, args=(link,), daemon=True).start()

    def talk(self, link):
        try:
            version, code, _ = OP_HEADER.unpack(receive(link, OP_HEADER.size))
            if code == OP_REQ_DEVLIST:
                present = [d for d in self.devices if d.link is None and d.present]
                message = OP_HEADER.pack(OP_VERSION, OP_REP_DEVLIST, 0) + struct.pack(">I", len(present))
                for device in present:
                    message += self.summary(device)
                    for i in device.spec["interfaces"]:
                        message += bytes((number(i.get("class", 3)), number(i.get("subclass", 0)),
                                          number(i.get("protocol", 0)), 0))
                link.sendall(message)
            elif code == OP_REQ_IMPORT:
                busid = receive(link, 32).rstrip(b"\0").decode("ascii", "replace")
                for device in self.devices:
                    if device.busid == busid and device.link is None and device.present:
                        link.sendall(OP_HEADER.pack(OP_VERSION, OP_REP_IMPORT, 0) + self.summary(device))
                        device.host_loop(link)
                        return
                link.sendall(OP_HEADER.pack(OP_VERSION, OP_REP_IMPORT, 1))
        except (OSError, EOFError, struct.error):
            pass
        finally:
            link.close()

    def summary(self, device):
        spec, index = device.spec, int(device.busid.split("-")[1])
        return struct.pack(
            ">256s32sIIIHHHBBBBBB", b"/sys/devices/rig/" + device.busid.encode(), device.busid.encode(),
            1, index + 1, device.speed, number(spec["vendor"]), number(spec["product"]),
            number(spec.get("release", 0x0100)), number(spec.get("class", 0)), number(spec.get("subclass", 0)),
            number(spec.get("protocol", 0)), 0, 1, len(spec["interfaces"]))


# --- control socket and command line ----------------------------------------------------


def listen_unix(path):
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen()
    return listener


def serve_control(path, devices):
    listener = listen_unix(path)

    def talk(client):
        with client, client.makefile("rw") as stream:
            for line in stream:
                try:
                    step = json.loads(line)
                    wanted = step.get("device")
                    chosen = [d for d in devices if wanted in (None, d.name, d.busid)]
                    if not chosen:
                        raise ValueError("no device " + str(wanted))
                    reply = chosen[0].step(step)
                except (ValueError, OSError, KeyError, TimeoutError) as problem:
                    reply = {"error": "%s: %s" % (type(problem).__name__, problem)}
                stream.write(json.dumps(reply) + "\n")
                stream.flush()

    def accept():
        while True:
            client, _ = listener.accept()
            threading.Thread(target=talk, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()


def send_steps(path, steps):
    """Client side of the control socket; returns the replies."""
    replies = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        for attempt in range(200):
            try:
                link.connect(path)
                break
            except OSError:
                if attempt == 199:
                    raise
                time.sleep(0.05)
        with link.makefile("rw") as stream:
            for step in steps:
                stream.write(json.dumps(step) + "\n")
                stream.flush()
                line = stream.readline()
                if not line:
                    replies.append({"error": "the emulator ended"})
                    break
                replies.append(json.loads(line))
    return replies


def main(arguments):
    if len(arguments) < 2 or arguments[0] not in ("attach", "serve", "send"):
        sys.exit(__doc__)
    mode, *rest = arguments
    if mode == "send":
        replies = send_steps(rest[0], [json.loads(step) for step in rest[1:]])
        for reply in replies:
            print(json.dumps(reply))
        return 1 if any("error" in reply for reply in replies) else 0

    options = {"--control": None, "--log": None, "--listen": "127.0.0.1:3240"}
    flags, files = set(), []
    rest = deque(rest)
    while rest:
        word = rest.popleft()
        if word in options:
            options[word] = rest.popleft()
        elif word in ("--no-script", "--exit-after"):
            flags.add(word)
        elif word.startswith("-"):
            sys.exit("unknown option " + word)
        else:
            files.append(word)
    devices = [Device.load(path, log_path=options["--log"]) for path in files]
    if options["--control"]:
        serve_control(options["--control"], devices)
    if mode == "serve":
        server = Server(devices, options["--listen"])
        threading.Thread(target=server.run, daemon=True).start()
    else:
        for device in devices:
            device.plug()
    print("ready", flush=True)
    scripts = []
    if "--no-script" not in flags:
        scripts = [threading.Thread(target=d.run_script, daemon=True) for d in devices]
        for thread in scripts:
            thread.start()
    try:
        if "--exit-after" in flags:
            for thread in scripts:
                thread.join()
            time.sleep(0.2)
        else:
            while True:
                time.sleep(3600)
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
