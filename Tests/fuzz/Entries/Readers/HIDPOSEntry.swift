import CardReading
import LoyaltyModel

extension FuzzEntry {
    /// Scanned-data reports of 64 bytes with both layouts of the field: identifier or data from byte 2 on.
    static let hidPOS = FuzzEntry("hid-pos", maximumLength: 1024) { input throws(BrokenPromise) in
        var source = ByteSource(input)
        var session = try ReaderSession(scanners[source.flag() ? 1 : 0])
        let reports = source.reports(filledTo: session.reportLength)
        try session.play(reports)
        try session.judge(by: ChunkTrail(gap: ReaderOptions().continuationGap)) { trail, index in
            trail.append(report: reports[index].bytes, at: session.times[index])
        } _: { trail, delivery throws(BrokenPromise) in
            if let index = delivery.report {
                try expect(reports[index].bytes.count >= 64, "a scan out of a report that was cut short")
                try expect(trail.chunks.last?.continues == false, "a scan although its report says it goes on")
            }
            try expect(
                trail.holds { Characters.explain(delivery.scan, $0) }, "a scan that no report holds")
        }
    }

    /// Without and with the suffix stripped.
    private static let scanners = [false, true].map { stripsSuffix in
        ReaderStart(.usual(for: .hidPOS), ReaderOptions(stripsSuffix: stripsSuffix))
    }
}

extension ChunkTrail {
    /// Offsets as the manuals of HHP 3800i (page 16) and Newland FM420 (page 57) print them.
    fileprivate mutating func append(report: [UInt8], at instant: MonotonicTime) {
        guard report.first == 2 else { return }
        guard report.count >= 64 else { return breakOff() }
        let length = Int(report[1])
        let start: Int
        var group: [UInt8] = []
        if report[2] == UInt8(ascii: "]"), isIdentifier(report[2..<5]) {
            (start, group) = (5, Array(report[2..<5]))
        } else if report[2] < 0x20, isIdentifier(report[3..<6]) {
            (start, group) = (6, Array(report[3..<6]))
        } else {
            start = report[2..<5].elementsEqual([0, 0, 0]) ? 5 : 2
        }
        // Answers to menu commands may come at any time.
        if group == Array("]X0".utf8) || group == Array("]Z6".utf8) { return }
        guard length <= 56 else { return breakOff() }
        append(
            Chunk(
                data: Array(report[start..<start + length]), at: instant, continues: report[63] % 2 == 1, group: group))
    }

    private func isIdentifier(_ bytes: ArraySlice<UInt8>) -> Bool {
        let letters = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)
        let bytes = Array(bytes)
        return bytes[0] == UInt8(ascii: "]") && letters.contains(bytes[1])
            && (letters.contains(bytes[2]) || Digits.isDigit(bytes[2]))
    }
}
