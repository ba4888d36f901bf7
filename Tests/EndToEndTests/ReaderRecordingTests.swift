import Foundation
import Testing

/// `loyaltyctl readers record` at a daemon that plays captures in place of readers.
@Suite("Recordings of readers", .serialized)
struct ReaderRecordingTests {
    private static let payment = ["4111111111111111", "5452300551227189", "5163499080020445", "378282246310005"]

    /// A payment card and a club's card, as that reader would type or send them.
    private static func capture(_ kind: String, _ cases: [(id: String, json: String)]) -> String {
        let cases = cases.map { "{\"id\": \"\($0.id)\", \($0.json)}" }.joined(separator: ", ")
        return
            "{\"name\": \"\(kind)\", \"vid\": \"1209\", \"pid\": \"0002\", \"kind\": \"\(kind)\", \"cases\": [\(cases)]}"
    }

    private func start(_ bench: Bench) async throws -> ChildProcess {
        let serial = "\(card(7))\r".utf8.map { String($0, radix: 16, uppercase: false) }
            .map { $0.utf8.count < 2 ? "0" + $0 : $0 }.joined()
        try bench.write(
            "keys.json",
            Self.capture(
                "keyboard",
                [
                    ("a", #""keyboard_text": "%B4111111111111111^DOE/JOHN^2512?;4111111111111111=2512?\r""#),
                    ("b", "\"keyboard_text\": \"\(card(7))\\r\""), ("c", #""keyboard_text": "378282246310005\r""#),
                    // Without its terminator: half a scan.
                    ("d", #""keyboard_text": "4111111111111111""#),
                ]))
        try bench.write("serial.json", Self.capture("serial", [("a", "\"reports_hex\": [\"\(serial)\"]")]))
        let stripes = Bench.root + "/Examples/captures/magtek-sureswipe-hid.json"
        try bench.configure()
        let text = try String(contentsOfFile: bench.configurationFile, encoding: .utf8)
        let files = ["keys.json", "serial.json"].map { bench.directory + "/" + $0 } + [stripes]
        try bench.write(
            "loyaltyd.toml",
            text.replacing(
                "backend = \"none\"",
                with:
                    "backend = \"capture\"\nrepeat = true\nfiles = [\(files.map { "\"\($0)\"" }.joined(separator: ", "))]"
            ))
        let daemon = try await bench.startDaemon()
        _ = try await bench.control("status", "--json") { run in
            guard let status = try? run.status() else { return false }
            return status.readers.count { $0.state == "ready" } == 3
        }
        return daemon
    }

    @Test("no payment card and no card of a club's is in file, output or log; the file decodes and is private")
    func records() async throws {
        try await Bench.run { bench in
            let daemon = try await start(bench)
            let files = (1...3).map { bench.directory + "/r\($0).json" }
            async let keys = bench.control(
                "readers", "record", "usb-capture-1:0", "-o", files[0], "--seconds", "14", "--json")
            async let serial = bench.control("readers", "record", "usb-capture-2:0", "-o", files[1], "--scans", "1")
            async let stripes = bench.control("readers", "record", "usb-capture-3:0", "-o", files[2], "--seconds", "14")
            let runs = try await [keys, serial, stripes]
            #expect(runs.map(\.code) == [0, 0, 0], "\(runs.map(\.errors))")
            #expect(runs[0].output.contains("\"payment_card\""))
            var seen = [(name: String, bytes: [UInt8])]()
            for file in files {
                let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
                #expect(mode == 0o600)
                let decoded = try await bench.run("loyaltyctl", ["readers", "decode", file])
                #expect(decoded.code == 0 && decoded.output.contains("as expected"), "\(decoded.output)")
                seen.append((file, Array(try Data(contentsOf: URL(filePath: file)))))
                seen.append((file + " decoded", Array(decoded.output.utf8)))
            }
            #expect(try await daemon.stop() == 0)
            for run in runs { seen.append(("output", Array((run.output + run.errors).utf8))) }
            seen.append(("log", Array(daemon.errors.text.utf8)))
            seen += try bench.stateFiles()
            #expect(DigitSearch(Self.payment + [card(7), "9528123456789012"]).hits(seen) == [])
            // The same as bytes and as keys of the digit row.
            for number in Self.payment + [card(7), "9528123456789012"] {
                let bytes = number.utf8.map { String($0, radix: 16) }.joined()
                let usages = number.utf8.map {
                    ["27", "1e", "1f", "20", "21", "22", "23", "24", "25", "26"][Int($0 - 0x30)]
                }
                for (name, content) in seen.prefix(6) {
                    let text = String(decoding: content, as: UTF8.self)
                    #expect(!text.contains(bytes), "\(name)")
                    let hex = text.split(separator: "\"").filter { $0.utf8.count == 16 && $0.hasPrefix("0") }
                    let keys = hex.map { $0.dropFirst(4).prefix(2) }.filter { $0 != "00" }.joined()
                    #expect(!keys.contains(usages.joined()), "\(name)")
                }
            }
            let log = daemon.errors.text
            #expect(log.contains("a reader is being recorded") && log.contains("uid=\(getuid())"))
            #expect(log.contains("the recording has ended"))
        }
    }

    @Test("real digits need a second yes; an unknown reader and a file that is there already are refused")
    func refuses() async throws {
        try await Bench.run { bench in
            let daemon = try await start(bench)
            let once = try await bench.control("readers", "record", "usb-capture-2:0", "--keep-digits")
            #expect(once.code == 64 && once.errors.contains("--yes-really-keep-card-digits"))
            let file = bench.directory + "/kept.json"
            let twice = try await bench.control(
                "readers", "record", "usb-capture-2:0", "--keep-digits", "--yes-really-keep-card-digits", "-o", file,
                "--scans", "1")
            #expect(twice.code == 0)
            #expect(try String(contentsOfFile: file, encoding: .utf8).contains(card(7)))
            #expect(daemon.errors.text.contains("digits=kept"))
            let again = try await bench.control("readers", "record", "usb-capture-2:0", "-o", file)
            #expect(again.code == 73 && again.errors.contains("already"))
            let unknown = try await bench.control("readers", "record", "usb-9-9:0", "-o", bench.directory + "/n.json")
            #expect(unknown.code == 65 && unknown.errors.contains("no such reader"))
            #expect(!FileManager.default.fileExists(atPath: bench.directory + "/n.json"))
            let unnamed = try await bench.control("readers", "record", "-o", bench.directory + "/n.json")
            #expect(unnamed.code == 65 && unnamed.errors.contains("several readers are ready"))
            #expect(unnamed.errors.contains("usb-capture-2:0"), "the choice is told")
            #expect(try await bench.control("readers", "test").code == 65)
            #expect(try await daemon.stop() == 0)
            #expect(!daemon.errors.text.contains(card(7)))
        }
    }
}
