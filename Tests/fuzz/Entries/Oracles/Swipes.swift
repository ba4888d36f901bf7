/// The text that a swipe should give, made from the content of its three tracks.
struct SwipeOracle: Equatable {
    enum Track {
        case absent
        case unreadable
        case characters([UInt8])
    }

    private(set) var text: [UInt8] = []
    /// Whether there was something behind the tracks.
    var hasMore = false

    mutating func append(_ track: Track, number: Int) {
        guard case .characters(var characters) = track, let end = characters.firstIndex(of: UInt8(ascii: "?")),
            end + 2 >= characters.count, "%;+#@&".utf8.contains(characters[0]),
            characters[...end].allSatisfy({ $0 >= 32 && $0 <= 126 && $0 != UInt8(ascii: "|") })
        else {
            if case .absent = track { return }
            text += [Array("%;+".utf8)[number - 1], UInt8(ascii: "E"), UInt8(ascii: "?")]
            return
        }
        characters.removeSubrange((end + 1)...)
        // Track 3 has the sentinels of track 2 or, with letters, of track 1; a name of its own keeps it apart.
        if number == 3, characters[0] == UInt8(ascii: "%") { characters[0] = UInt8(ascii: "#") }
        let isSecondThere = text.contains { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "@") }
        if number == 3, characters[0] == UInt8(ascii: ";"), !isSecondThere { characters[0] = UInt8(ascii: "+") }
        text += characters
    }
}

/// The frames of encrypting ID TECH readers (80000502-001, original and enhanced format), checked once more.
enum FrameOracle {
    /// - Parameter bytes: may have padding behind the frame.
    /// - Returns: nil unless start, end, length, LRC and sum are right and the tracks fit.
    static func read(_ bytes: [UInt8]) -> SwipeOracle? {
        guard bytes.count >= 6, bytes[0] == 2 else { return nil }
        let size = Int(bytes[1]) + 256 * Int(bytes[2])
        guard bytes.count >= size + 6, bytes[size + 5] == 3 else { return nil }
        let payload = Array(bytes[3..<(size + 3)])
        var (lrc, sum) = (0, 0)
        for byte in payload {
            lrc ^= Int(byte)
            sum += Int(byte)
        }
        guard bytes[size + 3] == UInt8(lrc), bytes[size + 4] == UInt8(sum % 256) else { return nil }
        return tracks(payload)
    }

    private static func tracks(_ payload: [UInt8]) -> SwipeOracle? {
        guard payload.count >= 5 else { return nil }
        let isEnhanced = payload[0] >= 0x80
        guard !isEnhanced || payload.count >= 7 else { return nil }
        var swipe = SwipeOracle()
        var rest = payload.dropFirst(isEnhanced ? 7 : 5)
        for index in 0..<3 {
            let isSent = !isEnhanced || (payload[5] >> index) & 1 == 1
            let length = isSent ? Int(payload[2 + index]) : 0
            guard rest.count >= length else { return nil }
            let isDecoded = (payload[1] >> index) & 1 == 1
            let isSampled = (payload[1] >> (index + 3)) & 1 == 1
            if length > 0 {
                let isCharacters = isDecoded && payload[0] % 128 != 4
                swipe.append(isCharacters ? .characters(Array(rest.prefix(length))) : .unreadable, number: index + 1)
            } else if isSampled, !isDecoded {
                swipe.append(.unreadable, number: index + 1)
            }
            rest = rest.dropFirst(length)
        }
        swipe.hasMore = !rest.isEmpty
        return swipe
    }

    /// A frame in hexadecimal digits, the clear or masked tracks perhaps as characters.
    static func typed(_ characters: [UInt8]) -> SwipeOracle? {
        if let bytes = hexadecimal(characters), bytes.count >= 6, bytes.count == 6 + Int(bytes[1]) + 256 * Int(bytes[2])
        {
            return read(bytes)
        }
        for header in [8, 10] {
            guard let head = hexadecimal(Array(characters.prefix(2 * header))), head.count == header,
                (head[3] >= 0x80) == (header == 10)
            else { continue }
            let lengths = (0..<3).map { header == 8 || (head[8] >> $0) & 1 == 1 ? Int(head[5 + $0]) : 0 }
            let rest = characters.dropFirst(2 * header)
            let length = lengths.reduce(0, +)
            guard rest.count >= length, let tail = hexadecimal(Array(rest.dropFirst(length))) else { continue }
            let bytes = head + rest.prefix(length) + tail
            guard bytes.count == 6 + Int(head[1]) + 256 * Int(head[2]) else { continue }
            return read(bytes)
        }
        return nil
    }

    private static func hexadecimal(_ digits: [UInt8]) -> [UInt8]? {
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            let pair = String(decoding: digits[start..<start + 2], as: UTF8.self)
            guard !pair.contains("+"), !pair.contains("-"), let byte = UInt8(pair, radix: 16) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// A frame with right length and check values around a payload.
    static func frame(_ payload: [UInt8]) -> [UInt8] {
        let sum = payload.reduce(0) { ($0 + Int($1)) % 256 }
        let lrc = payload.reduce(UInt8(0)) { $0 ^ $1 }
        return [2, UInt8(payload.count % 256), UInt8(payload.count / 256)] + payload + [lrc, UInt8(sum), 3]
    }
}
