import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// HID POS stripe readers, page 8E: raw bits of each track, in reports as they come or made of a track of the input.
    static let hidMSR = FuzzEntry("hid-msr") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        var session = try ReaderSession(rawReader)
        if source.flag() { return try checkRoundTrip(&source, &session) }
        let reports = source.reports(filledTo: session.reportLength)
        try session.play(reports)
        try checkSwipes(session, reports) { bytes in
            guard bytes.count >= rawLayout.reportLength else { return nil }
            var swipe = SwipeOracle()
            for index in 0..<3 {
                let data = rawLayout.track(index, bytes)
                guard data.contains(where: { $0 != 0 }) else { continue }
                if var characters = StripeBits.decode(data, track: index + 1) {
                    if index == 2, characters[0] == UInt8(ascii: ";") { characters[0] = UInt8(ascii: "+") }
                    swipe.append(.characters(characters), number: index + 1)
                } else {
                    swipe.append(.characters(Array(data.prefix { $0 != 0 })), number: index + 1)
                }
            }
            return swipe
        }
    }

    /// A track that a card may have comes back from its bits, whichever way the card is drawn; with one bit turned it does not.
    private static func checkRoundTrip(
        _ source: inout ByteSource, _ session: inout ReaderSession
    ) throws(BrokenPromise) {
        let index = source.choice(3)
        let alphabet: StripeBits.Alphabet = index == 0 || source.flag() ? .alphanumeric : .numeric
        let isReversed = source.flag()
        let lead = source.choice(24)
        let turned = source.choice(256)
        let room = [79, 40, 107][index] * (index == 0 ? 7 : 5) / (alphabet.dataBits + 1) - 4
        let body = source.bytes(room).map { alphabet.first + $0 % UInt8(1 << alphabet.dataBits) }.filter {
            (0x20...0x7e).contains($0) && $0 != alphabet.end && $0 != UInt8(ascii: "|")
        }
        // An E alone stands for a track that could not be read.
        guard !body.isEmpty, body != [UInt8(ascii: "E")] else { return }
        let track = [alphabet.start] + body + [alphabet.end]
        var bits = StripeBits.encode(track, alphabet)
        let isDamaged = turned < bits.count
        if isDamaged { bits[turned].toggle() }
        let report = rawLayout.report(index, isReversed ? bits.reversed() : bits, lead: lead)
        try session.play([TimedReport(delay: .zero, followsReset: false, bytes: report)])
        var expected = SwipeOracle()
        expected.append(.characters(track), number: index + 1)
        let texts = session.deliveries.map(\.scan.text)
        if isDamaged {
            try expect(!texts.contains(expected.text), "a track came back although a bit was turned")
        } else if StripeBits.decode(rawLayout.track(index, report), track: index + 1) == nil {
            try expect(!texts.contains(expected.text), "a track came back although it says two things")
        } else {
            try expect(texts == [expected.text], "a track did not come back from its bits")
        }
    }

    private static let rawReader = ReaderStart(.usual(for: .hidMSR))
    private static let rawLayout = RawLayout()

    /// The places of `InterfaceFacts.usual(for: .hidMSR)`.
    private struct RawLayout {
        let reportLength = 232
        let areas = [3..<83, 83..<124, 124..<232]

        func track(_ index: Int, _ report: [UInt8]) -> [UInt8] {
            Array(report[areas[index]].prefix(Int(report[index])))
        }

        func report(_ index: Int, _ bits: [Bool], lead: Int) -> [UInt8] {
            let data = StripeBits.packed([Bool](repeating: false, count: lead) + bits).prefix(areas[index].count)
            var report = [UInt8](repeating: 0, count: reportLength)
            report[index] = UInt8(data.count)
            report.replaceSubrange(areas[index].lowerBound..<areas[index].lowerBound + data.count, with: data)
            return report
        }
    }

    /// MagTek, decoding or encrypting, with the places out of the descriptor or of the manual.
    static let magTek = FuzzEntry("magtek") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let layout = MagTekLayout.all[source.choice(MagTekLayout.all.count)]
        var session = try ReaderSession(layout.reader)
        try expect(session.reportLength == layout.reportLength, "a report of another length")
        let reports = source.reports(filledTo: session.reportLength)
        try session.play(reports)
        try checkSwipes(session, reports, comparing: \.text) { layout.swipe($0) }
    }

    private struct MagTekLayout {
        let reader: ReaderStart?
        let reportLength: Int
        /// Of the first clear or masked track.
        let tracks: Int
        let room: Int
        /// Of the three lengths of the clear or masked tracks.
        let lengths: Int

        static let all = [
            MagTekLayout(
                reader: ReaderStart(.usual(for: .magtek)), reportLength: 337, tracks: 7, room: 110, lengths: 3),
            MagTekLayout(
                reader: ReaderStart(.usual(for: .magnesafe)), reportLength: 887, tracks: 508, room: 112, lengths: 505),
            MagTekLayout(reader: bare(337), reportLength: 337, tracks: 7, room: 110, lengths: 3),
            MagTekLayout(reader: bare(856), reportLength: 856, tracks: 508, room: 112, lengths: 505),
            MagTekLayout(reader: bare(887), reportLength: 887, tracks: 508, room: 112, lengths: 505),
        ]

        /// A descriptor that names nothing but the length.
        private static func bare(_ length: Int) -> ReaderStart? {
            ReaderStart(
                InterfaceFacts(
                    vendorID: 0x0801, productID: 2, interfaceNumber: 0, interfaceClass: 3, interfaceSubclass: 0,
                    interfaceProtocol: 0,
                    reportDescriptor: [
                        0x06, 0x00, 0xff, 0x09, 0x01, 0xa1, 0x01, 0x15, 0x00, 0x26, 0xff, 0x00, 0x75, 0x08, 0x96,
                        UInt8(length % 256), UInt8(length / 256), 0x09, 0x20, 0x81, 0x02, 0xc0,
                    ]))
        }

        /// Manuals 99875191 and 99875475: status, lengths, tracks.
        func swipe(_ report: [UInt8]) -> SwipeOracle? {
            guard report.count >= tracks + 3 * room else { return nil }
            var swipe = SwipeOracle()
            for index in 0..<3 {
                let length = Int(report[lengths + index])
                let start = tracks + index * room
                let track: SwipeOracle.Track =
                    report[index] % 2 == 1 || length > room
                    ? .unreadable : length == 0 ? .absent : .characters(Array(report[start..<start + length]))
                swipe.append(track, number: index + 1)
            }
            return swipe
        }
    }

    /// Every swipe is what the packets of one report say, none of them far from the next.
    static func checkSwipes(
        _ session: ReaderSession, _ reports: [TimedReport],
        comparing part: (SwipeOracle) -> [UInt8] = { $0.text }, _ read: ([UInt8]) -> SwipeOracle?
    ) throws(BrokenPromise) {
        try session.judge(by: ChunkTrail(gap: ReaderOptions().continuationGap)) { trail, index in
            trail.append(Chunk(data: reports[index].bytes, at: session.times[index], continues: true))
        } _: { trail, delivery throws(BrokenPromise) in
            try expect(delivery.report != nil, "a swipe made of silence")
            try expect(
                trail.holds { read($0).map(part) == delivery.scan.text },
                "a swipe that no report holds, or one with wrong parity or LRC")
        }
    }
}
