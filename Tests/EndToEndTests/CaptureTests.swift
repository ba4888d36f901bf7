import Foundation
import Testing

/// Recordings of real readers, through the program that a field tech has.
@Suite("Recordings of readers") struct CaptureTests {
    /// As much of a capture file as tells whether there is anything to decode.
    private struct File: Decodable {
        struct Case: Decodable {
            var reports: [String]?
            var text: String?
            var typed: String?
            var hasBytes: Bool { reports?.isEmpty == false || text != nil || typed != nil }

            enum CodingKeys: String, CodingKey {
                case reports = "reports_hex"
                case text = "text_hex"
                case typed = "keyboard_text"
            }
        }
        var cases: [Case]
        var keyboardCases: [Case]?

        enum CodingKeys: String, CodingKey {
            case cases
            case keyboardCases = "keyboard_cases"
        }
    }

    private struct Report: Decodable {
        struct Case: Decodable {
            var id: String
            var agrees: Bool?
            var differences: [String]
            var skipped: String?
        }
        var agrees: Bool
        var cases: [Case]
    }

    private static let folder = URL(filePath: Bench.root + "/Examples/captures")
    /// Without bytes of a reader: a list of ids, and a device that turned out to be none.
    private static let factsAlone: Set<String> = ["device-ids-seen", "kbd-boot-interface-vendor-descriptor"]

    private static let names: [String] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        return files.filter { $0.hasSuffix(".json") }.map { String($0.dropLast(5)) }.sorted()
    }()

    @Test("every file decodes to what it expects through loyaltyctl readers decode --json", arguments: names)
    func decodes(name: String) async throws {
        let path = Self.folder.appending(path: name + ".json").path
        let file = try JSONDecoder().decode(File.self, from: Data(contentsOf: URL(filePath: path)))
        let cases = file.cases + (file.keyboardCases ?? [])
        try await Bench.run { bench in
            let run = try await bench.run("loyaltyctl", ["readers", "decode", path, "--json"])
            if Self.factsAlone.contains(name) {
                #expect(run.code == 65 && !cases.contains(where: \.hasBytes))
                #expect(run.errors.contains("capture.no_decoder"))
                return
            }
            #expect(run.code == 0, "\(run.errors)")
            let report: Report = try decoded(run.output)
            #expect(report.agrees, "\(report.cases.flatMap(\.differences))")
            #expect(report.cases.count == cases.count)
            for (given, found) in zip(cases, report.cases) {
                #expect(given.hasBytes == (found.skipped == nil), "\(found.id)")
            }
        }
    }

    @Test("there are recordings at all")
    func some() { #expect(Self.names.count >= 28) }
}
