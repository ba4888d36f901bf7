import CardReading
import Foundation
import LoyaltyModel
import Testing

/// A swipe of `Examples/captures`: what the reader sent and what must come of it.
struct StripeCapture: Sendable, CustomTestStringConvertible {
    struct Expected: Decodable, Sendable {
        var tracks: [String]
        var encrypted: Bool?
        var paymentCard: Bool?
        var number: String?
    }
    struct Case: Decodable, Sendable {
        var id: String
        var reportsHex: [String]?
        var keyboardText: String?
        var expected: Expected?
    }
    private struct File: Decodable {
        var vid: String
        var kind: String
        var reportDescriptorHex: String?
        var cases: [Case]
        var keyboardCases: [Case]?
    }

    var facts: InterfaceFacts
    var swipe: Case

    var testDescription: String { swipe.id }
    var reports: [[UInt8]] { swipe.reportsHex?.map(bytes) ?? [] }

    static let kinds: [String: ReaderProtocol] = [
        "msr-hid-0x8e": .hidMSR, "msr-hid-vendor": .magtek, "msr-hid-vendor-encrypting": .magnesafe,
        "msr-hid-idtech": .idtech, "msr-keyboard": .keyboard,
    ]
    static let files = [
        "hid-msr-page-8e-synthesised", "magtek-sureswipe-hid", "magtek-magnesafe-v5-hid", "idtech-hid-synthesised",
        "idtech-keyboard-synthesised", "magtek-mini-swipe-kb",
    ]
    static let all: [StripeCapture] = files.flatMap { name in
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        guard let data = try? Data(contentsOf: root.appending(path: "Examples/captures/\(name).json")),
            let file = try? decoder.decode(File.self, from: data), let kind = kinds[file.kind]
        else {
            Issue.record("cannot read the capture \(name)")
            return [StripeCapture]()
        }
        let usual = InterfaceFacts.usual(for: kind)
        let facts = InterfaceFacts(
            vendorID: UInt16(file.vid, radix: 16) ?? 0, productID: 0, interfaceNumber: 0, interfaceClass: 3,
            interfaceSubclass: usual.interfaceSubclass, interfaceProtocol: usual.interfaceProtocol,
            reportDescriptor: file.reportDescriptorHex.map(bytes) ?? usual.reportDescriptor)
        return (file.cases + (file.keyboardCases ?? [])).map { StripeCapture(facts: facts, swipe: $0) }
    }
    static let inHIDMode = all.filter { $0.swipe.reportsHex?.isEmpty == false }

    static func named(_ id: String) throws -> StripeCapture { try #require(all.first { $0.swipe.id == id }) }

    /// What comes of the swipe, an end by silence included.
    func scans(_ decoder: inout ScanDecoder) -> [DecodedScan] {
        let reports = swipe.keyboardText.map(USTyping.reports) ?? reports
        var scans = decoder.receive(reports)
        if let deadline = decoder.deadline { scans += decoder.expire(at: deadline) }
        return scans
    }

    func decoder() throws -> ScanDecoder { try ScanDecoder.reading(facts) }
}

@Suite struct StripeCaptureTests {
    private let classifier: CardClassifier

    init() throws { classifier = try CardClassifier(schemes: []) }

    @Test("Every protocol of stripe readers has a capture")
    func coverage() throws {
        let kinds = try Set(StripeCapture.all.map { try $0.decoder().kind })
        #expect(kinds == [.hidMSR, .magtek, .magnesafe, .idtech, .keyboard])
        #expect(StripeCapture.inHIDMode.count > 25)
    }

    @Test(
        "A capture gives its tracks, and as a card: loyalty numbers pass, bank cards and encrypted ones do not",
        arguments: StripeCapture.all.filter { $0.swipe.expected != nil })
    func expected(capture: StripeCapture) throws {
        let expected = try #require(capture.swipe.expected)
        var decoder = try capture.decoder()
        let scans = capture.scans(&decoder)
        let scan = try #require(scans.first)
        #expect(scans.count == 1)
        // Nothing of the encrypted data, serial numbers and hashes that the reader sent beside the tracks.
        #expect(scan.string == expected.tracks.joined())
        #expect(scan.entry == .msr)
        #expect(decoder.droppedPartialScans == 0)
        let outcome = classifier.classify(scan)
        if expected.encrypted == true {
            #expect(outcome == .refused(.encryptedCard))
        } else if expected.paymentCard == true {
            #expect(outcome == .refused(.paymentCard))
        } else {
            #expect(outcome.number?.value == expected.number && expected.number != nil)
        }
    }

    @Test(
        "The same swipe again is the same card: nothing is left of the one before", arguments: StripeCapture.inHIDMode)
    func again(capture: StripeCapture) throws {
        var decoder = try capture.decoder()
        let first = capture.scans(&decoder)
        var second: [DecodedScan] = []
        for (index, report) in capture.reports.enumerated() {
            second += decoder.receive(report, at: .milliseconds(5000 + 4 * UInt64(index)))
        }
        #expect(second.map(\.text) == first.map(\.text))
        #expect(decoder.deadline == nil)
    }

    @Test(
        "A swipe whose end is missing is dropped when time is up, and the next one counts",
        arguments: StripeCapture.inHIDMode)
    func brokenOff(capture: StripeCapture) throws {
        var decoder = try capture.decoder()
        let whole = capture.scans(&decoder).map(\.text)
        let reports = capture.reports
        let half = reports.count > 1 ? Array(reports.prefix(3)) : [Array(reports[0].prefix(60))]
        #expect(decoder.receive(half, from: 1000).isEmpty)
        let deadline = try #require(decoder.deadline)
        #expect(deadline == .milliseconds(1500 + 4 * UInt64(half.count - 1)))
        #expect(decoder.expire(at: deadline).isEmpty)
        #expect(decoder.droppedPartialScans == 1 && decoder.deadline == nil)
        // The tail that comes late is not the beginning of anything.
        if reports.count > 1 { #expect(decoder.receive(Array(reports.dropFirst(3).prefix(2)), from: 1700).isEmpty) }
        #expect(decoder.deadline == nil)
        var next: [DecodedScan] = []
        for (index, report) in reports.enumerated() {
            next += decoder.receive(report, at: .milliseconds(3000 + 4 * UInt64(index)))
        }
        #expect(next.map(\.text) == whole)
    }

    @Test("Unplugged in the middle of a swipe: no card is made of two halves", arguments: StripeCapture.inHIDMode)
    func reset(capture: StripeCapture) throws {
        var decoder = try capture.decoder()
        let whole = capture.scans(&decoder).map(\.text)
        let reports = capture.reports
        let half = reports.count > 1 ? Array(reports.prefix(3)) : [Array(reports[0].prefix(60))]
        #expect(decoder.receive(half, from: 1000).isEmpty)
        decoder.reset()
        #expect(decoder.deadline == nil && decoder.droppedPartialScans == 1)
        var next: [DecodedScan] = []
        for (index, report) in reports.enumerated() {
            next += decoder.receive(report, at: .milliseconds(1100 + 4 * UInt64(index)))
        }
        #expect(next.map(\.text) == whole)
    }

    @Test("Damaged swipes neither trap nor give what no track has", arguments: 0..<6)
    func garbage(seed: UInt64) throws {
        var random = SeededNoise(state: seed &+ 77)
        for capture in StripeCapture.inHIDMode {
            var decoder = try capture.decoder()
            var now = MonotonicTime.zero
            for _ in 0..<40 {
                var reports = capture.reports
                for _ in 0..<Int.random(in: 1...6, using: &random) {
                    let report = Int.random(in: reports.indices, using: &random)
                    let index = Int.random(in: reports[report].indices, using: &random)
                    reports[report][index] = UInt8.random(in: 0...255, using: &random)
                }
                let cut = Int.random(in: 0...reports[0].count, using: &random)
                if Bool.random(using: &random) { reports[0] = Array(reports[0].prefix(cut)) }
                for report in reports {
                    now = now.adding(.milliseconds(Int.random(in: 0...300, using: &random)))
                    for scan in decoder.receive(report, at: now) {
                        #expect(scan.entry == .msr && scan.text.count <= 3 * 255)
                        #expect(scan.text.allSatisfy { (0x20...0x7e).contains($0) && $0 != 0x7c })
                        _ = classifier.classify(scan)
                    }
                }
            }
        }
    }

    @Test("No card is made of noise", arguments: 0..<6)
    func noise(seed: UInt64) throws {
        var random = SeededNoise(state: seed &+ 1)
        for kind in [ReaderProtocol.hidMSR, .magtek, .magnesafe, .idtech] {
            var decoder = try ScanDecoder.reading(.usual(for: kind))
            for round in 0..<300 {
                let length =
                    Bool.random(using: &random) ? decoder.inputReportLength : Int.random(in: 0...64, using: &random)
                let report = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                for scan in decoder.receive(report, at: .milliseconds(UInt64(round) * 1000)) {
                    #expect(classifier.classify(scan).number == nil)
                }
            }
        }
    }
}

/// A generator with a written seed: the same noise each time.
struct SeededNoise: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
