import Foundation
import Testing

/// What users of other programs suffer from (docs/readers.md), on emulated hardware.
extension RigTests {
    @Test("Two readers of one model and one serial number keep their places, whichever is plugged in first")
    func twins() throws {
        try Rig.with("wedge-scanner", "wedge-scanner-twin") { rig in
            let (first, second) = (#""device":"wedge-scanner""#, #""device":"wedge-scanner-twin""#)
            try rig.awaitState("ready", "usb-1-1:0")
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.send(#"{\#(first),"type":"73513537\n"}"#, #"{\#(second),"type":"4006381333931\n"}"#)
            try rig.awaitScan("73513537", "usb-1-1:0")
            try rig.awaitScan("4006381333931", "usb-1-2:0")
            // A restart of the hub: both go, and the second is back first.
            try rig.send(#"{\#(first),"unplug":true}"#, #"{\#(second),"unplug":true}"#)
            try rig.awaitLine(["event": "disconnected", "reader": "usb-1-1:0"])
            try rig.awaitLine(["event": "disconnected", "reader": "usb-1-2:0"])
            try rig.send(#"{\#(second),"plug":true}"#)
            try rig.awaitState("ready", "usb-1-2:0")
            try rig.send(#"{\#(first),"plug":true}"#)
            try rig.awaitState("ready", "usb-1-1:0")
            try rig.send(#"{\#(first),"type":"5901234123457\n"}"#, #"{\#(second),"type":"73513537\n"}"#)
            try rig.awaitScan("5901234123457", "usb-1-1:0")
            try rig.awaitScan("73513537", "usb-1-2:0")
            let serials = rig.lines.filter { $0["event"] == "connected" }.compactMap { $0["serial"] }
            #expect(Set(serials) == ["WEDGE-0001"])
        }
    }

    @Test("Of a scanner with three interfaces the one with the codes is read, and the others are left to the kernel")
    func composite() throws {
        try Rig.with("composite-scanner") { rig in
            try rig.awaitState("unsupported", "usb-1-1:0")
            try rig.awaitState("ready", "usb-1-1:1")
            try rig.awaitState("unclaimed_keyboard", "usb-1-1:2")
            try rig.send(#"{"scan":"4006381333931","aim":"]E0","endpoint":"0x82"}"#)
            try rig.awaitScan("4006381333931", "usb-1-1:1")
            try rig.stop()
            let drivers = try rig.drivers()
            #expect(drivers.contains("claim 1") && !drivers.contains("claim 0") && !drivers.contains("claim 2"))
            #expect(!drivers.contains("detach 0") && !drivers.contains("detach 2"))
        }
    }

    @Test("Rights that come after the plug event are waited for, and the reader then works by itself")
    func lateRights() throws {
        let rights = FileManager.default.temporaryDirectory.appendingPathComponent("rights-\(UUID().uuidString)").path
        defer { unlink(rights) }
        try Rig.with("wedge-scanner", options: ["--late-permission", rights]) { rig in
            try rig.awaitState("no_permission")
            #expect(FileManager.default.createFile(atPath: rights, contents: nil))
            try rig.awaitState("ready")
            try rig.send(#"{"type":"73513537\n"}"#)
            try rig.awaitScan("73513537")
        }
    }

    @Test("A hundred scans without a pause arrive, each once and in order")
    func burst() throws {
        try Rig.with("hid-pos-scanner") { rig in
            try rig.awaitState("ready")
            let sent = (0..<100).map { "CARD\(1000 + $0)" }
            for text in sent { try rig.send(#"{"scan":"\#(text)","aim":"]C0"}"#) }
            for text in sent { try rig.awaitScan(text) }
            try rig.stop()
            #expect(rig.scans == sent)
        }
    }

    @Test("A reader that comes and goes is a new one each time: nothing of the last handle is left")
    func reconnects() throws {
        try Rig.with("hid-pos-scanner") { rig in
            for round in 0..<5 {
                try rig.awaitState("ready")
                try rig.send(#"{"scan":"CARD\#(2000 + round)","aim":"]C0"}"#)
                try rig.awaitScan("CARD\(2000 + round)")
                try rig.send(#"{"unplug":true}"#)
                try rig.awaitLine(["event": "disconnected"])
                try rig.send(#"{"plug":true}"#)
            }
            try rig.awaitState("ready")
            try rig.stop()
            let drivers = try rig.drivers()
            #expect(drivers.count { $0 == "claim 0" } == 6)
            #expect(rig.scans == (0..<5).map { "CARD\(2000 + $0)" })
        }
    }
}
