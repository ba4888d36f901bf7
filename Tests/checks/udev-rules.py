#!/usr/bin/env python3
"""Reads the shipped udev rules the way udevd does (man 7 udev, the subset they use) and asks what they do to some devices."""
import fnmatch
import pathlib
import re
import sys

RULES = pathlib.Path(__file__).resolve().parents[2] / "udev"
TOKEN = re.compile(r'\s*([A-Z_]+)(?:\{([^}"]*)\})?\s*(==|!=|\+=|:=|-=|=)\s*"([^"]*)"\s*(,|$)')
MATCHES = {"ACTION", "SUBSYSTEM", "ENV", "ATTR", "TEST"}
ASSIGNS = {"ENV", "ATTR", "GROUP", "MODE", "GOTO", "LABEL", "TAG"}


def parse(path):
    rules = []
    text = path.read_text().replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        tokens, at = [], 0
        while at < len(line.rstrip()):
            match = TOKEN.match(line, at)
            if not match:
                sys.exit(f"{path.name}:{number}: not a rule: {line[at:]}")
            key, attribute, operator, value, _ = match.groups()
            allowed = MATCHES if operator in ("==", "!=") else ASSIGNS
            if key not in allowed:
                sys.exit(f"{path.name}:{number}: {key} does not go with {operator}")
            tokens.append((key, attribute, operator, value))
            at = match.end()
        rules.append(tokens)
    labels = [t[3] for rule in rules for t in rule if t[0] == "LABEL"]
    for rule in rules:
        for key, _, _, value in rule:
            if key == "GOTO" and value not in labels:
                sys.exit(f"{path.name}: GOTO to {value}, which is no label of this file")
    return rules


def matches(token, device):
    key, attribute, operator, value = token
    if key == "TEST":
        found = value in device["attributes"]
    elif key == "ATTR":
        found = fnmatch.fnmatchcase(device["attributes"].get(attribute, ""), value)
    elif key == "ENV":
        found = fnmatch.fnmatchcase(device["env"].get(attribute, ""), value)
    else:
        found = fnmatch.fnmatchcase(device[key], value)
    return found == (operator == "==")


def apply(rules, device):
    skip = None
    for rule in rules:
        if skip:
            if any(key == "LABEL" and value == skip for key, _, _, value in rule):
                skip = None
            continue
        if not all(matches(t, device) for t in rule if t[2] in ("==", "!=")):
            continue
        for key, attribute, operator, value in rule:
            if operator in ("==", "!="):
                continue
            if key == "GOTO":
                skip = value
            elif key == "ENV":
                device["env"][attribute] = value
            elif key == "ATTR":
                device["attributes"][attribute] = value
            elif key != "LABEL":
                device["granted"][key] = value


def granted(files, vendor, product, action="add", subsystem="usb", devtype="usb_device"):
    device = {
        "ACTION": action, "SUBSYSTEM": subsystem, "env": {"DEVTYPE": devtype}, "granted": {},
        "attributes": {"idVendor": vendor, "idProduct": product, "power/control": "auto"},
    }
    for rules in files:
        apply(rules, device)
    return device["granted"], device["attributes"]["power/control"]


def main():
    paths = sorted(RULES.glob("*.rules"))
    files = [parse(path) for path in paths]
    if [path.name for path in paths] != ["60-loyaltyd-readers.rules", "70-loyaltyd.rules"]:
        sys.exit("expected the identifying file before the granting one")
    reader = ({"GROUP": "loyaltyd", "MODE": "0660"}, "on")
    stranger = ({}, "auto")
    cases = [
        ("a Honeywell HID POS scanner", reader, ("0c2e", "0967")),
        ("a MagTek swipe reader", reader, ("0801", "0011")),
        ("any Youjie scanner", reader, ("23d0", "0c80")),
        ("a scanner when its driver binds", reader, ("05e0", "1200", "bind")),
        ("an office keyboard", stranger, ("046d", "c31c")),
        ("another product of a reader's vendor", stranger, ("05e0", "ffff")),
        ("a scanner that leaves", stranger, ("05e0", "1200", "remove")),
        ("a scanner's interface", stranger, ("05e0", "1200", "add", "usb", "usb_interface")),
    ]
    failures = 0
    for name, wanted, arguments in cases:
        found = granted(files, *arguments)
        if found != wanted:
            failures += 1
            print(f"{name}: expected {wanted}, found {found}")
    print(f"{len(cases)} devices asked, {failures} wrong")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
