import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// IBM's USB OEM scanners: length, status, data and a trailer for the symbology.
    static let ibmOEM = FuzzEntry("ibm-oem") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        var session = try ReaderSession(ibmScanner)
        let reports = source.reports(filledTo: 64)
        try session.play(reports)
        try session.judge(by: ChunkTrail(gap: ReaderOptions().continuationGap)) { trail, index in
            let report = reports[index].bytes
            guard let length = report.first.map({ Int($0) }), length > 4 else { return }
            guard length <= report.count else { return trail.breakOff() }
            trail.append(Chunk(data: Array(report[4..<length]), at: session.times[index], continues: length >= 64))
        } _: { trail, delivery throws(BrokenPromise) in
            try expect(delivery.report != nil, "a scan made of silence")
            try expect(trail.holds { isIBM(delivery.scan, $0) }, "a scan that no report with its trailer holds")
        }
    }

    private static let ibmScanner = ReaderStart(.usual(for: .ibmOEM))

    private static func isIBM(_ scan: DecodedScan, _ data: [UInt8]) -> Bool {
        let trailers: [Symbology: UInt8] = [.ean13: 0x16, .upca: 0x0d, .ean8: 0x0c, .upce: 0x0a]
        if let symbology = scan.symbology, let trailer = trailers[symbology] {
            guard data.last == trailer else { return false }
            let digits = Array(data.dropLast())
            let sources = Digits.sources(ofArticle: scan.text)
            return sources.contains(digits) || sources.contains(digits.map { $0 &+ 48 })
        }
        guard data.count > 3, data[data.count - 1] == 0x0b, data[data.count - 3] == 0 else { return false }
        return Characters.trimmed(Array(data.dropLast(3))).contains(scan.text)
    }

    /// Symbol's simple COM, and Microscan with a report ID: a length and data.
    static let simpleCOM = FuzzEntry("simple-com") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        let hasID = source.flag()
        var session = try ReaderSession(hasID ? microscan : symbol)
        let reports = source.reports(filledTo: 64)
        try session.play(reports)
        let room = hasID ? 62 : 63
        try session.judge(by: ChunkTrail(gap: ReaderOptions().continuationGap)) { trail, index in
            let report = Array(reports[index].bytes.dropFirst(hasID ? 1 : 0))
            guard let length = report.first.map({ Int($0) }), length > 0 else { return }
            guard length <= room, length < report.count else { return trail.breakOff() }
            let data = Array(report[1...length])
            trail.append(Chunk(data: data, at: session.times[index], continues: length == room))
        } _: { trail, delivery throws(BrokenPromise) in
            let isFull = trail.chunks.last?.continues == true
            let end = trail.chunks.last?.data.last
            try expect(delivery.report != nil || (isFull && (end == 10 || end == 13)), "a scan made of silence")
            try expect(delivery.report == nil || !isFull, "a scan although its last report was full")
            try expect(
                trail.holds { Characters.explain(delivery.scan, $0) }, "a scan that no report holds")
        }
    }

    private static let microscan = ReaderStart(.simpleCOM(reportID: 1))
    private static let symbol = ReaderStart(.usual(for: .simpleCOM))

    /// Symbol and Zebra SNAPI: packets that say how many there are.
    static let snapi = FuzzEntry("snapi") { input throws(BrokenPromise) in
        var source = ByteSource(input)
        var session = try ReaderSession(snapiScanner)
        let reports = source.reports(filledTo: 32)
        try session.play(reports)
        let fresh = (trail: ChunkTrail(gap: ReaderOptions().continuationGap), last: [UInt8]())
        try session.judge(by: fresh) { packets, index in
            let report = reports[index].bytes
            let isAgain =
                report == packets.last && packets.trail.chunks.last?.continues == true
                && packets.trail.chunks.last.map { session.times[index].since($0.at) < packets.trail.gap } == true
            guard !isAgain, report.first == 0x22 || report.first == 0x26 else { return }
            packets.trail.append(packet: report, at: session.times[index])
            packets.last = report
        } _: { packets, delivery throws(BrokenPromise) in
            let trail = packets.trail
            try expect(delivery.report != nil, "a scan made of silence")
            try expect(trail.chunks.last?.continues == false, "a scan before its last packet")
            let added = supplementLength(trail.chunks.last?.group ?? [])
            try expect(
                trail.holds { isSNAPI(delivery.scan, Array($0.dropLast(added))) }, "a scan that no packets hold")
        }
    }

    private static let snapiScanner = ReaderStart(.usual(for: .snapi))

    private static func isSNAPI(_ scan: DecodedScan, _ data: [UInt8]) -> Bool {
        let isArticle = scan.symbology.map(Characters.isArticle) == true
        return scan.text == data || (isArticle && Digits.sources(ofArticle: scan.text).contains(data))
            || (isArticle && [15, 18].contains(data.count) && data.starts(with: scan.text))
    }

    /// By the code types that go-zebra-scanner lists: 64 more for two digits, 128 more for five.
    private static func supplementLength(_ group: [UInt8]) -> Int {
        guard group.count >= 2 else { return 0 }
        let type = Int(group[group.count - 2]) + 256 * Int(group[group.count - 1])
        let articles = [8, 9, 10, 11, 16]
        if articles.contains(type - 64) { return 2 }
        return articles.contains(type - 128) ? 5 : 0
    }
}

extension ChunkTrail {
    fileprivate mutating func append(packet: [UInt8], at instant: MonotonicTime) {
        let isLarge = packet[0] == 0x26
        let head = packet.prefix(isLarge ? 8 : 6).map { Int($0) }
        guard head.count == (isLarge ? 8 : 6) else { return breakOff() }
        let count = isLarge ? head[1] * 256 + head[2] : head[1]
        let index = isLarge ? head[3] * 256 + head[4] : head[2]
        let length = isLarge ? head[5] : head[3]
        guard index < count, packet.count >= head.count + length else { return breakOff() }
        let group = [UInt8(count / 256), UInt8(count % 256), packet[head.count - 2], packet[head.count - 1]]
        append(
            Chunk(
                data: Array(packet[head.count..<head.count + length]), at: instant, opens: index == 0,
                continues: index + 1 < count, index: index, group: group))
    }
}
