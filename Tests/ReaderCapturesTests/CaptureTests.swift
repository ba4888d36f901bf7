import CardReading
import Foundation
import LoyaltyModel
import ReaderCaptures
import Testing

/// A file of Examples/captures.
func example(_ name: String) throws -> Capture {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    return try Capture(path: root.appending(path: "Examples/captures/\(name).json").path)
}

private func capture(_ json: String) throws -> Capture { try Capture(json: Array(json.utf8)) }

@Suite("Capture files") struct CaptureTests {
    static let readable = [
        "gs1-scan-strings", "kbd-generic-node-hid-323", "kbd-alt-numpad-unix-se-392654", "magtek-mini-swipe-kb",
        "hid-msr-page-8e-synthesised", "magtek-sureswipe-hid", "magtek-magnesafe-v5-hid", "idtech-hid-synthesised",
        "idtech-keyboard-synthesised", "access-is-lsr118", "hidpos-honeywell-style-144", "hidpos-descriptor-127",
        "ibm-oem-handheld-symbol", "ibm-oem-derived", "symbol-simple-com-05e0-0600", "simple-com-derived",
        "microscan-hid-examples", "snapi-derived", "gm861-serial", "serial-cdc-derived", "serial-ftdi-derived",
        "serial-prolific-derived",
        "serial-cp210x-derived", "hidpos-honeywell-derived", "hidpos-newland-derived",
    ]

    @Test(
        "Every protocol and every serial adapter has a recording with reports, and it is read by that protocol's decoder"
    )
    func coverage() throws {
        var protocols: Set<ReaderProtocol> = []
        var adapters: Set<SerialAdapter> = []
        for name in try Self.files() {
            let capture = try example(name)
            let hasReports = capture.cases.contains { sample in
                switch sample.payload {
                case .reports, .typing: true
                case .text, .nothing: false
                }
            }
            guard hasReports, let decoder = try CaptureDecoder(capture).decoder(for: .nothing) else { continue }
            protocols.insert(decoder.kind)
            if decoder.kind == .serial { adapters.insert(capture.serialAdapter ?? .cdcACM) }
        }
        #expect(protocols == Set(ReaderProtocol.allCases))
        #expect(adapters == Set(SerialAdapter.allCases))
    }

    @Test("A recording whose name says that it was not made of a device says so inside, case by case or as a whole")
    func synthesised() throws {
        struct File: Decodable {
            struct Case: Decodable { var derived: Bool? }
            var derived: Bool?
            var cases: [Case]
        }
        let made = try Self.files().filter { $0.hasSuffix("derived") || $0.hasSuffix("synthesised") }
        #expect(!made.isEmpty)
        for name in made {
            let file = try JSONDecoder().decode(
                File.self, from: Data(contentsOf: Self.folder.appending(path: "\(name).json")))
            #expect(file.derived == true || file.cases.allSatisfy { $0.derived == true }, "\(name)")
        }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Examples/captures")

    private static func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".json") }
            .map { String($0.dropLast(5)) }
    }

    @Test("Every case of the examples is what its source says", arguments: readable)
    func examples(name: String) throws {
        let capture = try example(name)
        let report = try CaptureReport(capture)
        #expect(report.agrees, "\(report.cases.flatMap(\.differences))")
        #expect(report.cases.count == capture.cases.count)
        // The two keyboard strings of MagTek's manual that state no result.
        let silent = capture.cases.count { $0.expected == nil }
        #expect(silent == (name == "magtek-magnesafe-v5-hid" ? 2 : 0))
        for (sample, found) in zip(capture.cases, report.cases) {
            if case .nothing = sample.payload { continue }
            #expect(found.agrees == (sample.expected == nil ? nil : true))
        }
    }

    @Test("Every example file can be read, whether something decodes it or not")
    func files() throws {
        let captures = try Self.files()
        #expect(captures.count >= 18)
        for name in captures { _ = try example(name) }
    }

    @Test("A payment card shows as refused, and no digit of it stands in the report")
    func payment() throws {
        let report = try CaptureReport(example("magtek-mini-swipe-kb"))
        #expect(report.cases.first?.scans.map(\.outcome) == ["payment_card"])
        let json = String(decoding: try JSONEncoder().encode(report), as: UTF8.self)
        for part in ["5452", "7189", "HOGAN", "5163"] { #expect(!json.contains(part)) }
        let barcode = try capture(
            #"{"kind": "keyboard", "cases": [{"id": "a", "keyboard_text": "4111111111111111\r"}]}"#)
        let scan = try #require(try CaptureReport(barcode).cases.first?.scans.first)
        #expect(scan.outcome == "payment_card" && scan.text == nil)
    }

    @Test("What the file does not expect is a difference, told without the text of a refused card")
    func differences() throws {
        let file = try capture(
            """
            {"kind": "keyboard", "cases": [
              {"id": "text", "keyboard_text": "123\\r", "expected": {"text": "124"}},
              {"id": "none", "keyboard_text": "12", "expected": {"text": "12"}},
              {"id": "card", "keyboard_text": ";5452300551227189=0804?\\r", "expected": {"text": "1", "payment_card": false}},
              {"id": "silent", "keyboard_text": "123\\r", "expected": {"kind": "management-response"}},
              {"id": "good", "keyboard_text": "123\\r", "expected": {"text": "123", "payment_card": false}}]}
            """)
        let report = try CaptureReport(file)
        #expect(!report.agrees)
        #expect(report.cases.map(\.agrees) == [false, false, false, false, true])
        #expect(report.cases[0].differences == [#"expected the text "124", read "123""#])
        #expect(report.cases[1].dropped == 1)
        #expect(!report.cases[2].differences.joined().contains("5452"))
        #expect(try CaptureReport(file, only: "good").agrees)
        #expect { try CaptureReport(file, only: "other") } throws: { ($0 as? LoyaltyError)?.code == .captureSyntax }
    }

    @Test("The layout is that of the reader", arguments: KeyboardLayout.all)
    func layouts(layout: KeyboardLayout) throws {
        let file = try capture(
            #"{"kind": "keyboard", "cases": [{"id": "a", "keyboard_text": "Az-2984+^\r", "expected": {"text": "Az-2984+^"}}]}"#
        )
        #expect(try CaptureReport(file, options: ReaderOptions(layout: layout)).agrees)
    }

    @Test("Recorded times count: a gap inside a scan drops it")
    func times() throws {
        let reports =
            #""00001e0000000000", "0000000000000000", "00001f0000000000", "0000000000000000", "0000280000000000""#
        for (times, text) in [("0, 4, 8, 12, 16", "12"), ("0, 4, 200, 204, 208", nil)] as [(String, String?)] {
            let file = try capture(
                #"{"kind": "keyboard", "cases": [{"id": "a", "reports_hex": [\#(reports)], "at_ms": [\#(times)]}]}"#)
            let found = try #require(try CaptureReport(file).cases.first)
            #expect(found.scans.map(\.text) == (text.map { [$0] } ?? []))
        }
    }

    @Test(
        "A reader of a kind that nothing reads is named",
        arguments: [
            #"{"kind": "id-list", "cases": []}"#, #"{"kind": "new", "report_descriptor_hex": "05", "cases": []}"#,
            #"{"kind": "keyboard", "report_descriptor_hex": "0600ff", "cases": []}"#,
        ])
    func noDecoder(json: String) throws {
        let file = try capture(json)
        let error = try #require(throws: LoyaltyError.self) { try CaptureReport(file) }
        #expect(error.code == .captureNoDecoder && error.code.kind == .badData)
        #expect(error.message.hasPrefix("no decoder for \(file.kind)"))
    }

    @Test(
        "A mistake in the file is named with its place",
        arguments: [
            "[]", "{}", #"{"kind": 1}"#, #"{"kind": "a", "vid": "12345"}"#, #"{"kind": "a", "cases": [{}]}"#,
            #"{"kind": "a", "cases": [{"id": "x", "reports_hex": ["0"]}]}"#,
            #"{"kind": "a", "cases": [{"id": "x", "reports_hex": ["0g"]}]}"#,
            #"{"kind": "a", "cases": [{"id": "x", "reports_hex": ["00"], "at_ms": []}]}"#,
            #"{"kind": "a", "cases": [{"id": "x", "reports_hex": ["00", "00"], "at_ms": [5, 4]}]}"#,
            #"{"kind": "a", "cases": [{"id": "x", "text_hex": "5g"}]}"#,
        ])
    func mistakes(json: String) throws {
        let error = try #require(throws: LoyaltyError.self) { try capture(json) }
        #expect(error.code.kind == .badData && error.place?.line == 1)
    }
}
