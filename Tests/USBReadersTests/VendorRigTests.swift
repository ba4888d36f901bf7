import Testing

/// Scanners whose descriptors say nothing, and serial ports: real libusb and hotplug, emulated devices.
extension RigTests {
    private static let enable = "1100000000000000000000"

    @Test("An IBM OEM scanner is switched on at each start, and reads")
    func ibmScanner() throws {
        try Rig.with("ibm-oem-scanner") { rig in
            try rig.awaitState("ready")
            #expect(try rig.requests().count(of: Self.enable) == 1)
            try rig.send(#"{"in":"\#(ibmReport("34303036333831333333393331", trailer: "16"))"}"#)
            try rig.awaitScan("4006381333931")
            try rig.send(#"{"unplug":true}"#)
            try rig.awaitLine(["event": "disconnected"])
            try rig.send(#"{"plug":true}"#)
            try rig.awaitState("ready")
            #expect(try rig.requests().count(of: Self.enable) == 2)
            try rig.send(#"{"in":"\#(ibmReport("0703050103050307", trailer: "0c"))"}"#)
            try rig.awaitScan("73513537")
            try rig.stop()
            #expect(rig.scans == ["4006381333931", "73513537"])
        }
    }

    /// Length, status 10 03 00, data and trailer, NUL padded to 64 bytes.
    private func ibmReport(_ data: String, trailer: String) -> String {
        let length = String(4 + (data.utf8.count + trailer.utf8.count) / 2, radix: 16)
        let message = (length.utf8.count == 1 ? "0" : "") + length + "100300" + data + trailer
        return message + String(repeating: "0", count: 128 - message.utf8.count)
    }

    @Test("A SNAPI scanner gets an acknowledgement for every report, one of the customer before included")
    func snapiScanner() throws {
        // The script sends a scan as soon as somebody polls, before the reader counts as silent.
        try Rig.with("snapi-scanner", options: ["--script"]) { rig in
            try rig.awaitState("ready")
            // 13 digits of an EAN-13 (0b), then 26 and 2 characters of a QR code (1c).
            try rig.send(#"{"in":"22 01 00 0d 0b 00 34303036333831333333393331 00000000000000000000000000"}"#)
            try rig.awaitScan("4006381333931")
            try rig.send(
                #"{"in":"22 02 00 1a 1c 00 4142434445464748494a4b4c4d4e4f505152535455565758595a"}"#,
                #"{"in":"22 02 01 02 1c 00 3132 000000000000000000000000000000000000000000000000"}"#)
            try rig.awaitScan("ABCDEFGHIJKLMNOPQRSTUVWXYZ12")
            try rig.stop()
            #expect(rig.scans.count == 2)
            #expect(try rig.requests().count(of: #""id": 1, "data": "01220100""#) == 4)
        }
    }

    @Test("A CDC-ACM scanner is read where it is named: line and DTR set, both interfaces taken and given back")
    func cdcScanner() throws {
        try Rig.with("cdc-acm-scanner", probe: ["--allow", "1209:0004"]) { rig in
            try rig.awaitState("ready")
            let requests = try rig.requests()
            #expect(requests.contains(#""rate": 9600, "stop": 0, "parity": 0, "bits": 8"#))
            #expect(requests.contains(#""dtr": 1, "rts": 1"#))
            try rig.send(#"{"text":"4006381333931\r\n"}"#, #"{"text":"c]E473513537\t\n"}"#)
            try rig.awaitScan("4006381333931")
            try rig.awaitScan("73513537")
            try rig.stop()
            #expect(rig.lines.contains { $0["event"] == "connected" && $0["kind"] == "serial" })
            let drivers = try rig.drivers()
            #expect(drivers.contains("claim 0") && drivers.contains("claim 1"))
            #expect(drivers.contains("release 0") && drivers.contains("release 1"))
        }
    }

    @Test("A cable that goes in the middle of a line gives the next card and nothing of the last")
    func cdcUnplug() throws {
        try Rig.with("cdc-acm-scanner", probe: ["--allow", "1-1"]) { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"text":"400638133"}"#, #"{"wait_for":"taken"}"#, #"{"unplug":true}"#)
            try rig.awaitLine(["event": "partial_dropped"])
            try rig.awaitLine(["event": "disconnected"])
            try rig.send(#"{"plug":true}"#)
            try rig.awaitState("ready")
            try rig.send(#"{"text":"73513537\r"}"#)
            try rig.awaitScan("73513537")
            try rig.stop()
            #expect(rig.scans == ["73513537"])
        }
    }

    @Test("A serial port that nobody names stays with the kernel, for the till's printer may hang on it")
    func unnamedPorts() throws {
        try Rig.with("cdc-acm-scanner", "ftdi-scanner", "hid-pos-scanner") { rig in
            try rig.awaitState("unclaimed_serial_port", "usb-1-1:0")
            try rig.awaitState("unclaimed_serial_port", "usb-1-2:0")
            try rig.awaitState("ready", "usb-1-3:0")
            try rig.stop()
            #expect(try rig.drivers(port: "1-1") == ["bind 0"])
            #expect(try rig.drivers(port: "1-2") == [])
            let requests = try rig.requests()
            #expect(!requests.contains("vendor") && !requests.contains("set_line_coding"))
        }
    }

    @Test("An FTDI adapter that is named is set up and read, without the status bytes of its packets")
    func ftdiScanner() throws {
        try Rig.with("ftdi-scanner", probe: ["--allow", "0403:6001"]) { rig in
            try rig.awaitState("ready")
            let requests = try rig.requests()
            // Reset, 9600 baud, 8N1, DTR and RTS.
            for setup in ["4000000000000000", "4003384100000000", "4004080000000000", "4001030300000000"] {
                #expect(requests.contains(setup))
            }
            try rig.send(
                #"{"endpoint":"0x81","in":"01 60"}"#, #"{"endpoint":"0x81","in":"01 60 3430303633383133"}"#,
                #"{"endpoint":"0x81","in":"01 60"}"#, #"{"endpoint":"0x81","in":"01 60 33333933310d"}"#)
            try rig.awaitScan("4006381333931")
        }
    }

    @Test("Every emulated device reads as its description expects", arguments: Rig.devicesWithScripts)
    func script(device: String) throws {
        let expected = try Rig.expected(device)
        try Rig.with(device, options: ["--script"], probe: ["--allow", "1-1"]) { rig in
            for text in expected { try rig.awaitScan(text) }
            try rig.stop()
            #expect(rig.scans == expected)
        }
    }

    @Test(
        "A chip of either generation is set up as its maker does it",
        arguments: [
            ("prolific-scanner", ["c001808000000100", "4001040400000000", "4001020044000000"]),
            ("prolific-hxn-scanner", ["c001808000000100", "4080070003000000"]),
            ("cp210x-scanner", ["4100010000000000", "411e000000000400", "4103000800000000", "4107030300000000"]),
        ])
    func chipSetup(device: String, setups: [String]) throws {
        try Rig.with(device, probe: ["--allow", "1-1"]) { rig in
            try rig.awaitState("ready")
            let requests = try rig.requests()
            for setup in setups { #expect(requests.contains(setup), "\(setup)") }
            if device.hasPrefix("prolific") { #expect(requests.contains(#""rate": 9600"#)) }
        }
    }

    @Test(
        "A reader that may not be opened yet is opened once udev has set its rights, and says so only where that takes long"
    )
    func latePermission() throws {
        try Rig.with("hid-pos-scanner", options: ["--late-permission", "1500"]) { rig in
            try rig.awaitState("no_permission")
            try rig.awaitState("ready")
            try rig.send(#"{"scan":"4006381333931"}"#)
            try rig.awaitScan("4006381333931")
        }
        try Rig.with("hid-pos-scanner", options: ["--late-permission", "200"]) { rig in
            try rig.awaitState("ready")
            #expect(!rig.lines.contains { $0["state"] == "no_permission" })
        }
    }

    @Test("A reader that somebody else resets is set up again", arguments: ["ibm-oem-scanner", "cdc-acm-scanner"])
    func busReset(device: String) throws {
        try Rig.with(device, probe: ["--allow", "1-1"]) { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"wait_for":"taken"}"#, #"{"fault":"reset"}"#)
            try rig.awaitState("recovering")
            try rig.awaitState("ready")
            // These are silent until they have been switched on again.
            try rig.send(device.hasPrefix("cdc") ? #"{"text":"73513537\r"}"# : #"{"scan":"73513537"}"#)
            try rig.awaitScan("73513537")
        }
    }

    @Test("A reader that stalls and answers nothing does not hold up the others")
    func muteStall() throws {
        try Rig.with("hid-pos-scanner", "simple-com-scanner") { rig in
            try rig.awaitState("ready", "usb-1-1:0")
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.send(
                #"{"device":"hid-pos-scanner","fault":"mute"}"#, #"{"device":"hid-pos-scanner","fault":"stall"}"#)
            try rig.awaitState("recovering", "usb-1-1:0")
            try rig.send(#"{"device":"simple-com-scanner","scan":"4006381333931"}"#)
            try rig.awaitScan("4006381333931", "usb-1-2:0")
            try rig.send(#"{"device":"hid-pos-scanner","fault":"mute","on":false}"#)
            try rig.awaitState("ready", "usb-1-1:0")
        }
    }

    @Test(
        "What a reader sent whole before the cable went arrives",
        arguments: ["hid-msr", "magtek-swipe", "idtech-swipe"])
    func sentBeforeUnplug(device: String) throws {
        try Rig.with(device) { rig in
            try rig.awaitState("ready")
            let card = #""swipe":["%A9528123456789012^MEMBER/GOLD^9912?",";9528123456789012=9912?",null]"#
            // One step: the emulator pulls the cable as soon as the last packet has left.
            try rig.send("{\(card)}", #"{"wait_for":"sent","unplug":true}"#)
            try rig.awaitScan("%A9528123456789012^MEMBER/GOLD^9912?;9528123456789012=9912?")
            try rig.awaitLine(["event": "disconnected"])
        }
    }
}

extension String {
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}
