import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// ID TECH in HID mode: frames of encrypting readers, original and enhanced, and the layouts of the others.
    static let idTech = FuzzEntry("idtech", maximumLength: 1024) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        var session = try ReaderSession(idTechReader)
        if source.flag() {
            let flip = Int(source.byte()) + 256 * source.choice(3)
            return try checkFrame(source.framePayload(), flip: flip, &session)
        }
        let reports = source.reports(filledTo: 64)
        try session.play(reports)
        try session.judge(by: ChunkTrail(gap: ReaderOptions().continuationGap)) { trail, index in
            trail.append(Chunk(data: reports[index].bytes, at: session.times[index], continues: true))
        } _: { trail, delivery throws(BrokenPromise) in
            try expect(delivery.report != nil, "a swipe made of silence")
            try expect(
                trail.holds { isSwipe(delivery.scan, $0) },
                "a swipe that no report holds, or a frame with wrong LRC or sum")
        }
    }

    private static let idTechReader = ReaderStart(.usual(for: .idtech))
    private static let idTechKeyboard = ReaderStart(.serial(.cdcACM))

    private static func isSwipe(_ scan: DecodedScan, _ bytes: [UInt8]) -> Bool {
        if bytes.first == 2 {
            guard let swipe = FrameOracle.read(bytes) else { return false }
            return swipe.text == scan.text && swipe.hasMore == scan.hadEncryptedBlock
        }
        guard !scan.hadEncryptedBlock else { return false }
        // Without a frame: each track stands in the report as it is, but for the name of track 3.
        let tracks = scan.text.split(separator: UInt8(ascii: "?")).map { $0.dropFirst() + [UInt8(ascii: "?")] }
        return tracks.allSatisfy { track in
            track.elementsEqual("E?".utf8) || contains(bytes, Array(track))
        }
    }

    /// A frame with right check values is read as its payload says; with one byte of it changed it gives nothing.
    private static func checkFrame(
        _ payload: [UInt8], flip: Int, _ session: inout ReaderSession
    ) throws(BrokenPromise) {
        var frame = FrameOracle.frame(payload)
        // The length may turn one frame into another, which is then judged like any other.
        let isDamaged = flip >= 3 && flip < frame.count
        if isDamaged { frame[flip] ^= 1 << UInt8(flip % 8) }
        let expected = isDamaged ? nil : FrameOracle.read(frame)
        try session.play([TimedReport(delay: .zero, followsReset: false, bytes: frame)])
        let first = session.deliveries.first?.scan
        try expect(
            first?.text ?? [] == expected?.text ?? [],
            isDamaged ? "a damaged frame gave a swipe" : "a frame was not read as its payload says")
    }

    /// The same frames, typed in hexadecimal digits by a keyboard-emulating reader.
    static let idTechTyped = FuzzEntry("idtech-typed", maximumLength: 1024) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        var session = try ReaderSession(idTechKeyboard)
        let (isFrame, hasClearTracks) = (source.flag(), source.flag())
        var characters = source.remaining().filter { $0 != 13 && $0 != 10 && $0 != 9 }
        var expected: SwipeOracle?
        if isFrame {
            var inner = ByteSource(characters)
            let payload = inner.framePayload()
            expected = FrameOracle.read(FrameOracle.frame(payload))
            characters = typed(payload, hasClearTracks: hasClearTracks && expected != nil)
        }
        try session.play([TimedReport(delay: .zero, followsReset: false, bytes: characters + [13])])
        let scans = session.deliveries.map(\.scan)
        try expect(scans.count <= 1, "two scans out of one line")
        for scan in scans {
            try expect(Characters.explain(scan, characters), "a scan that was not typed")
        }
        // A control character, or what looks like the end of a track, in the clear tracks makes another line.
        guard let expected, characters.allSatisfy({ (0x20...0x7e).contains($0) }), !expected.text.isEmpty else {
            return
        }
        try expect(scans.first?.text == expected.text, "a typed frame was not read as its payload says")
    }

    private static func typed(_ payload: [UInt8], hasClearTracks: Bool) -> [UInt8] {
        let digits = Array("0123456789ABCDEF".utf8)
        func hex(_ bytes: some Collection<UInt8>) -> [UInt8] {
            bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        }
        let frame = FrameOracle.frame(payload)
        guard hasClearTracks else { return hex(frame) }
        let header = payload[0] >= 0x80 ? 10 : 8
        let lengths = (0..<3).map { header == 8 || (payload[5] >> $0) & 1 == 1 ? Int(payload[2 + $0]) : 0 }
        let end = header + lengths.reduce(0, +)
        // Digits in front of the tracks would be taken for more of the header.
        guard let first = frame[header..<end].first, "%;+".utf8.contains(first) else { return hex(frame) }
        return hex(frame[..<header]) + frame[header..<end] + hex(frame[end...])
    }
}

extension ByteSource {
    /// Card type, status and lengths as the input has them, the lengths so that they fit, and the rest of the input behind.
    fileprivate mutating func framePayload() -> [UInt8] {
        let head = [byte(), byte()]
        let counts = [byte(), byte(), byte()].map { $0 % 113 }
        let more = head[0] >= 0x80 ? [byte(), byte()] : []
        return head + counts + more + bytes(480)
    }
}
