import LoyaltyModel

/// Replaces the digits of numbers for a recording: the same number always by the same, numbers that begin alike by numbers that
/// begin alike. Digits that were equal to their neighbour stay so, and no others become it: a keyboard sends no release between
/// two different keys.
///
/// Not to be undone without the key, which nobody keeps: the digit at each place is chosen by SipHash-2-4 (Aumasson and
/// Bernstein, 2012) over all digits before it.
struct NumberMask: Sendable {
    private let key: (UInt64, UInt64)

    /// - Parameter key: random, of one recording.
    init(key: (UInt64, UInt64)) { self.key = key }

    /// What the last digit says about the others.
    enum Check: Sendable { case none, gs1, luhn }

    static func check(of digits: [UInt8]) -> Check {
        // The lengths of the keys that GS1 gives such a digit (General Specifications 7.9.1).
        if [8, 12, 13, 14, 17, 18].contains(digits.count), CardNumber.hasValidCheckDigit(digits) { return .gs1 }
        return digits.count >= 8 && Luhn.isValid(digits) ? .luhn : .none
    }

    /// - Parameters:
    ///   - digits: ASCII.
    ///   - attempt: another one gives another number.
    func masked(_ digits: [UInt8], attempt: UInt64) -> [UInt8] {
        var chain = hash(attempt, 0x6e75_6d62_6572)
        var masked: [UInt8] = []
        masked.reserveCapacity(digits.count)
        var previous: (digit: UInt8, mask: UInt8)?
        for digit in digits {
            let mask: UInt8
            if let previous, previous.digit == digit {
                mask = previous.mask
            } else {
                let others = (UInt8(0x30)...0x39).filter { $0 != previous?.digit }
                let choices = (UInt8(0x30)...0x39).filter { $0 != previous?.mask }
                let place = others.firstIndex(of: digit) ?? 0
                mask = Self.shuffled(choices, by: chain)[place]
            }
            masked.append(mask)
            previous = (digit, mask)
            chain = hash(chain, UInt64(digit))
        }
        return Self.withCheckDigit(masked, Self.check(of: digits))
    }

    private static func withCheckDigit(_ digits: [UInt8], _ check: Check) -> [UInt8] {
        func isValid(_ digits: [UInt8]) -> Bool {
            switch check {
            case .none: true
            case .gs1: CardNumber.hasValidCheckDigit(digits)
            case .luhn: Luhn.isValid(digits)
            }
        }
        guard check != .none else { return digits }
        for last in UInt8(0x30)...0x39 {
            let candidate = digits.dropLast() + [last]
            if isValid(Array(candidate)) { return Array(candidate) }
        }
        return digits
    }

    /// Fisher and Yates, with so much of the chance as nine places take.
    private static func shuffled(_ values: [UInt8], by chance: UInt64) -> [UInt8] {
        var values = values
        var chance = chance
        for index in stride(from: values.count - 1, to: 0, by: -1) {
            let bound = UInt64(index + 1)
            values.swapAt(index, Int(chance % bound))
            chance /= bound
        }
        return values
    }

    /// SipHash-2-4 of two words.
    private func hash(_ first: UInt64, _ second: UInt64) -> UInt64 {
        var state = SipState(key)
        for word in [first, second, 16 << 56] { state.absorb(word) }
        return state.finish()
    }
}

private struct SipState {
    private var v0: UInt64
    private var v1: UInt64
    private var v2: UInt64
    private var v3: UInt64

    init(_ key: (UInt64, UInt64)) {
        v0 = key.0 ^ 0x736f_6d65_7073_6575
        v1 = key.1 ^ 0x646f_7261_6e64_6f6d
        v2 = key.0 ^ 0x6c79_6765_6e65_7261
        v3 = key.1 ^ 0x7465_6462_7974_6573
    }

    mutating func absorb(_ word: UInt64) {
        v3 ^= word
        for _ in 0..<2 { round() }
        v0 ^= word
    }

    mutating func finish() -> UInt64 {
        v2 ^= 0xff
        for _ in 0..<4 { round() }
        return v0 ^ v1 ^ v2 ^ v3
    }

    private mutating func round() {
        func rotated(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }
        v0 &+= v1
        v1 = rotated(v1, 13) ^ v0
        v0 = rotated(v0, 32)
        v2 &+= v3
        v3 = rotated(v3, 16) ^ v2
        v0 &+= v3
        v3 = rotated(v3, 21) ^ v0
        v2 &+= v1
        v1 = rotated(v1, 17) ^ v2
        v2 = rotated(v2, 32)
    }
}
