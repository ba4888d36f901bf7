import CardReading
import LoyaltyModel
import Testing

@Suite struct IBMScannerDecoderTests {
    private func decoder() throws -> ScanDecoder { try .reading(.usual(for: .ibmOEM)) }

    private func report(_ data: [UInt8], length: Int? = nil) -> [UInt8] {
        let message = [UInt8(length ?? data.count + 4), 0x10, 0x03, 0x00] + data
        return message + [UInt8](repeating: 0, count: max(64 - message.count, 0))
    }

    /// From the answers that the reference names: 11 and ten zeros.
    @Test("The scanner is switched on first")
    func setup() throws {
        #expect(try decoder().setup == [.output(reportID: 0, bytes("1100000000000000000000"))])
        #expect(try decoder().inputReportLength == 64)
    }

    @Test("Status alone is no scan")
    func status() throws {
        var decoder = try decoder()
        #expect(decoder.receive([report([]), bytes("00"), [], bytes("03100300")]).isEmpty)
        #expect(decoder.droppedPartialScans == 0)
    }

    @Test(
        "What has no trailer that fits is no card",
        arguments: [
            Array("400638133393".utf8) + [0x16], Array("4006381333931".utf8) + [0x77], Array("4006381333931".utf8),
            [4, 0, 0, 6, 3, 8, 1, 3, 3, 3, 9, 3, 1], Array("40063813339".utf8) + [3, 1, 0x16],
            Array("400638133393A".utf8) + [0x16], [0x0b], [0x16],
        ])
    func noTrailer(data: [UInt8]) throws {
        var decoder = try decoder()
        #expect(decoder.receive([report(data)]).isEmpty)
        #expect(decoder.droppedPartialScans == 1)
        // The next card is not punished.
        #expect(
            decoder.receive([report(Array("73513537".utf8) + [0x0c])], from: 4).map(\.string) == ["73513537"])
    }

    @Test("A report that claims more than it has is dropped")
    func falseLength() throws {
        var decoder = try decoder()
        #expect(decoder.receive([report(Array("73513537".utf8) + [0x0c], length: 65)]).isEmpty)
        #expect(decoder.droppedPartialScans == 1)
    }

    @Test("The end of a code whose begin timed out is no card")
    func lateEnd() throws {
        var decoder = try decoder()
        let begin = report([UInt8](repeating: 0x41, count: 60))
        let end = report(Array("1234".utf8) + [0x00, 0x18, 0x0b])
        #expect(decoder.receive([begin]).isEmpty)
        #expect(decoder.receive([end], from: 600).isEmpty)
        #expect(decoder.receive([end], from: 1200).map(\.string) == ["1234"])
        #expect(decoder.droppedPartialScans == 2)
    }

    @Test("After a reconnect nothing from before is joined")
    func reset() throws {
        var decoder = try decoder()
        _ = decoder.receive([report([UInt8](repeating: 0x41, count: 60))])
        decoder.reset()
        #expect(decoder.deadline == nil && decoder.droppedPartialScans == 1)
        #expect(
            decoder.receive([report(Array("1234".utf8) + [0x00, 0x18, 0x0b])], from: 4).map(\.string) == ["1234"])
    }
}

@Suite struct SNAPIDecoderTests {
    private func decoder() throws -> ScanDecoder { try .reading(.usual(for: .snapi)) }

    private func packet(_ text: String, _ index: UInt8 = 0, of count: UInt8 = 1, type: UInt8 = 3) -> [UInt8] {
        let head = [0x22, count, index, UInt8(text.utf8.count), type, 0] + Array(text.utf8)
        return head + [UInt8](repeating: 0, count: 32 - head.count)
    }

    @Test("Every input report is acknowledged once, by its id")
    func acknowledgements() throws {
        var decoder = try decoder()
        #expect(decoder.takeRequests().isEmpty)
        _ = decoder.receive([packet("AB", 0, of: 2), bytes("2401"), packet("CD", 1, of: 2)])
        let scan = SetupRequest.output(reportID: 1, [0x22, 0x01, 0x00])
        #expect(decoder.takeRequests() == [scan, .output(reportID: 1, [0x24, 0x01, 0x00]), scan])
        #expect(decoder.takeRequests().isEmpty)
        decoder.discard(packet("AB"))
        #expect(decoder.takeRequests() == [scan])
    }

    @Test("An acknowledgement of an acknowledgement would go on for ever")
    func noEcho() throws {
        var decoder = try decoder()
        _ = decoder.receive([bytes("210101"), bytes("210402")])
        #expect(decoder.takeRequests() == [.output(reportID: 1, [0x21, 0x01, 0x00])])
    }

    @Test("A packet that is sent again counts once")
    func sentAgain() throws {
        var decoder = try decoder()
        let scans = decoder.receive([packet("AB", 0, of: 2), packet("AB", 0, of: 2), packet("CD", 1, of: 2)])
        #expect(scans.map(\.string) == ["ABCD"] && decoder.droppedPartialScans == 0)
        #expect(decoder.takeRequests().count == 3)
    }

    @Test("Packets out of order, of another count or of another kind are dropped, and the next scan counts")
    func inconsistent() throws {
        for broken in [
            packet("CD", 2, of: 3), packet("CD", 1, of: 2), packet("CD", 1, of: 3, type: 11), packet("CD", 3, of: 3),
        ] {
            var decoder = try decoder()
            #expect(decoder.receive([packet("AB", 0, of: 3), broken, packet("EF", 2, of: 3)]).isEmpty)
            #expect(decoder.droppedPartialScans >= 1)
            #expect(decoder.receive([packet("GOOD")], from: 20).map(\.string) == ["GOOD"])
        }
    }

    @Test("A new scan in the middle of one: the older is dropped, the newer counts")
    func newScan() throws {
        var decoder = try decoder()
        #expect(decoder.receive([packet("AB", 0, of: 2), packet("GOOD")]).map(\.string) == ["GOOD"])
        #expect(decoder.droppedPartialScans == 1)
    }

    @Test("Packets that claim more than they have are dropped")
    func falseLengths() throws {
        var decoder = try decoder()
        var long = packet("AB")
        long[3] = 27
        #expect(
            decoder.receive([long, bytes("22"), bytes("2201000300"), bytes("260001"), packet("A", 0, of: 0)]).isEmpty)
        #expect(decoder.droppedPartialScans == 5)
    }

    /// The list of go-zebra-scanner: article codes, and the same with a supplement of two or five digits.
    @Test(
        "Code types",
        arguments: [
            (1, Symbology.code39, "AB12"), (2, .codabar, "AB12"), (3, .code128, "AB12"), (6, .itf, "AB12"),
            (7, .code93, "AB12"), (15, .gs1128, "AB12"), (17, .pdf417, "AB12"), (27, .dataMatrix, "AB12"),
            (28, .qr, "AB12"), (45, .aztec, "AB12"), (48, .databar, "AB12"), (50, .databar, "AB12"),
            (81, .other, "AB12"), (104, .other, "AB12"), (105, nil, "AB12"), (200, nil, "AB12"),
        ] as [(UInt8, Symbology?, String)])
    func codeTypes(type: UInt8, symbology: Symbology?, text: String) throws {
        var decoder = try decoder()
        let scan = try #require(decoder.receive([packet(text, type: type)]).first)
        #expect(scan.symbology == symbology && scan.string == text)
    }

    @Test("A UPC-E with supplement is expanded without it", arguments: [(73, "07"), (137, "12345"), (80, "07")])
    func supplementOfUPCE(type: UInt8, supplement: String) throws {
        var decoder = try decoder()
        let scan = try #require(decoder.receive([packet("01234565" + supplement, type: type)]).first)
        #expect(scan.string == "0012345000065" && scan.symbology == .upce)
    }
}

@Suite struct LengthDataDecoderTests {
    private func decoder() throws -> ScanDecoder { try .reading(.usual(for: .simpleCOM)) }

    @Test("A full report is continued, and dropped where nothing follows")
    func fullReport() throws {
        var decoder = try decoder()
        let full = [63] + [UInt8](repeating: 0x41, count: 63)
        #expect(decoder.receive([full]).isEmpty)
        #expect(decoder.deadline == .milliseconds(500))
        #expect(decoder.expire(at: .milliseconds(500)).isEmpty)
        #expect(decoder.droppedPartialScans == 1)
        // Its end is late and no card; the card after it is one.
        #expect(decoder.receive([bytes("0431323334")], from: 600).isEmpty)
        #expect(decoder.receive([bytes("0431323334")], from: 1200).map(\.string) == ["1234"])
    }

    @Test("A full report that ends its line is whole as soon as nothing follows")
    func fullLine() throws {
        var decoder = try decoder()
        let full = [63] + [UInt8](repeating: 0x41, count: 62) + [0x0d]
        #expect(decoder.receive([full]).isEmpty)
        #expect(decoder.deadline == .milliseconds(100))
        let scans = decoder.expire(at: .milliseconds(100))
        #expect(scans.map(\.text.count) == [62] && scans.first?.completedAt == .zero)
        #expect(decoder.deadline == nil && decoder.droppedPartialScans == 0)
        #expect(decoder.receive([bytes("0431323334")], from: 1000).map(\.string) == ["1234"])
    }

    @Test("A code of several lines is one code, and none of its lines a card", arguments: [UInt64(4), 90])
    func lineEndInTheMiddle(pause: UInt64) throws {
        var decoder = try decoder()
        let first = [63] + [UInt8](repeating: 0x41, count: 62) + [0x0a]
        #expect(decoder.receive([first]).isEmpty)
        let scans = decoder.receive([[13] + Array("2984000000017".utf8)], from: pause)
        #expect(scans.map(\.text.count) == [76] && scans.first?.string.hasSuffix("A\n2984000000017") == true)
        #expect(decoder.deadline == nil && decoder.droppedPartialScans == 0)
    }

    @Test("A rest that comes although the line end made the code whole is no card of its own")
    func lateLine() throws {
        var decoder = try decoder()
        let first = [63] + [UInt8](repeating: 0x41, count: 62) + [0x0a]
        let rest = [13] + Array("2984000000017".utf8)
        #expect(decoder.receive([first]).isEmpty)
        #expect(decoder.receive([rest], from: 300).map(\.text.count) == [62])
        #expect(decoder.droppedPartialScans == 1)
        #expect(decoder.receive([rest], from: 1000).map(\.string) == ["2984000000017"])
    }

    @Test(
        "False lengths and empty reports are no scans",
        arguments: [(bytes("40313233"), 1), (bytes("0531"), 1), (bytes("00"), 0), ([], 0)])
    func nonsense(report: [UInt8], dropped: Int) throws {
        var decoder = try decoder()
        #expect(decoder.receive([report]).isEmpty)
        #expect(decoder.droppedPartialScans == dropped)
    }
}

@Suite struct PersonalityTests {
    @Test("Descriptors come first: a known id with a keyboard or an HID POS scanner is that")
    func descriptorFirst() throws {
        for kind in [ReaderProtocol.keyboard, .hidPOS] {
            let usual = InterfaceFacts.usual(for: kind)
            let facts = InterfaceFacts(
                vendorID: 0x05e0, productID: 0x1300, interfaceNumber: 0, interfaceClass: 3,
                interfaceSubclass: usual.interfaceSubclass, interfaceProtocol: usual.interfaceProtocol,
                reportDescriptor: usual.reportDescriptor)
            #expect(try ScanDecoder.reading(facts).kind == kind)
        }
    }

    @Test("A vendor's interface of an unknown id is left alone, unless the settings say what it is")
    func hint() throws {
        let descriptor = bytes("06 00 ff 09 01 a1 01 15 00 26 ff 00 75 08 95 40 09 01 81 02 c0")
        #expect(throws: LoyaltyError.self) { try ScanDecoder.reading(descriptor, subclass: 0) }
        for kind in [ReaderProtocol.ibmOEM, .snapi, .simpleCOM] {
            let decoder = try ScanDecoder.reading(
                descriptor, subclass: 0, options: ReaderOptions(protocolHint: kind))
            #expect(decoder.kind == kind && decoder.inputReportLength == 64)
        }
    }

    @Test("Seeded garbage makes no trap, no endless text and no scan out of time", arguments: 0..<8)
    func garbage(seed: UInt64) throws {
        var state = seed &* 0x9e37_79b9_7f4a_7c15 &+ 1
        func random(_ range: ClosedRange<Int>) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return range.lowerBound + Int((state >> 33) % UInt64(range.count))
        }
        let facts =
            [ReaderProtocol.ibmOEM, .snapi, .simpleCOM].map { InterfaceFacts.usual(for: $0) }
            + SerialAdapter.allCases.map { InterfaceFacts.serial($0) }
        let firsts: [UInt8] = [0x22, 0x26, 0x21, 64, 63, 18, 9, 0, 255]
        for facts in facts {
            var decoder = try ScanDecoder.reading(facts)
            var now = MonotonicTime.zero
            for _ in 0..<500 {
                var report = (0..<random(0...130)).map { _ in UInt8(random(0...255)) }
                if !report.isEmpty { report[0] = firsts[random(0...firsts.count - 1)] }
                now = now.adding(.milliseconds(random(0...300)))
                let scans = decoder.receive(report, at: now)
                #expect(scans.allSatisfy { $0.completedAt <= now && $0.text.count <= 8192 })
                #expect(decoder.takeRequests().count <= 64)
            }
            decoder.reset()
            #expect(decoder.deadline == nil && decoder.takeRequests().isEmpty)
        }
    }
}
