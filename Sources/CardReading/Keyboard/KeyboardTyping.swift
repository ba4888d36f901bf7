extension KeyboardLayout {
    /// The boot keyboard reports (HID 1.11 appendix B.1) of somebody who types a text on this layout, one key after the other,
    /// with a release behind each.
    ///
    /// - Returns: nil where a character has no key.
    public func reports(typing text: String) -> [[UInt8]]? {
        var reports: [[UInt8]] = []
        // Not by Character: CR LF is one of these.
        for scalar in text.unicodeScalars {
            guard let strokes = strokes(for: scalar) else { return nil }
            for (modifiers, usage) in strokes {
                reports.append([modifiers, 0, usage, 0, 0, 0, 0, 0])
                reports.append([UInt8](repeating: 0, count: 8))
            }
        }
        return reports
    }

    private func strokes(for scalar: Unicode.Scalar) -> [(modifiers: UInt8, usage: UInt8)]? {
        let (leftControl, leftShift, rightAlt, space): (UInt8, UInt8, UInt8, UInt8) = (0x01, 0x02, 0x40, 0x2c)
        switch scalar {
        case "\r": return [(0, 0x28)]
        case "\t": return [(0, 0x2b)]
        case " ": return [(0, space)]
        case "\n": return position(of: "j").map { [(leftControl, $0.usage)] }
        default:
            guard let (usage, level) = position(of: scalar) else { return nil }
            let modifiers: UInt8 =
                switch level {
                case .plain: 0
                case .shifted: leftShift
                case .alternate: rightAlt
                case .shiftedAlternate: leftShift | rightAlt
                }
            var strokes: [(modifiers: UInt8, usage: UInt8)] = [(modifiers, usage)]
            if key(usage, level)?.isDead == true { strokes.append((0, space)) }
            return strokes
        }
    }
}
