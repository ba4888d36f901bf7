import CardReading
import LoyaltyModel

/// Cuts a stream of characters into lines, at terminators and at silence.
struct LineOracle {
    struct Line {
        var bytes: [UInt8] = []
        /// Something could not be read: it must not become a scan.
        var isDamaged = false
        /// The report with the terminator; nil for silence.
        var endedBy: Int?
    }

    private(set) var lines: [Line] = []
    private let options: ReaderOptions
    private var open: Line?
    private var lastActivity = MonotonicTime(nanoseconds: 0)
    private var lateUntil = MonotonicTime(nanoseconds: 0)

    init(_ options: ReaderOptions) { self.options = options }

    mutating func take(_ byte: UInt8, isKeypadEnter: Bool = false, at instant: MonotonicTime, report: Int) {
        if ends(byte, isKeypadEnter: isKeypadEnter) {
            close(report)
            return
        }
        if open == nil, byte == 13 || byte == 10 { return }
        var line = begun(at: instant)
        line.bytes.append(byte)
        open = line
        lastActivity = instant
    }

    mutating func damage(at instant: MonotonicTime) {
        var line = begun(at: instant)
        line.isDamaged = true
        open = line
        lastActivity = instant
    }

    mutating func touch(at instant: MonotonicTime) {
        if open != nil { lastActivity = instant }
    }

    /// Time has come to `instant`; call it before anything else at that time.
    mutating func advance(to instant: MonotonicTime) {
        guard let line = open, instant.since(lastActivity) >= options.gap else { return }
        if options.terminators.contains(.none), !line.isDamaged { return close(nil) }
        lateUntil = lastActivity.adding(options.gap * 4)
        open = nil
    }

    private func begun(at instant: MonotonicTime) -> Line { open ?? Line(isDamaged: instant < lateUntil) }

    private mutating func close(_ report: Int?) {
        lateUntil = MonotonicTime(nanoseconds: 0)
        guard var line = open else { return }
        line.endedBy = report
        lines.append(line)
        open = nil
    }

    private func ends(_ byte: UInt8, isKeypadEnter: Bool) -> Bool {
        let terminators: [ScanTerminator] =
            switch byte {
            case 13: isKeypadEnter ? [.keypadEnter] : [.cr, .crlf]
            case 10: [.lf]
            case 9: [.tab]
            default: []
            }
        return !options.terminators.isDisjoint(with: terminators)
    }

    /// Whether a scan is one of the lines, or a swipe whose tracks came on up to three.
    func explains(_ delivery: ReaderSession.Delivery) -> Bool {
        let scan = delivery.scan
        if scan.entry != .msr {
            return lines.contains { line in
                line.endedBy == delivery.report && !line.isDamaged && Characters.explain(scan, line.bytes)
            }
        }
        return lines.indices.contains { first in
            (1...3).contains { count in
                let part = lines[first...].prefix(count)
                guard part.allSatisfy({ !$0.isDamaged }),
                    part.reduce(0, { $0 + $1.bytes.count }) >= scan.text.count
                else { return false }
                return Characters.explain(scan, part.flatMap(\.bytes))
            }
        }
    }
}
