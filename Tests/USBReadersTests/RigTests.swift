import Testing

/// The whole way from a plugged device to a scan: real libusb and hotplug, emulated devices.
@Suite(.serialized)
struct RigTests {
    @Test("An HID POS and a wedge scanner read side by side, taken from the kernel and given back")
    func twoReaders() throws {
        try Rig.with("hid-pos-scanner", "wedge-scanner") { rig in
            try rig.awaitState("ready", "usb-1-1:0")
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.send(
                #"{"device":"hid-pos-scanner","scan":"4006381333931","aim":"]E0"}"#,
                #"{"device":"wedge-scanner","type":"73513537\n"}"#,
                #"{"device":"hid-pos-scanner","scan":"5901234123457","aim":"]E0"}"#,
                #"{"device":"wedge-scanner","type":"4006381333931\n"}"#)
            try rig.awaitScan("4006381333931", "usb-1-1:0")
            try rig.awaitScan("73513537", "usb-1-2:0")
            try rig.awaitScan("5901234123457", "usb-1-1:0")
            try rig.awaitScan("4006381333931", "usb-1-2:0")
            try rig.stop()
            #expect(rig.scans.count == 4)
            let connected = rig.lines.filter { $0["event"] == "connected" }
            #expect(Set(connected.compactMap { $0["kind"] }) == ["hid_pos", "keyboard"])
            #expect(Set(connected.compactMap { $0["serial"] }) == ["POS-0002", "WEDGE-0001"])
            for port in ["1-1", "1-2"] {
                #expect(try rig.drivers(port: port) == ["bind 0", "detach 0", "claim 0", "release 0", "bind 0"])
            }
        }
    }

    @Test("A scanner that is plugged in later is read, and one that is plugged out is reported")
    func hotplug() throws {
        try Rig.with("hid-pos-scanner") { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"unplug":true}"#)
            try rig.awaitLine(["event": "disconnected", "reader": "usb-1-1:0"])
            try rig.send(#"{"plug":true}"#)
            try rig.awaitLine(["event": "connected", "reader": "usb-1-1:0"])
            try rig.awaitState("ready")
            try rig.send(#"{"scan":"4006381333931","aim":"]E0"}"#)
            try rig.awaitScan("4006381333931")
        }
    }

    @Test("A cable that goes in the middle of a scan gives the next card and nothing of the last")
    func unplugInsideScan() throws {
        try Rig.with("wedge-scanner") { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"type":"400638133"}"#, #"{"wait_for":"taken"}"#, #"{"unplug":true}"#)
            try rig.awaitLine(["event": "partial_dropped"])
            try rig.awaitLine(["event": "disconnected", "reader": "usb-1-1:0"])
            try rig.send(#"{"plug":true}"#)
            try rig.awaitState("ready")
            try rig.send(#"{"type":"73513537\n"}"#)
            try rig.awaitScan("73513537")
            try rig.stop()
            #expect(rig.scans == ["73513537"])
        }
    }

    @Test("A report in many packets is put together, and half of one comes to nothing")
    func smallPackets() throws {
        try Rig.with("hid-pos-small-packets") { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"scan":"4006381333931"}"#)
            try rig.awaitScan("4006381333931")
            // Report 2, 13 bytes, ]E0 and the first digits: two full packets of eight.
            try rig.send(
                #"{"in":"02 0d 5d4530 3430303633383133333339"}"#, #"{"wait_for":"taken"}"#, #"{"unplug":true}"#)
            try rig.awaitLine(["event": "partial_dropped"])
            try rig.awaitLine(["event": "disconnected"])
            try rig.send(#"{"plug":true}"#)
            try rig.awaitState("ready")
            try rig.send(#"{"scan":"73513537"}"#)
            try rig.awaitScan("73513537")
            try rig.stop()
            #expect(rig.scans == ["4006381333931", "73513537"])
        }
    }

    @Test("Half a report in whole packets is told of when its time is over, though nothing more comes")
    func cutReport() throws {
        try Rig.with("hid-pos-small-packets") { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"in":"02 0d 5d4530 3430303633383133333339"}"#, #"{"wait_for":"taken"}"#)
            try rig.awaitLine(["event": "partial_dropped"])
            try rig.send(#"{"scan":"73513537"}"#)
            try rig.awaitScan("73513537")
            try rig.stop()
            #expect(rig.scans == ["73513537"])
        }
    }

    @Test(
        "After a fault inside a scan the reader mends itself and gives the next card",
        arguments: ["stall", "babble", "error"])
    func fault(_ fault: String) throws {
        try Rig.with("wedge-scanner") { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"type":"400638133"}"#, #"{"wait_for":"taken"}"#, #"{"fault":"\#(fault)"}"#)
            try rig.awaitLine(["event": "partial_dropped"])
            try rig.awaitState("recovering")
            try rig.awaitState("ready")
            try rig.send(#"{"type":"73513537\n"}"#)
            try rig.awaitScan("73513537")
            try rig.stop()
            #expect(rig.scans == ["73513537"])
            if fault == "stall" { #expect(try rig.requests().contains("clear_halt")) }
        }
    }

    @Test("Stripe readers give their tracks: raw bits on page 8E, and MagTek's 337 bytes in packets of eight")
    func stripeReaders() throws {
        try Rig.with("hid-msr", "magtek-swipe") { rig in
            try rig.awaitState("ready", "usb-1-1:0")
            try rig.awaitState("ready", "usb-1-2:0")
            let card = #""swipe":["%A9528123456789012^MEMBER/GOLD^9912?",";9528123456789012=9912?",null]"#
            try rig.send(#"{"device":"hid-msr",\#(card)}"#, #"{"device":"magtek-swipe",\#(card)}"#)
            let text = "%A9528123456789012^MEMBER/GOLD^9912?;9528123456789012=9912?"
            try rig.awaitScan(text, "usb-1-1:0")
            try rig.awaitScan(text, "usb-1-2:0")
            // Half a swipe of MagTek's, 5 packets, and then the cable.
            try rig.send(
                #"{"device":"magtek-swipe","in":"000000 001700 04 \#(String(repeating: "00", count: 33))"}"#,
                #"{"device":"magtek-swipe","wait_for":"taken"}"#, #"{"device":"magtek-swipe","unplug":true}"#)
            try rig.awaitLine(["event": "partial_dropped", "reader": "usb-1-2:0"])
            try rig.awaitLine(["event": "disconnected", "reader": "usb-1-2:0"])
            try rig.send(#"{"device":"magtek-swipe","plug":true}"#)
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.send(#"{"device":"magtek-swipe",\#(card)}"#)
            try rig.awaitScan(text, "usb-1-2:0")
            try rig.stop()
            #expect(rig.scans == [text, text, text])
            let scans = rig.lines.filter { $0["event"] == "scan" }
            #expect(scans.allSatisfy { $0["entry"] == "msr" })
            let kinds = rig.lines.filter { $0["event"] == "connected" }.compactMap { $0["kind"] }
            #expect(Set(kinds) == ["hid_msr", "magtek"])
        }
    }

    @Test("A head that encrypts every card is reported once, and nothing of the encrypted data goes on")
    func encryptingReader() throws {
        try Rig.with("wedge-scanner") { rig in
            try rig.awaitState("ready")
            let tracks = "%B6364000000000017^A/B^0804?;6364000000000017=0804?"
            for _ in 0..<4 {
                try rig.send(#"{"type":"\#(tracks)|0600|C25C1D11|724C5DB7|A1050000|FFFF9876543210E00008\n"}"#)
                try rig.awaitScan(tracks)
            }
            try rig.awaitLine(["event": "notice", "reader": "usb-1-1:0", "notice": "reader_encrypting"])
            try rig.stop()
            #expect(rig.lines.count { $0["event"] == "notice" } == 1)
            #expect(rig.scans.count == 4 && rig.scans.allSatisfy { $0 == tracks })
        }
    }

    @Test("A device with a broken descriptor is named with the reason, and the others go on")
    func brokenDescriptor() throws {
        try Rig.with("broken-descriptors", "hid-pos-scanner", "garbage-configuration") { rig in
            let line = try rig.awaitLine(["event": "state", "reader": "usb-1-1:0", "state": "unsupported"])
            #expect(line["reason"]?.contains("20 of 400 bytes") == true)
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.send(#"{"device":"hid-pos-scanner","scan":"4006381333931"}"#)
            try rig.awaitScan("4006381333931", "usb-1-2:0")
        }
    }

    @Test("Where the kernel shows no report descriptor, the device is asked")
    func withoutKernelDriver() throws {
        try Rig.with("hid-pos-scanner", "wedge-scanner", options: ["--no-usbhid"]) { rig in
            try rig.awaitState("ready", "usb-1-1:0")
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.send(
                #"{"device":"hid-pos-scanner","scan":"4006381333931"}"#,
                #"{"device":"wedge-scanner","type":"73513537\n"}"#)
            try rig.awaitScan("4006381333931", "usb-1-1:0")
            try rig.awaitScan("73513537", "usb-1-2:0")
        }
    }

    @Test("A device that is announced before the kernel has configured it is found all the same")
    func lateConfiguration() throws {
        try Rig.with("wedge-scanner", options: ["--late-configuration"]) { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"type":"73513537\n"}"#)
            try rig.awaitScan("73513537")
        }
    }

    @Test("A scanner whose beeper the host controls sounds it")
    func beep() throws {
        try Rig.with("hid-pos-scanner") { rig in
            try rig.awaitState("ready")
            try rig.send(
                #"{"clear_log":true,"scan":"4006381333931"}"#, #"{"wait_for":"output_report","timeout_ms":10000}"#)
            // Report 4, the fourth bit of the trigger report: usage 86, Sound Good Read Beep.
            #expect(try rig.requests().contains(#""endpoint": "0x01", "data": "0408""#))
        }
    }

    @Test("The cashier's keyboard is never taken from the kernel, not even to look at it")
    func cashierKeyboard() throws {
        try Rig.with("cashier-keyboard", "wedge-scanner") { rig in
            try rig.awaitLine(["event": "state", "reader": "usb-1-1:0", "state": "unclaimed_keyboard"])
            try rig.awaitLine(["event": "state", "reader": "usb-1-1:1"])
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.stop()
            #expect(try rig.drivers(port: "1-1") == ["bind 0", "bind 1"])
            #expect(!rig.lines.contains { $0["reader"]?.hasPrefix("usb-1-1:") == true && $0["state"] == "ready" })
        }
    }

    @Test("A keyboard is claimed where the settings name its model or its port", arguments: ["1209:0006", "1-1"])
    func allowedKeyboard(_ match: String) throws {
        try Rig.with("cashier-keyboard", probe: ["--allow", match]) { rig in
            try rig.awaitState("ready", "usb-1-1:0")
            try rig.send(#"{"endpoint":"0x81","type":"73513537\n"}"#)
            try rig.awaitScan("73513537", "usb-1-1:0")
        }
    }

    @Test("A device that the settings deny is not touched")
    func deniedReader() throws {
        try Rig.with("hid-pos-scanner", "wedge-scanner", probe: ["--deny", "1209:0002"]) { rig in
            try rig.awaitLine(["event": "state", "reader": "usb-1-1:0", "state": "unsupported"])
            try rig.awaitState("ready", "usb-1-2:0")
            #expect(try rig.drivers(port: "1-1") == ["bind 0"])
        }
    }
}
