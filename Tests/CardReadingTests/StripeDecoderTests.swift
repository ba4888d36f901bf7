import CardReading
import LoyaltyModel
import Testing

@Suite struct StripeDecoderTests {
    /// A report of the usual page 8E reader: lengths at 0 to 2, tracks at 3, 83 and 124.
    private func report(_ tracks: [[UInt8]], lengths: [Int]? = nil) -> [UInt8] {
        let rooms = [80, 41, 108]
        let counts = lengths ?? tracks.map(\.count)
        var report = counts.map { UInt8($0) }
        for (track, room) in zip(tracks, rooms) { report += track + [UInt8](repeating: 0, count: room - track.count) }
        return report
    }

    private func text(_ tracks: [[UInt8]], lengths: [Int]? = nil) throws -> String? {
        var decoder = try ScanDecoder.reading(.usual(for: .hidMSR))
        return decoder.receive([report(tracks, lengths: lengths)]).first?.string
    }

    /// `;123=?` and its LRC by hand (ISO/IEC 7811-2), least significant bit first, odd parity last:
    /// 11010 10000 01000 11001 10110 11111, exclusive or B^1^2^3^D^F = 9, so 10011.
    private static let track2: [UInt8] = [0x2b, 0x88, 0xd9, 0x7e, 0x06]
    private static func bits(_ text: String) -> [UInt8] {
        let bits = text.filter { $0 != " " }.map { $0 == "1" ? UInt8(1) : 0 }
        return stride(from: 0, to: bits.count, by: 8).map { start in
            bits[start..<min(start + 8, bits.count)].enumerated().reduce(0) { $0 | $1.element << UInt8($1.offset) }
        }
    }

    @Test("The bits of a track computed by hand, in both directions and with clocking bits around")
    func byHand() throws {
        let forward = "11010 10000 01000 11001 10110 11111 10011"
        #expect(Self.bits(forward) == Self.track2)
        #expect(try text([[], Self.track2, []]) == ";123=?")
        #expect(try text([[], Self.bits(String(forward.reversed())), []]) == ";123=?")
        for zeros in 0..<20 {
            let around = String(repeating: "0", count: zeros)
            #expect(try text([[], Self.bits(around + forward + around), []]) == ";123=?")
            #expect(try text([[], [], Self.bits(around + String(forward.reversed()) + around)]) == "+123=?")
        }
    }

    /// Six data bits: `%` 05, `A` 21, `1` 11, `?` 1F; LRC 05^21^11^1F = 2A.
    @Test("Track 1 has seven bits a character, and so have the other tracks of AAMVA cards")
    func sevenBits() throws {
        let track = Self.bits("1010001 1000011 1000101 1111100 0101010")
        #expect(try text([track, [], []]) == "%A1?")
        #expect(try text([[], [], track]) == "#A1?")
    }

    /// `%\\]A!      &A-?` forwards; backwards, with all parity bits and the LRC in order, `%\\8#Q!!!!!! #>?`.
    @Test("A track that says one thing forwards and another one backwards is not read")
    func readsBothWays() throws {
        let track =
            "1010001 0011111 1011110 1000011 1000000 0000001 0000001 0000001 0000001 0000001 0000001 0110001 1000011 1011000 "
            + "1111100 1000101"
        #expect(try text([Self.bits(track), Self.track2, []]) == "%E?;123=?")
        #expect(try text([Self.bits(String(track.reversed())), Self.track2, []]) == "%E?;123=?")
    }

    @Test("One wrong bit makes the track unreadable, whichever it is, and no other track", arguments: 0..<35)
    func parity(bit: Int) throws {
        var track = Self.track2
        track[bit / 8] ^= 1 << UInt8(bit % 8)
        #expect(try text([[], track, Self.track2]) == ";E?+123=?")
    }

    @Test("Two wrong bits of one character pass its parity but not the LRC", arguments: 0..<7)
    func longitudinalCheck(character: Int) throws {
        var track = Self.track2
        // The sixth is the end sentinel, without which there is no LRC to look at.
        for bit in [5 * character, 5 * character + 1] { track[bit / 8] ^= 1 << UInt8(bit % 8) }
        #expect(try text([[], track, []]) == ";E?")
    }

    @Test("What stands around a track is noise, and a track in noise is not read")
    func noiseAround() throws {
        #expect(try text([[], Self.track2 + [0x10], []]) == ";E?")
        #expect(try text([[], [0x04] + Self.track2, []]) == ";E?")
        #expect(try text([[], [0xff], []]) == ";E?")
        #expect(try text([[], [], []]) == nil)
    }

    @Test("Lengths count: what stands behind is of the swipe before")
    func lengths() throws {
        #expect(try text([[], Self.track2, Self.track2], lengths: [0, 5, 0]) == ";123=?")
        #expect(try text([[], Self.track2, []], lengths: [0, 255, 0]) == ";123=?")
        #expect(try text([[], Self.track2, []], lengths: [0, 4, 0]) == ";E?")
    }

    @Test("Firmware that sends characters instead of bits is read as well")
    func characters() throws {
        #expect(try text([Array("%A12^B?".utf8), Array(";12=?".utf8), Array(";12=".utf8)]) == "%A12^B?;12=?+E?")
    }

    @Test("Reports with numbers, each with its own size")
    func reportIDs() throws {
        // Report 1: track 2 of 8 bytes. Report 2: track 2 of 40 bytes.
        let small = "8501 0912 9501 8102 0922 9508 820201"
        let large = "8502 0912 9501 8102 0922 9528 820201"
        var decoder = try ScanDecoder.reading(
            bytes("058e 0901 a101 1500 26ff00 7508" + small + large + "8503 0930 9501 8102 c0"), subclass: 0)
        #expect(decoder.kind == .hidMSR && decoder.inputReportLength == 42)
        #expect(decoder.receive([[1, 5] + Self.track2 + [0, 0, 0]]).map(\.string) == [";123=?"])
        let second = [2, 5] + Self.track2 + [UInt8](repeating: 0, count: 35)
        #expect(decoder.receive([second], from: 1000).map(\.string) == [";123=?"])
        // A report of another number is no half swipe.
        #expect(decoder.receive([[3, 1], [9, 9, 9]], from: 2000).isEmpty)
        #expect(decoder.deadline == nil && decoder.droppedPartialScans == 0)
    }

    @Test("MagTek's offsets come from the descriptor, not from the manual")
    func movedFields() throws {
        // Lengths first, then status; tracks of 40 bytes.
        var decoder = try ScanDecoder.reading(
            bytes(
                "0600ff 0901 a101 1500 26ff00 7508 0928 0929 092a 0920 0921 0922 9506 8102 "
                    + "0930 9528 820201 0931 9528 820201 0932 9528 820201 c0"))
        #expect(decoder.kind == .magtek && decoder.inputReportLength == 126)
        var report: [UInt8] = [0, 13, 0, 0, 0, 1] + [UInt8](repeating: 0, count: 120)
        report.replaceSubrange(46..<59, with: ";95281234567?".utf8)
        #expect(decoder.receive([report]).map(\.string) == [";95281234567?+E?"])
    }

    @Test(
        "Where the descriptor has no usages, vendor and length stand for the layouts of the manuals",
        arguments: [337, 338, 856, 887])
    func publishedLayout(length: Int) throws {
        let descriptor =
            bytes("0600ff 0901 a101 1500 26ff00 7508 0901 96") + [UInt8(length & 0xff), UInt8(length >> 8)]
        let decoder = try ScanDecoder.reading(descriptor + bytes("820201 c0"), vendor: 0x0801)
        #expect(decoder.kind == (length < 400 ? .magtek : .magnesafe))
        #expect(throws: LoyaltyError.self) { try ScanDecoder.reading(descriptor + bytes("820201 c0"), vendor: 0x1234) }
        let capture = try StripeCapture.named(length < 400 ? "loyalty-in-packets" : "v5-level3-encrypted-856")
        var reader = decoder
        let report = capture.reports.flatMap(\.self)
        let padded = report + [UInt8](repeating: 0, count: max(0, length - report.count))
        #expect(reader.receive([padded]).first?.string == capture.swipe.expected?.tracks.joined())
    }

    @Test("A track that says it is longer than its field, or has no end, is an error on that track only")
    func impossibleTracks() throws {
        let base = try #require(StripeCapture.named("loyalty").reports.first)
        var decoder = try ScanDecoder.reading(.usual(for: .magtek))
        for (index, value, expected) in [
            (3, 111, "%E?"), (3, 20, "%E?"), (7, 0x20, "%E?"), (9, 0x7c, "%E?"), (9, 0x07, "%E?"), (0, 1, "%E?"),
        ] as [(Int, UInt8, String)] {
            var report = base
            report[index] = value
            let text = decoder.receive([report]).first?.string
            #expect(text?.hasPrefix(expected + ";9528123456789012=9912?") == true, "\(index)")
        }
    }

    @Test("Encryption is seen in either byte of the status, and also where the status denies it")
    func encryptionStatus() throws {
        let base = try #require(StripeCapture.named("v5-level3-encrypted").reports.first)
        var decoder = try ScanDecoder.reading(.usual(for: .magnesafe))
        for status in [[0x00, 0x06], [0x06, 0x00], [0x00, 0x04], [0x00, 0x02], [0x00, 0x00]] as [[UInt8]] {
            var report = base
            report.replaceSubrange(493..<495, with: status)
            let scan = try #require(decoder.receive([report]).first)
            #expect(scan.hadEncryptedBlock)
            #expect(try CardClassifier(schemes: []).classify(scan) == .refused(.encryptedCard))
        }
        let clear = try #require(StripeCapture.named("v5-level2-loyalty").reports.first)
        #expect(decoder.receive([clear]).first?.hadEncryptedBlock == false)
    }

    @Test(
        "A mask of any character is a mask, and a scheme cannot claim a masked number",
        arguments: [
            ";6364120000000017=4912101?", ";636400000000017=4912?", ";6364555555550017=4912?",
            ";6364XXXXXXXX0017=4912?",
            ";6364000800000017=4912?", "%B6364120000000017^A/B^4912101?",
        ])
    func masks(track: String) throws {
        let scheme = CardScheme(name: "stripe card", prefix: "6364", lengths: 15...16)
        let scan = DecodedScan(text: Array(track.utf8), entry: .msr, completedAt: .zero, hadEncryptedBlock: true)
        #expect(try CardClassifier(schemes: [scheme]).classify(scan) == .refused(.encryptedCard))
    }

    @Test(
        "A clear number with zeros in its middle is a number: heads change a zero only where Luhn then holds",
        arguments: [("952800701234", "4912"), ("6364000500000017", "4912"), ("9528000100001234", "")])
    func clearZeros(number: String, expiry: String) throws {
        let scan = DecodedScan(
            text: Array(";\(number)=\(expiry)?".utf8), entry: .msr, completedAt: .zero, hadEncryptedBlock: true)
        let scheme = CardScheme(name: "stripe card", prefix: String(number.prefix(4)), lengths: 12...16)
        #expect(try CardClassifier(schemes: [scheme]).classify(scan).number?.value == number)
    }

    @Test("A frame with a wrong check sum, length or end gives nothing and is counted")
    func damagedFrame() throws {
        let frame = try #require(StripeCapture.named("encrypted-enhanced").reports.first)
        for index in [1, 3, 20, 200, 411, 412, 413] {
            var decoder = try ScanDecoder.reading(.usual(for: .idtech))
            var report = frame
            report[index] ^= 0x01
            #expect(decoder.receive([report]).isEmpty)
            if let deadline = decoder.deadline { #expect(decoder.expire(at: deadline).isEmpty) }
            #expect(decoder.droppedPartialScans == 1)
            #expect(decoder.receive([frame], from: 100).count == 1)
        }
    }

    @Test("A head that encrypts every card is told once; one that lets a card through is not")
    func notice() throws {
        let encrypted = try StripeCapture.named("v5-level3-encrypted")
        let clear = try StripeCapture.named("v5-level3-other-card-in-clear")
        var decoder = try encrypted.decoder()
        for expected in [nil, nil, ReaderNotice.readerEncrypting, nil, nil] {
            _ = decoder.receive(encrypted.reports)
            #expect(decoder.takeNotice() == expected)
        }
        var mixed = try encrypted.decoder()
        for capture in [encrypted, encrypted, clear, encrypted, encrypted, encrypted] {
            _ = mixed.receive(capture.reports)
            #expect(mixed.takeNotice() == nil)
        }
        let typing = try StripeCapture.named("encrypted-hexadecimal")
        var keyboard = try typing.decoder()
        let notices = (0..<5).map { _ in
            _ = typing.scans(&keyboard)
            return keyboard.takeNotice()
        }
        #expect(notices == [nil, nil, .readerEncrypting, nil, nil])
    }

    @Test("The reader is chosen by what its descriptor says, and ID TECH's by its vendor where it says nothing")
    func choice() throws {
        #expect(try ScanDecoder.reading(Capture.named("magtek-sureswipe-hid").descriptor()).kind == .magtek)
        let magnesafe = try ScanDecoder.reading(Capture.named("magtek-magnesafe-v5-hid").descriptor(), vendor: 0x1234)
        #expect(magnesafe.kind == .magnesafe && magnesafe.inputReportLength == 887)
        let idTech = InterfaceFacts.usual(for: .idtech).reportDescriptor
        #expect(try ScanDecoder.reading(idTech, vendor: 0x0acd).kind == .idtech)
        #expect(throws: LoyaltyError.self) { try ScanDecoder.reading(idTech, vendor: 0x05ac) }
        let keyboard = InterfaceFacts.usual(for: .keyboard).reportDescriptor
        #expect(try ScanDecoder.reading(keyboard, vendor: 0x0acd).kind == .keyboard)
    }
}
