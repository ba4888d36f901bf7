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
        try await reader(bench, rig, words)
    }

    private func reader(_ bench: Bench, _ rig: String, _ words: [String]) async throws {
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

    // MARK: Reload

    private func reload(_ bench: Bench, _ daemon: ChildProcess, readers: String, keys: String = "") throws {
        try bench.configure(more: readers)
        let text = try String(contentsOfFile: bench.configurationFile, encoding: .utf8)
        try bench.write("loyaltyd.toml", text.replacing("backend = \"none\"", with: "backend = \"usb\"\n\(keys)"))
        daemon.send(SIGHUP)
    }

    private func list(_ bench: Bench, until fits: ([ListedReader]) -> Bool) async throws {
        _ = try await bench.control("readers", "list", "--json") { run in
            guard let readers = try? decoded(run.output, as: [ListedReader].self) else { return false }
            return fits(readers)
        }
    }

    private struct ListedReader: Decodable {
        var id: String
        var state: String
        var register: String?
    }

    @Test(
        "SIGHUP: another prefix, register or denial counts from then on; a reader that nothing new is said about goes on, and a bad file changes nothing"
    )
    func reload() async throws {
        try await Bench.run { bench in
            let (daemon, rig) = try await start(bench)
            try bench.write("m.csv", "id,cards\nm-1,\(card(1))\nm-2,\(card(2))\n")
            #expect(try await bench.control("members", "import", bench.directory + "/m.csv").code == 0)
            let till = try bench.till()
            #expect(try await till.ask(TestSale("e-0", amount: "1.00").text).result == "accepted")
            func gone() -> [String] { daemon.errors.lines.filter { $0.contains("reader gone") } }
            func read(_ kind: String, _ device: String, _ text: String) async throws -> String {
                try await reader(bench, rig, kind, device, text)
                return try await till.nextAnswer().result
            }
            #expect(try await read("type", "wedge-scanner", "XY" + card(1)) == "refused")

            // The wedge begins anew, the other one does not.
            let prefixed = Self.readers + "\nprefix = \"XY\""
            try reload(bench, daemon, readers: prefixed)
            _ = try await daemon.errors.line(containing: "reader gone")
            try await list(bench) { $0.count { $0.state == "ready" } == 2 }
            #expect(try await read("type", "wedge-scanner", "XY" + card(1)) == "held")
            #expect(gone().allSatisfy { $0.contains("usb-1-1:0") } && gone().count == 1)

            // A register disturbs nobody: neither do settings for a reader that is not there.
            try reload(
                bench, daemon,
                readers: prefixed + "\nregister = \"7\"\n[[readers.device]]\nmatch = \"0c2e:*\"\nlayout = \"pl\"")
            try await list(bench) { $0.contains { $0.id == "usb-1-1:0" && $0.register == "7" } }
            #expect(try await read("scan", "hid-pos-scanner", card(2)) != "refused")
            #expect(gone().count == 1)

            try reload(bench, daemon, readers: prefixed.replacing("\"us\"", with: "\"uss\""), keys: "deny = [\"1-1\"]")
            let refusal = try await daemon.errors.line(containing: "not used")
            #expect(refusal.contains("loyaltyd.toml:") && refusal.contains("uss"))
            #expect(try await bench.control("status").output.contains("systemctl reload loyaltyd"))
            #expect(try await read("type", "wedge-scanner", "XY" + card(1)) != "refused")

            try reload(bench, daemon, readers: prefixed, keys: "deny = [\"1209:0002\"]")
            try await list(bench) { $0.contains { $0.id == "usb-1-2:0" && $0.state == "unsupported" } }
            #expect(gone().count == 2)
            #expect(try await read("type", "wedge-scanner", "XY" + card(1)) != "refused")
            try reload(bench, daemon, readers: prefixed)
            try await list(bench) { $0.count { $0.state == "ready" } == 2 }
            #expect(try await read("scan", "hid-pos-scanner", card(2)) != "refused")
            #expect(gone().allSatisfy { $0.contains("usb-1-2:0") || $0 == gone().first })
            #expect(try await daemon.stop() == 0)
        }
    }

    // MARK: Recording

    @Test("a recording of a real interface decodes to what was scanned, without the digits of card or payment card")
    func record() async throws {
        try await Bench.run { bench in
            let (daemon, rig) = try await start(bench)
            let devices = [("usb-1-1:0", "wedge-scanner", "type"), ("usb-1-2:0", "hid-pos-scanner", "scan")]
            let payment = "5454545454545454"
            var seen: [(name: String, bytes: [UInt8])] = []
            for (id, device, kind) in devices {
                let file = bench.directory + "/\(device).json"
                let recorder = try bench.spawn(
                    "loyaltyctl", ["readers", "record", id, "-o", file, "--scans", "2", "--state-dir", bench.state])
                _ = try await recorder.errors.line(containing: "Scan now")
                let aim = kind == "scan" ? ["--aim", "]C0"] : []
                try await reader(bench, rig, [kind, device, payment] + aim)
                _ = try await recorder.errors.line(containing: "left out: payment card")
                try await reader(bench, rig, [kind, device, card(1)])
                _ = try await recorder.errors.line(containing: "scan 1")
                try await reader(bench, rig, [kind, device, card(1)])
                #expect(try await recorder.exitCode() == 0, "\(recorder.errors.text)")
                let decoded = try await bench.run("loyaltyctl", ["readers", "decode", file, "--json"])
                #expect(decoded.code == 0, "\(decoded.output)\(decoded.errors)")
                let numbers = decoded.output.matches(of: /"text"\s*:\s*"(\d{13})"/).map { String($0.1) }
                // The same number twice, of the same length and with its check digit, but not the card's.
                #expect(
                    numbers.count == 2 && Set(numbers).count == 1 && !numbers.contains(card(1)), "\(decoded.output)")
                #expect(numbers.allSatisfy(hasCheckDigit))
                seen.append((file, Array(try Data(contentsOf: URL(filePath: file)))))
                seen.append((file + " decoded", Array(decoded.output.utf8)))
                seen.append(("output", Array((recorder.output.text + recorder.errors.text).utf8)))
            }
            #expect(try await daemon.stop() == 0)
            seen += try bench.stateFiles() + [("log", Array(daemon.errors.text.utf8))]
            #expect(DigitSearch([payment, card(1)]).hits(seen) == [])
        }
    }

    private func hasCheckDigit(_ digits: String) -> Bool {
        let sum = digits.utf8.enumerated().reduce(0) { $0 + Int($1.element - 48) * ($1.offset % 2 == 0 ? 1 : 3) }
        return sum % 10 == 0
    }
}
