/// What came of reading the bytes that have arrived so far.
enum StripeReading {
    case swipe(StripeSwipe)
    case needsMore
    case invalid
}

/// The frame of an encrypting ID TECH reader: STX, length, payload, LRC, SUM, ETX. In the original format all tracks that have
/// a length are there in clear or masked; the enhanced format says which.
///
/// Everything behind the clear or masked tracks, encrypted data, hashes and key serial number, is checked and left.
enum IDTechFrame {
    static let startOfText: UInt8 = 0x02
    private static let endOfText: UInt8 = 0x03
    /// In bytes. Three tracks of 112, encrypted again, with hashes and serial number come to less than 800.
    static let maximumLength = 2048

    private enum Offset {
        static let payload = 3
        static let cardType = 3
        static let trackStatus = 4
        static let lengths = 5
        static let originalTracks = 8
        static let maskStatus = 8
        static let enhancedTracks = 10
    }
    private static let trailer = 3
    private static let rawCard: UInt8 = 0x04

    /// - Parameter bytes: may have padding behind the frame.
    static func read(_ bytes: some RandomAccessCollection<UInt8>) -> StripeReading {
        let bytes = Array(bytes.prefix(maximumLength))
        guard bytes.first == startOfText else { return .invalid }
        guard bytes.count >= Offset.payload else { return .needsMore }
        let end = Offset.payload + bytes.value(1..<3)
        let isEnhanced = bytes.count > Offset.cardType && bytes[Offset.cardType] & 0x80 != 0
        guard end >= (isEnhanced ? Offset.enhancedTracks : Offset.originalTracks), end + trailer <= maximumLength else {
            return .invalid
        }
        guard bytes.count >= end + trailer else { return .needsMore }
        let payload = bytes[Offset.payload..<end]
        let sum = payload.reduce(UInt8(0), &+)
        guard payload.reduce(0, ^) == bytes[end], sum == bytes[end + 1], bytes[end + 2] == endOfText else {
            return .invalid
        }
        return tracks(bytes, end: end, isEnhanced: isEnhanced).map(StripeReading.swipe) ?? .invalid
    }

    /// Renews LRC and SUM of a frame whose payload was changed.
    ///
    /// - Returns: false where the bytes are no whole frame.
    static func reseal(_ bytes: inout [UInt8]) -> Bool {
        guard bytes.count >= Offset.payload, bytes.first == startOfText else { return false }
        let end = Offset.payload + bytes.value(1..<3)
        guard end + trailer <= bytes.count, bytes[end + 2] == endOfText else { return false }
        let payload = bytes[Offset.payload..<end]
        bytes[end] = payload.reduce(0, ^)
        bytes[end + 1] = payload.reduce(UInt8(0), &+)
        return true
    }

    private static func tracks(_ bytes: [UInt8], end: Int, isEnhanced: Bool) -> StripeSwipe? {
        var swipe = StripeSwipe()
        var position = isEnhanced ? Offset.enhancedTracks : Offset.originalTracks
        let status = bytes[Offset.trackStatus]
        let isRaw = bytes[Offset.cardType] & 0x7f == rawCard
        for index in 0..<3 {
            let isThere = !isEnhanced || bytes[Offset.maskStatus] & (1 << UInt8(index)) != 0
            let length = isThere ? Int(bytes[Offset.lengths + index]) : 0
            guard position + length <= end else { return nil }
            let isDecoded = status & (1 << UInt8(index)) != 0
            let wasSampled = status & (1 << UInt8(index + 3)) != 0
            if length > 0 {
                let isReadable = isDecoded && !isRaw
                let track = bytes[position..<position + length]
                swipe.append(isReadable ? .characters(track) : .unreadable, number: index + 1)
            } else if !isDecoded, wasSampled {
                swipe.append(.unreadable, number: index + 1)
            }
            position += length
        }
        swipe.hadEncryptedBlock = position < end
        return swipe
    }

    /// Reads a frame typed by a keyboard-emulating reader: two hexadecimal digits a byte, the clear or masked tracks
    /// perhaps as characters.
    ///
    /// - Returns: nil for anything else; LRC and SUM guard against a code that only looks alike.
    static func swipe(typed characters: [UInt8]) -> StripeSwipe? {
        let shortest = 2 * (Offset.originalTracks + trailer)
        guard characters.count >= shortest, characters.count <= 2 * maximumLength, characters.starts(with: "02".utf8),
            characters.suffix(2).elementsEqual("03".utf8)
        else { return nil }
        let header = characters.prefix { hexadecimalValue($0) != nil }
        guard header.count.isMultiple(of: 2), var bytes = decoded(header) else { return nil }
        defer { bytes.wipe() }
        if header.count < characters.count {
            // The format that the header names, and so where the tracks begin, must be that of its length.
            let isEnhanced = bytes.count > Offset.cardType && bytes[Offset.cardType] & 0x80 != 0
            guard bytes.count == (isEnhanced ? Offset.enhancedTracks : Offset.originalTracks) else { return nil }
            let length = (0..<3).reduce(0) { length, index in
                let isThere = !isEnhanced || bytes[Offset.maskStatus] & (1 << UInt8(index)) != 0
                return length + (isThere ? Int(bytes[Offset.lengths + index]) : 0)
            }
            let rest = characters.dropFirst(header.count)
            guard length <= rest.count, let tail = decoded(rest.dropFirst(length)) else { return nil }
            bytes += rest.prefix(length)
            bytes += tail
        }
        guard bytes.count >= Offset.payload, bytes.count == Offset.payload + bytes.value(1..<3) + trailer,
            case .swipe(let swipe) = read(bytes)
        else { return nil }
        return swipe
    }

    private static func decoded(_ digits: ArraySlice<UInt8>) -> [UInt8]? {
        guard digits.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(digits.count / 2)
        var high: UInt8?
        for digit in digits {
            guard let value = hexadecimalValue(digit) else { return nil }
            if let first = high {
                bytes.append(first << 4 | value)
                high = nil
            } else {
                high = value
            }
        }
        return bytes
    }

    private static func hexadecimalValue(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x41...0x46: digit - 0x37
        case 0x61...0x66: digit - 0x57
        default: nil
        }
    }
}
