/// The digits of a text, in groups, with what stands between the groups.
struct DigitRuns {
    enum Joint {
        /// The group stands alone or begins a run.
        case none
        /// Up to three blanks or dashes.
        case tight
        /// Up to three characters that people and URLs put between groups: also dot, plus, low line, `%20`.
        case loose
    }

    struct Group {
        /// Positions in `digits`.
        var start: Int
        var end: Int
        var joint: Joint
    }

    let scalars: [Unicode.Scalar]
    /// All digits of the text as ASCII, also those written in other scripts.
    private(set) var digits: [UInt8] = []
    /// Position in `scalars` of each digit.
    private(set) var positions: [Int] = []
    private(set) var groups: [Group] = []

    init(_ text: some StringProtocol) {
        scalars = Array(text.unicodeScalars)
        var index = 0
        var separators = 0
        var joint = Joint.none
        while index < scalars.count {
            if let digit = Self.digit(scalars[index]) {
                append(digit, at: index, joint: separators == 0 && !groups.isEmpty ? nil : joint)
                separators = 0
                joint = .tight
                index += 1
                continue
            }
            let (width, kind) = Self.separator(scalars, at: index)
            index += max(width, 1)
            guard width > 0, joint != .none, separators < 3 else {
                joint = .none
                separators = 1
                continue
            }
            separators += 1
            if kind == .loose { joint = .loose }
        }
    }

    /// - Parameter joint: nil continues the group before.
    private mutating func append(_ digit: UInt8, at index: Int, joint: Joint?) {
        digits.append(digit)
        positions.append(index)
        if let joint {
            groups.append(Group(start: digits.count - 1, end: digits.count, joint: groups.isEmpty ? .none : joint))
        } else {
            groups[groups.count - 1].end = digits.count
        }
    }

    /// The scalar right behind a group.
    func follower(of group: Group) -> Unicode.Scalar? {
        let next = positions[group.end - 1] + 1
        return next < scalars.count ? scalars[next] : nil
    }

    private static func digit(_ scalar: Unicode.Scalar) -> UInt8? {
        if scalar.isASCII {
            let byte = UInt8(truncatingIfNeeded: scalar.value)
            return byte.isASCIIDigit ? byte : nil
        }
        guard scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue else { return nil }
        // Compared, not converted: a conversion from Double pulls in the mathematics library.
        guard let digit = (UInt8(0)...9).first(where: { Double($0) == value }) else { return nil }
        return 0x30 + digit
    }

    /// Width 0 where no separator begins here.
    private static func separator(_ scalars: [Unicode.Scalar], at index: Int) -> (width: Int, kind: Joint) {
        let scalar = scalars[index]
        switch scalar {
        case " ", "-", "\t": return (1, .tight)
        case ".", "+", "_": return (1, .loose)
        case "%":
            let isBlank = index + 2 < scalars.count && scalars[index + 1] == "2" && scalars[index + 2] == "0"
            return isBlank ? (3, .loose) : (0, .none)
        default:
            guard !scalar.isASCII else { return (0, .none) }
            switch scalar.properties.generalCategory {
            case .spaceSeparator, .dashPunctuation, .format: return (1, .tight)
            default: return (0, .none)
            }
        }
    }
}
