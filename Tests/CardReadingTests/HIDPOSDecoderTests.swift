import CardReading
import LoyaltyModel
import Testing

@Suite struct HIDPOSDecoderTests {
    private func decoder(options: ReaderOptions = .init()) throws -> ScanDecoder {
        let descriptor = try Capture.named("hidpos-honeywell-style-144").descriptor()
        return try ScanDecoder.reading(descriptor, subclass: 0, options: options)
    }

    /// A report in the layout of the Honeywell manuals.
    private func report(
        _ text: String, aim: String = "]C0", letter: UInt8 = 0, continued: Bool = false, length: Int? = nil
    ) -> [UInt8] {
        var report: [UInt8] = [0x02, UInt8(length ?? text.utf8.count)] + Array(aim.utf8) + Array(text.utf8)
        report += [UInt8](repeating: 0, count: 64 - report.count)
        report[61] = letter
        report[63] = continued ? 1 : 0
        return report
    }

    /// The 52 blanks in the middle of the first report are derived: the manual prints them collapsed.
    @Test("The boarding pass of the LSR118 manual: 56 characters and 4 more")
    func boardingPass() throws {
        let sample = try #require(Capture.named("access-is-lsr118").cases.first)
        var reports = [[UInt8]](repeating: [UInt8](repeating: 0, count: 64), count: 2)
        reports[0].replaceSubrange(5..<61, with: repeatElement(UInt8(ascii: "M"), count: 56))
        for part in try #require(sample.partial) {
            let hex = bytes(part.hex)
            reports[(part.report ?? 1) - 1].replaceSubrange(part.offset..<part.offset + hex.count, with: hex)
        }
        var decoder = try decoder()
        #expect(decoder.receive([reports[0]]).isEmpty)
        #expect(decoder.deadline == .milliseconds(500))
        let scan = try #require(decoder.receive([reports[1]], from: 4).first)
        #expect(scan.text.count == 60 && scan.string.hasSuffix("M 100"))
        #expect(scan.symbology == .qr && scan.aim?.description == "]Q0" && scan.entry == .scanned)
        #expect(scan.completedAt == .milliseconds(4))
    }

    @Test(
        "Identifier and vendor letter make the symbology; UPC-A, UPC-E and EAN-13 become 13 digits",
        arguments: [
            ("8711218972875", "]E0", "d", "8711218972875", Symbology.ean13),
            ("036000291452", "]E0", "c", "0036000291452", .upca),
            ("036000291452", "]E0", "\0", "0036000291452", .ean13), ("01234565", "]E0", "E", "0012345000065", .upce),
            ("96385074", "]E4", "D", "96385074", .ean8), ("ABC", "]C1", "|", "ABC", .gs1128),
            ("ABC", "\0\0\0", "s", "ABC", .qr),
            ("ABC", "]C0", "d", "ABC", .code128),
        ])
    func symbologies(data: String, aim: String, letter: String, text: String, symbology: Symbology) throws {
        var decoder = try decoder()
        let scans = decoder.receive([report(data, aim: aim, letter: try #require(letter.utf8.first))])
        #expect(scans.map(\.string) == [text])
        #expect(scans.first?.symbology == symbology)
    }

    @Test("The family without identifier field: data begin at byte 2, with and without an identifier in them")
    func otherFamily() throws {
        var decoder = try decoder()
        var plain = bytes("020d") + Array("8711218972875".utf8)
        plain += [UInt8](repeating: 0, count: 64 - plain.count)
        #expect(decoder.receive([plain]).map(\.string) == ["8711218972875"])
        var prefixed = bytes("0210") + Array("]E08711218972875".utf8)
        prefixed += [UInt8](repeating: 0, count: 64 - prefixed.count)
        let scan = try #require(decoder.receive([prefixed]).first)
        #expect(scan.string == "8711218972875" && scan.symbology == .ean13)
    }

    @Test("The variant with one byte more before the identifier")
    func shifted() throws {
        var decoder = try decoder()
        var report = bytes("020d01") + Array("]E08711218972875".utf8)
        report += [UInt8](repeating: 0, count: 64 - report.count)
        let scan = try #require(decoder.receive([report]).first)
        #expect(scan.string == "8711218972875" && scan.symbology == .ean13)
    }

    @Test("A code that fills its last report exactly is whole after the timeout")
    func exactMultiple() throws {
        let half = String(repeating: "A", count: 56)
        var decoder = try decoder()
        #expect(decoder.receive([report(half, continued: true), report(half, continued: true)]).isEmpty)
        #expect(decoder.expire(at: .milliseconds(503)).isEmpty)
        #expect(decoder.expire(at: .milliseconds(504)).map(\.text.count) == [112])
        #expect(decoder.droppedPartialScans == 0)
    }

    @Test("A code that broke off is dropped and counted, and its late end is no card of its own")
    func brokenOff() throws {
        var decoder = try decoder()
        #expect(decoder.receive([report(String(repeating: "A", count: 40), continued: true)]).isEmpty)
        #expect(decoder.receive([report("1234")], from: 600).isEmpty)
        #expect(decoder.droppedPartialScans == 2)
        #expect(decoder.receive([report("1234")], from: 1700).map(\.string) == ["1234"])
    }

    @Test("A stall inside a code of many reports: what comes behind it is no card until there was silence")
    func stalled() throws {
        var decoder = try decoder()
        let half = report(String(repeating: "A", count: 56), continued: true)
        _ = decoder.receive([half])
        // The first report was full, so that it may have been a whole code.
        #expect(decoder.expire(at: .milliseconds(500)).map(\.text.count) == [56])
        #expect(decoder.receive([half, half, report("298400000001712345")], from: 600).isEmpty)
        #expect(decoder.droppedPartialScans == 3 && decoder.deadline == nil)
        #expect(decoder.receive([report("1234")], from: 1000).isEmpty)
        #expect(decoder.receive([report("1234")], from: 1600).map(\.string) == ["1234"])
    }

    @Test("A report in the middle that cannot be read: the end of its code is no card")
    func brokenMiddle() throws {
        var decoder = try decoder()
        let half = report(String(repeating: "A", count: 56), continued: true)
        #expect(decoder.receive([half, report("1234", length: 57), report("1234")]).isEmpty)
        #expect(decoder.receive([report("1234")], from: 600).map(\.string) == ["1234"])
    }

    @Test(
        "A first report that cannot be read: the end of its code is no card, the next whole code is",
        arguments: [true, false])
    func brokenFirst(isShort: Bool) throws {
        var decoder = try decoder()
        let first = isShort ? Array(report("1234").prefix(40)) : report("1234", length: 57)
        #expect(decoder.receive([first, report("2984000017", aim: "]E0")]).isEmpty)
        #expect(decoder.droppedPartialScans == 2)
        #expect(decoder.receive([report("2984000017")], from: 600).map(\.string) == ["2984000017"])
    }

    @Test("Another identifier in the middle: the older half is dropped, the newer scan counts")
    func identifierChanges() throws {
        var decoder = try decoder()
        let first = report(String(repeating: "A", count: 56), aim: "]Q1", continued: true)
        let scans = decoder.receive([first, report("8711218972875", aim: "]E0")])
        #expect(scans.map(\.string) == ["8711218972875"])
        #expect(decoder.droppedPartialScans == 1)
    }

    @Test("Unplugged in the middle: no card is made of two halves")
    func reset() throws {
        var decoder = try decoder()
        _ = decoder.receive([report(String(repeating: "A", count: 56), continued: true)])
        decoder.reset()
        #expect(decoder.deadline == nil)
        #expect(decoder.receive([report("1234")], from: 4).map(\.string) == ["1234"])
        #expect(decoder.droppedPartialScans == 1)
    }

    @Test("Answers to menu commands are no scans, and do not disturb one")
    func management() throws {
        var decoder = try decoder()
        let half = report(String(repeating: "A", count: 56), continued: true)
        let scans = decoder.receive([
            report("REVINF\u{6}", aim: "]X0"), report("\u{15}", aim: "]Z6"), half, report("X", aim: "]Z6"),
            report("BC"),
        ])
        #expect(scans.map { $0.string.suffix(3) } == ["ABC"])
        #expect(decoder.droppedPartialScans == 0)
    }

    @Test("A suffix sent as data is cut, once", arguments: ["\r", "\n", "\r\n", "\t", "\t\n"])
    func suffix(suffix: String) throws {
        var stripping = try decoder()
        #expect(stripping.receive([report("1234" + suffix)]).map(\.string) == ["1234"])
        var keeping = try decoder(options: ReaderOptions(stripsSuffix: false))
        #expect(keeping.receive([report("1234" + suffix)]).map(\.string) == ["1234" + suffix])
    }

    @Test("Short reports, false lengths and other reports are no scans")
    func nonsense() throws {
        var decoder = try decoder()
        let other = [0x07] + report("1234").dropFirst()
        #expect(
            decoder.receive([Array(report("1234").prefix(40)), report("1234", length: 57), report(""), other, []])
                .isEmpty)
        #expect(decoder.droppedPartialScans == 2)
    }

    @Test("The interface is chosen on Honeywell devices only")
    func setup() throws {
        let descriptor = try Capture.named("hidpos-honeywell-style-144").descriptor()
        #expect(try decoder().setup == [.setIdle(0)])
        let honeywell = try ScanDecoder.reading(descriptor, subclass: 0, vendor: 0x0c2e)
        #expect(honeywell.setup == [.setIdle(0), .feature(reportID: 0xfe, [0x01])])
        #expect(honeywell.kind == .hidPOS && honeywell.inputReportLength == 64)
    }
}
