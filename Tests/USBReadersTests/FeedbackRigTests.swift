import Testing

/// Beeps and lights on the wire: what emulated readers are sent after a scan, by real libusb.
extension RigTests {
    @Test(
        "Good, ask and no sound different on a HID POS scanner",
        arguments: [("ok", "0408"), ("ask", "0410"), ("no", "0404")])
    func feedback(signal: String, report: String) throws {
        try Rig.with("hid-pos-scanner", probe: ["--signal", signal]) { rig in
            try rig.awaitState("ready")
            let clock = ContinuousClock()
            let start = clock.now
            try rig.send(
                #"{"clear_log":true,"scan":"4006381333931"}"#, #"{"wait_for":"output_report","timeout_ms":10000}"#)
            // Most of it is the emulated bus; the limit for the whole is 150 ms.
            print("from the scan to the request to beep, in the rig: \(clock.now - start)")
            #expect(try rig.requests().contains(#""endpoint": "0x01", "data": "\#(report)""#))
        }
    }

    @Test("A SNAPI scanner gets its acknowledgement before its beep")
    func feedbackOrder() throws {
        try Rig.with("snapi-scanner", probe: ["--signal", "ask"]) { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"clear_log":true}"#)
            try rig.send(#"{"in":"22 01 00 0d 0b 00 34303036333831333333393331 00000000000000000000000000"}"#)
            try rig.awaitScan("4006381333931")
            try rig.awaitRequest("\"data\": \"0401\"")
            let log = try rig.requests()
            let acknowledged = try #require(log.firstRange(of: #""data": "01220100""#))
            let beep = try #require(log.firstRange(of: #""data": "0401""#))
            #expect(acknowledged.lowerBound < beep.lowerBound)
        }
    }

    @Test("A keyboard's Scroll Lock flashes where that is allowed, and is dark afterwards")
    func keyboardLights() throws {
        try Rig.with("wedge-scanner", probe: ["--lights", "on", "--signal", "ask"]) { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"type":"73513537\n"}"#)
            try rig.awaitScan("73513537")
            let (on, off) = (#""data": "04""#, #""data": "00""#)
            try rig.awaitRequest(on, count: 2)
            // One more than the flashes: the lights as they are set at the start.
            try rig.awaitRequest(off, count: 3)
        }
    }

    @Test("A serial scanner gets its bytes on the OUT endpoint of its data interface")
    func serialBeep() throws {
        try Rig.with("cdc-acm-scanner", probe: ["--allow", "1209:0004", "--beep", "16070d"]) { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"text":"73513537\r"}"#)
            try rig.awaitScan("73513537")
            try rig.awaitRequest(#""event": "bulk_out", "endpoint": "0x01", "data": "16070d""#)
        }
    }

    @Test("A reader that never answers the request to beep goes on reading")
    func feedbackHangs() throws {
        try Rig.with("snapi-scanner") { rig in
            try rig.awaitState("ready")
            try rig.send(#"{"fault":"mute"}"#)
            for digits in ["34303036333831333333393331", "35393031323334313233343537", "37333531333533370000000000"] {
                let (length, type) = digits.hasSuffix("0000") ? ("08", "0a") : ("0d", "0b")
                try rig.send(#"{"in":"22 01 00 \#(length) \#(type) 00 \#(digits) 00000000000000000000000000"}"#)
            }
            // All of them are there before the first request has timed out, which takes a second.
            try rig.awaitScan("4006381333931")
            try rig.awaitScan("5901234123457")
            try rig.awaitScan("73513537")
            #expect(!rig.lines.contains { $0["state"] == "recovering" })
            try rig.stop()
            #expect(rig.scans.count == 3)
        }
    }
}
