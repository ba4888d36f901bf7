import CardReading
import LoyaltyModel
import Testing

@Suite struct ScanDecoderTests {
    private static let descriptorFiles = [
        "magtek-sureswipe-hid", "magtek-magnesafe-v5-hid", "magtek-mini-swipe-kb", "hidpos-honeywell-style-144",
        "hidpos-descriptor-127", "kbd-boot-interface-vendor-descriptor",
    ]

    private func reason(_ descriptor: [UInt8], interfaceClass: UInt8 = 3) -> String? {
        let facts = InterfaceFacts(
            vendorID: 0x05e0, productID: 0x1200, interfaceNumber: 0, interfaceClass: interfaceClass,
            interfaceSubclass: 1,
            interfaceProtocol: 1, reportDescriptor: descriptor)
        guard case .ignored(let reason) = ScanDecoder.choose(for: facts) else { return nil }
        return reason
    }

    @Test("A boot-keyboard interface is none until its descriptor says so")
    func bootInterfaceWithoutKeyboard() throws {
        #expect(
            reason(try Capture.named("kbd-boot-interface-vendor-descriptor").descriptor())?.contains("ff00/1") == true)
        #expect(reason([])?.contains("empty") == true)
        #expect(reason(bytes("05"))?.contains("byte 0") == true)
        #expect(reason(InterfaceFacts.usual(for: .keyboard).reportDescriptor, interfaceClass: 10) != nil)
        #expect(reason(InterfaceFacts.usual(for: .keyboard).reportDescriptor) == nil)
    }

    @Test("The usual interfaces are read by their decoders", arguments: ReaderProtocol.allCases)
    func usual(kind: ReaderProtocol) throws {
        #expect(try ScanDecoder.reading(.usual(for: kind)).kind == kind)
    }

    @Test(
        "A line with a symbology identifier alone, or a typed frame with no track in it, is no scan",
        arguments: ["]E0", "c]E0", "]C1", "0205000000000000000003", "0205000107000000060803"])
    func nothingBehindTheIdentifier(line: String) throws {
        var decoder = try ScanDecoder.reading(.usual(for: .serial))
        #expect(decoder.receive(Array((line + "\r").utf8), at: MonotonicTime(nanoseconds: 1)).isEmpty)
        #expect(decoder.receive(Array("4006381333931\r".utf8), at: MonotonicTime(nanoseconds: 2)).count == 1)
    }

    /// Card type 00 is the original format, whose tracks begin behind 8 bytes; here 10 stand in hexadecimal digits (ID TECH
    /// 80000502-001). Length, LRC and sum are right.
    @Test("A typed frame whose header is that of the other format is text, and no swipe")
    func headerOfTheOtherFormat() throws {
        var decoder = try ScanDecoder.reading(.usual(for: .serial))
        let line = "020C00000905000003BF%A^B?F71503"
        let scans = decoder.receive(Array((line + "\r").utf8), at: MonotonicTime(nanoseconds: 1))
        #expect(scans.map(\.text) == [Array(line.utf8)] && scans.map(\.entry) == [.scanned])
    }

    /// A generator with a written seed: the same garbage each time.
    private struct Garbage: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state ^ (state >> 29)
        }
    }

    @Test("Damaged descriptors and random reports neither trap nor make up numbers without an end", arguments: 0..<8)
    func garbage(seed: Int) throws {
        var random = Garbage(state: UInt64(seed) &+ 0x9e37_79b9)
        var descriptors = try Self.descriptorFiles.map { try Capture.named($0).descriptor() }
        descriptors += ReaderProtocol.allCases.map { InterfaceFacts.usual(for: $0).reportDescriptor }.filter {
            !$0.isEmpty
        }
        var readable = 0
        for round in 0..<400 {
            var descriptor = descriptors[round % descriptors.count]
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                descriptor[Int.random(in: descriptor.indices, using: &random)] = UInt8.random(
                    in: 0...255, using: &random)
            }
            if round.isMultiple(of: 5) { descriptor = (0..<64).map { _ in UInt8.random(in: 0...255, using: &random) } }
            let facts = InterfaceFacts(
                vendorID: 0x0c2e, productID: 0, interfaceNumber: 0, interfaceClass: 3, interfaceSubclass: 1,
                interfaceProtocol: 1, reportDescriptor: descriptor)
            guard case .reads(var decoder) = ScanDecoder.choose(for: facts) else { continue }
            readable += 1
            #expect(decoder.inputReportLength <= ReportDescriptor.maximumReportLength)
            exercise(&decoder, &random)
        }
        // Most single-byte damage leaves a descriptor that can still be read: the loop above did its work.
        #expect(readable > 50)
    }

    private func exercise(_ decoder: inout ScanDecoder, _ random: inout Garbage) {
        var now = MonotonicTime.zero
        for _ in 0..<60 {
            let length = Int.random(in: 0...70, using: &random)
            var report = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
            if Bool.random(using: &random), length > 1 { report[0] = 2 }
            now = now.adding(.milliseconds(Int.random(in: 0...200, using: &random)))
            let before = decoder.deadline
            let scans = decoder.receive(report, at: now)
            #expect(scans.count <= 8)
            #expect(scans.allSatisfy { $0.completedAt <= now && $0.text.count <= 8192 })
            if let before, before <= now { #expect(decoder.deadline.map { $0 > now } ?? true) }
        }
        decoder.reset()
        #expect(decoder.deadline == nil)
        #expect(decoder.expire(at: MonotonicTime(nanoseconds: .max)).isEmpty)
    }
}
