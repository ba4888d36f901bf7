import CardReading
import Foundation
import LoyaltyModel
import Testing

/// The captures of vendor protocols and serial ports, and what their sources say they are.
@Suite struct VendorCaptureTests {
    private struct Port: Decodable {
        struct Usb: Decodable {
            var adapter: String?
        }
        struct Layout: Decodable {
            var reportId: Int?
        }
        var usb: Usb
        var layout: Layout?
    }

    private static let files = [
        ("ibm-oem-handheld-symbol", 2), ("ibm-oem-derived", 6), ("simple-com-derived", 4), ("snapi-derived", 7),
        ("gm861-serial", 2), ("serial-cdc-derived", 2), ("serial-ftdi-derived", 2),
    ]

    private func decoder(_ name: String, _ capture: Capture) throws -> ScanDecoder {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let strategy = JSONDecoder()
        strategy.keyDecodingStrategy = .convertFromSnakeCase
        let port = try strategy.decode(
            Port.self, from: Data(contentsOf: root.appending(path: "Examples/captures/\(name).json")))
        switch capture.kind {
        case "ibm-usb-oem-handheld": return try .reading(.usual(for: .ibmOEM))
        case "vendor-hid-length-data": return try .reading(.usual(for: .simpleCOM))
        case "snapi": return try .reading(.usual(for: .snapi))
        default:
            return try .reading(.serial(port.usb.adapter.flatMap { SerialAdapter(rawValue: $0) } ?? .cdcACM))
        }
    }

    @Test("Every case reads as its source says", arguments: files)
    func capture(name: String, count: Int) throws {
        let capture = try Capture.named(name)
        #expect(capture.cases.count == count)
        for sample in capture.cases {
            var decoder = try decoder(name, capture)
            let scans = decoder.receive(try #require(sample.reportsHex))
            #expect(scans.map(\.string) == [try #require(sample.expected?.text)], "\(sample.id)")
            // Without an identifier a serial scanner cannot tell; then the classifier goes by the digits.
            if let symbology = scans.first?.symbology {
                #expect(symbology.rawValue == sample.expected?.symbology, "\(sample.id)")
            } else {
                #expect(decoder.kind == .serial || decoder.kind == .simpleCOM, "\(sample.id)")
            }
            #expect(decoder.droppedPartialScans == 0 && decoder.deadline == nil, "\(sample.id)")
        }
    }

    @Test("A scan that ends one report too early leaves nothing behind", arguments: files)
    func cutShort(name: String, count: Int) throws {
        let capture = try Capture.named(name)
        for sample in capture.cases where (sample.reportsHex?.count ?? 0) > 1 && sample.id != "split-packets" {
            var decoder = try decoder(name, capture)
            #expect(decoder.receive(Array(try #require(sample.reportsHex).dropLast())).isEmpty, "\(sample.id)")
            let deadline = try #require(decoder.deadline)
            #expect(decoder.expire(at: deadline).isEmpty, "\(sample.id)")
            #expect(decoder.droppedPartialScans == 1, "\(sample.id)")
        }
    }

    @Test("Microscan's answers to commands are no scans, whole or in parts")
    func microscanAnswers() throws {
        let capture = try Capture.named("microscan-hid-examples")
        let answer = try #require(capture.cases.last?.reportsHex)
        var alone = try microscan()
        #expect(alone.receive(answer).isEmpty)
        // The first part as the manual prints it, cut to the 62 characters that it says are in the report.
        let first = Array("<K714,1, A LONG MESSAGE STREAMED OVER MULTIPLE MICROSCAN HID RE".utf8.prefix(62))
        var whole = try microscan()
        #expect(whole.receive([[1, 62] + first]).isEmpty)
        #expect(whole.deadline == .milliseconds(500))
        #expect(whole.receive(answer, from: 4).isEmpty)
        #expect(whole.droppedPartialScans == 0)
        #expect(whole.receive([bytes("0108") + Array("CARD1234".utf8)], from: 8).map(\.string) == ["CARD1234"])
    }

    /// One vendor-defined input report with ID 1 and 63 bytes; the settings say what it is.
    private func microscan() throws -> ScanDecoder {
        let descriptor = bytes("06 00 ff 09 01 a1 01 85 01 15 00 26 ff 00 75 08 95 3f 09 01 81 02 c0")
        return try .reading(descriptor, subclass: 0, options: ReaderOptions(protocolHint: .simpleCOM))
    }
}
