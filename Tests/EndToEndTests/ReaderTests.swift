import Foundation
import Testing

/// The daemon on the USB rig (Tests/rig): real libusb, emulated scanners.
@Suite("Cards from USB readers", .serialized)
struct ReaderTests {
    private static let readers = """
        [[readers.device]]
        match = "1209:0001"
        layout = "us"
        terminator = "cr"
        """

    /// Starts the daemon with both scanners, and returns once they are ready.
    private func start(
        _ bench: Bench, readers: String = Self.readers
    ) async throws -> (daemon: ChildProcess, rig: String) {
        try bench.configure(more: readers)
        let text = try String(contentsOfFile: bench.configurationFile, encoding: .utf8)
        try bench.write("loyaltyd.toml", text.replacing("backend = \"none\"", with: "backend = \"usb\""))
        let rig = bench.directory + "/rig"
        let daemon = try bench.spawn(
            Bench.root + "/Tests/rig/run",
            [
                "wedge-scanner,hid-pos-scanner", "--control", rig, "--log", bench.directory + "/riglog", "--",
                Bench.products + "/loyaltyd", "--config", bench.configurationFile, "--state-dir", bench.state,
            ])
        _ = try await daemon.errors.line(containing: "waiting for tills", within: .seconds(40))
        _ = try await daemon.errors.line(containing: "control socket")
        try await ready(bench, 2)
        return (daemon, rig)
    }

    private func ready(_ bench: Bench, _ count: Int) async throws {
        _ = try await bench.control("status", "--json") { run in
            guard let status = try? run.status() else { return false }
            return status.readers.count { $0.state == "ready" } == count
        }
    }

    private func reader(_ bench: Bench, _ rig: String, _ words: String...) async throws {
        let run = try await bench.run(
            "loyaltysim", ["reader", words[0], "--control", rig, "--device"] + words.dropFirst())
        #expect(run.code == 0, "\(run.errors)")
    }

    @Test("a scan is pushed masked, and its sale earns; half a scan is nobody's card")
    func scans() async throws {
        try await Bench.run { bench in
            let (daemon, rig) = try await start(bench)
            let members = (1...3).map { "m-\($0),\(card($0))\n" }.joined()
            try bench.write("m.csv", "id,cards\n" + members)
            #expect(try await bench.control("members", "import", bench.directory + "/m.csv").code == 0)
            let till = try bench.till()
            // The till is known once it was answered.
            #expect(try await till.ask(TestSale("e-0", amount: "1.00").text).result == "accepted")

            try await reader(bench, rig, "scan", "hid-pos-scanner", card(1))
            let first = try await till.nextAnswer()
            #expect(first.type == "card.scanned")
            #expect(first.result == "held")
            #expect(first.member?.card == "…" + card(1).suffix(4))
            let sale = try await till.ask(TestSale("e-1", amount: "5.00").text)
            #expect(sale.member?.id == "m-1")
            #expect(sale.points?.earned == "5")
            // It was that customer's card and no other's.
            #expect(try await till.ask(TestSale("e-2", amount: "6.00").text).member == nil)

            try await reader(bench, rig, "type", "wedge-scanner", card(2))
            #expect(try await till.nextAnswer().result == "held")
            #expect(try await till.ask(TestSale("e-3", amount: "7.00").text).member?.id == "m-2")

            // The cable is pulled in the middle of a card.
            try await reader(bench, rig, "type", "wedge-scanner", "--no-enter", String(card(2).prefix(8)))
            try await reader(bench, rig, "unplug", "wedge-scanner")
            _ = try await daemon.errors.line(containing: "reader gone")
            try await reader(bench, rig, "plug", "wedge-scanner")
            try await ready(bench, 2)
            try await reader(bench, rig, "type", "wedge-scanner", card(3))
            let next = try await till.nextAnswer()
            #expect(next.type == "card.scanned")
            #expect(next.result == "held", "the first notice after the cut is the whole next card: \(next)")
            #expect(next.member?.card == "…" + card(3).suffix(4))
            #expect(try await till.ask(TestSale("e-4", amount: "8.00").text).member?.id == "m-3")

            try await reader(bench, rig, "scan", "hid-pos-scanner", "4111111111111111", "--aim", "]C0")
            let refused = try await till.nextAnswer()
            #expect(refused.result == "refused")
            #expect(refused.signal == "no")
            #expect(try await till.ask(TestSale("e-5", amount: "9.00").text).member == nil)
            #expect(try await daemon.stop() == 0)
            let seen = try bench.stateFiles() + [("log", Array(daemon.errors.text.utf8))]
            #expect(DigitSearch(["4111111111111111", card(1), card(2), card(3)]).hits(seen) == [])
        }
    }

    @Test(
        "a reader on the wrong layout is named with the right one: in the list, the status and the journal, without digits"
    )
    func wrongLayout() async throws {
        try await Bench.run { bench in
            let (daemon, rig) = try await start(bench, readers: Self.readers.replacing("\"us\"", with: "\"fr\""))
            try await reader(bench, rig, "type", "wedge-scanner", "4006381333931")
            try await reader(bench, rig, "type", "wedge-scanner", "5901234123457")
            _ = try await daemon.errors.line(containing: "other_layout")
            let hint = "looks like us"
            let list = try await bench.control("readers", "list") { $0.output.contains(hint) }
            #expect(list.output.contains("set layout = \"us\""))
            let status = try await bench.control("status")
            #expect(status.code == 1 && status.output.contains(hint))
            #expect(try await daemon.stop() == 0)
            #expect(daemon.errors.text.contains(hint))
            let seen = try bench.stateFiles() + [("log", Array(daemon.errors.text.utf8))]
            #expect(DigitSearch(["4006381333931", "5901234123457"]).hits(seen) == [])
            #expect(!daemon.errors.text.contains("'àà-"))
        }
    }

    @Test("a UPC-A card is one member, read with twelve digits or with thirteen, imported with either")
    func upcA() async throws {
        try await Bench.run { bench in
            let (daemon, rig) = try await start(bench)
            // The check digits are those of GS1 General Specifications 7.9.
            try bench.write("m.csv", "id,cards\nm-1,036000291452\nm-2,0012345678905\n")
            #expect(try await bench.control("members", "import", bench.directory + "/m.csv").code == 0)
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-0", amount: "1.00").text).result == "accepted")
            for (index, digits) in ["036000291452", "0036000291452", "012345678905", "0012345678905"].enumerated() {
                for (kind, device) in [("scan", "hid-pos-scanner"), ("type", "wedge-scanner")] {
                    try await reader(bench, rig, kind, device, digits)
                    let notice = try await till.nextAnswer()
                    #expect(notice.result == "held", "\(digits) by \(device): \(notice)")
                    let sale = try await till.ask(TestSale("e-\(digits)-\(device)", amount: "5.00").text)
                    #expect(sale.member?.id == (index < 2 ? "m-1" : "m-2"), "\(digits) by \(device)")
                }
            }
            #expect(try await daemon.stop() == 0)
        }
    }

    @Test("the reader gets another beep for a card that is taken, one to ask about and one that is refused")
    func beeps() async throws {
        try await Bench.run { bench in
            let (daemon, rig) = try await start(bench)
            try bench.write("m.csv", "id,cards\nm-1,\(card(1))\n")
            #expect(try await bench.control("members", "import", bench.directory + "/m.csv").code == 0)
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-0", amount: "1.00").text).result == "accepted")
            let log = bench.directory + "/riglog"
            // Usages 86, 87 and 85 of the scanner's trigger report.
            let table = [
                (card(1), "]E0", "ok", "0408"), (card(9), "]E0", "ask", "0410"),
                ("4111111111111111", "]C0", "no", "0404"),
            ]
            for (index, (digits, aim, signal, report)) in table.enumerated() {
                func step(_ text: String) async throws -> Bench.Run {
                    try await bench.run(
                        "/usr/bin/env", ["python3", Bench.root + "/Tests/rig/usbip_device.py", "send", rig, text])
                }
                #expect(try await step(#"{"device":"hid-pos-scanner","clear_log":true}"#).code == 0)
                try await reader(bench, rig, "scan", "hid-pos-scanner", digits, "--aim", aim)
                #expect(try await till.nextAnswer().signal == signal)
                let waiting = #"{"device":"hid-pos-scanner","wait_for":"output_report"}"#
                #expect(try await step(waiting).code == 0)
                let last = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
                    .last { $0.contains("output_report") }
                #expect(last?.contains("\"data\": \"\(report)\"") == true, "\(signal): \(last ?? "")")
                _ = try await till.ask(TestSale("e-\(index + 1)", amount: "5.00").text)
            }
            #expect(try await daemon.stop() == 0)
        }
    }
}
