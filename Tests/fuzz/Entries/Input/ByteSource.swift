/// Cuts the input of the fuzzer into choices and reports. Past its end it gives zeros.
struct ByteSource {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { rest = bytes[...] }

    var isEmpty: Bool { rest.isEmpty }

    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// A number below `bound`.
    mutating func choice(_ bound: Int) -> Int { Int(byte()) % max(bound, 1) }

    mutating func flag() -> Bool { byte() & 1 != 0 }

    mutating func bytes(_ count: Int) -> [UInt8] {
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func remaining() -> [UInt8] {
        defer { rest = [] }
        return Array(rest)
    }
}

/// One transfer of a device, and how long after the one before it comes.
struct TimedReport {
    var delay: Duration
    /// Whether the device was plugged out and in before it.
    var followsReset: Bool
    var bytes: [UInt8]
}

extension ByteSource {
    /// Around all gaps that decoders wait for: 80, 240, 320 and 500 ms.
    private static let delays: [Int] = [0, 1, 4, 20, 79, 80, 81, 160, 239, 241, 320, 499, 500, 501, 1000, 10_000]

    /// The rest of the input as reports. Each has two bytes in front: bits 0 to 3 of the first choose the delay, 4 and 5 are bits 8
    /// and 9 of the length, 6 fills the report up with zeros to `length`, 7 resets before it; the second is the rest of the length.
    mutating func reports(filledTo length: Int) -> [TimedReport] {
        var reports: [TimedReport] = []
        while !isEmpty {
            let head = byte()
            let size = Int(head & 0x30) << 4 | Int(byte())
            var body = bytes(size)
            if head & 0x40 != 0, body.count < length {
                body += [UInt8](repeating: 0, count: length - body.count)
            }
            reports.append(
                TimedReport(
                    delay: .milliseconds(Self.delays[Int(head & 0x0f)]), followsReset: head & 0x80 != 0, bytes: body))
        }
        return reports
    }
}
