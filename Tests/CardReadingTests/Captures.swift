import CardReading
import Foundation
import LoyaltyModel
import Testing

/// A file of `Examples/captures`, in the format that its README describes.
struct Capture: Decodable {
    struct Case: Decodable {
        struct Expected: Decodable {
            var text: String?
            var tracks: [String]?
            var symbology: String?
        }
        struct Part: Decodable {
            var report: Int?
            var offset: Int
            var hex: String
        }
        var id: String
        var reportsHex: [String]?
        var partial: [Part]?
        var keyboardText: String?
        var expected: Expected?
    }
    var kind: String
    var reportDescriptorHex: String?
    var reportDescriptorPrefixHex: String?
    var cases: [Case]
    var keyboardCases: [Case]?

    static func named(_ name: String) throws -> Capture {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "Examples/captures/\(name).json"))
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Capture.self, from: data)
    }

    func descriptor() throws -> [UInt8] { try #require(reportDescriptorHex.map(bytes)) }
}

/// The bytes of a string of hex digits, blanks ignored.
func bytes(_ hex: String) -> [UInt8] {
    let digits = hex.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
}

extension ScanDecoder {
    /// The decoder for a HID interface with that descriptor.
    static func reading(
        _ descriptor: [UInt8], subclass: UInt8 = 1, vendor: UInt16 = 0, options: ReaderOptions = .init()
    ) throws -> ScanDecoder {
        let facts = InterfaceFacts(
            vendorID: vendor, productID: 0, interfaceNumber: 0, interfaceClass: 3, interfaceSubclass: subclass,
            interfaceProtocol: subclass, reportDescriptor: descriptor)
        return try reading(facts, options: options)
    }

    static func reading(_ facts: InterfaceFacts, options: ReaderOptions = .init()) throws -> ScanDecoder {
        guard case .reads(let decoder) = choose(for: facts, options: options) else {
            throw LoyaltyError(.badDescriptor, "ignored")
        }
        return decoder
    }

    static func keyboard(_ options: ReaderOptions = .init()) throws -> ScanDecoder {
        try reading(.usual(for: .keyboard), options: options)
    }

    /// Feeds reports 4 ms apart.
    mutating func receive(_ reports: [String], from start: UInt64 = 0) -> [DecodedScan] {
        reports.enumerated().flatMap { index, hex in
            receive(bytes(hex), at: .milliseconds(start + 4 * UInt64(index)))
        }
    }

    /// Feeds boot reports 4 ms apart.
    mutating func receive(_ reports: [[UInt8]], from start: UInt64 = 0) -> [DecodedScan] {
        reports.enumerated().flatMap { index, report in receive(report, at: .milliseconds(start + 4 * UInt64(index))) }
    }
}

extension DecodedScan {
    var string: String { String(decoding: text, as: UTF8.self) }
}

/// Types text as boot reports of a US keyboard: key, release, key… The table is that of HID Usage Tables 1.12, page 07.
enum USTyping {
    private static let rows: [(first: UInt8, plain: String, shifted: String)] = [
        (0x04, "abcdefghijklmnopqrstuvwxyz1234567890", "ABCDEFGHIJKLMNOPQRSTUVWXYZ!@#$%^&*()"),
        (0x28, "\r", "\r"), (0x2b, "\t", "\t"), (0x2c, " -=[]\\", " _+{}|"), (0x33, ";'`,./", ":\"~<>?"),
    ]

    static func reports(_ text: String) -> [[UInt8]] {
        text.flatMap { character -> [[UInt8]] in
            for row in rows {
                for (modifiers, keys) in [(UInt8(0), row.plain), (0x02, row.shifted)] {
                    guard let index = keys.firstIndex(of: character) else { continue }
                    let usage = row.first + UInt8(keys.distance(from: keys.startIndex, to: index))
                    return [[modifiers, 0, usage, 0, 0, 0, 0, 0], [UInt8](repeating: 0, count: 8)]
                }
            }
            Issue.record("no key for \(character)")
            return []
        }
    }
}
