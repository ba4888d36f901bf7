import CardReading
import LoyaltyModel
import Testing

/// Promise 4 of the product, at the stripe: whichever reader reads a bank card, it stays outside.
@Suite struct StripePaymentTests {
    /// Numbers that the networks publish for tests, and MagTek's sample, which fails Luhn.
    static let paymentNumbers = [
        "4111111111111111", "4222222222222", "5555555555554444", "2223003122003222", "378282246310005",
        "30569309025904",
        "6011111111111117", "3530111333300000", "6200000000000005", "6759649826438453", "5452300551227189",
    ]

    /// How a reader sends tracks.
    enum Form: CaseIterable {
        case characters, magTek, magneSafe, idTechNative, idTechFrame, idTechOther, typed, typedLines

        var kind: ReaderProtocol {
            switch self {
            case .characters: .hidMSR
            case .magTek: .magtek
            case .magneSafe: .magnesafe
            case .idTechNative, .idTechFrame, .idTechOther: .idtech
            case .typed, .typedLines: .keyboard
            }
        }

        func reports(_ first: String, _ second: String) -> [[UInt8]] {
            let tracks = [Array(first.utf8), Array(second.utf8)]
            let lengths = tracks.map { UInt8($0.count) } + [0]
            switch self {
            case .characters: return [place([(0, lengths), (3, tracks[0]), (83, tracks[1])], in: 232)]
            case .magTek: return [place([(3, lengths), (7, tracks[0]), (117, tracks[1])], in: 337)]
            case .idTechOther: return [place([(3, lengths), (7, tracks[0]), (117, tracks[1])], in: 512)]
            case .magneSafe:
                let both = [(3, lengths), (7, tracks[0]), (119, tracks[1])]
                return [place(both + [(505, lengths), (508, tracks[0]), (620, tracks[1])], in: 887)]
            case .idTechNative:
                let total = lengths[0] + lengths[1]
                return [place([(3, lengths), (7, [total, 0]), (9, tracks[0] + tracks[1])], in: 512)]
            case .idTechFrame:
                let payload = [0x00, 0x1b] + lengths + tracks[0] + tracks[1]
                let trailer = [payload.reduce(0, ^), payload.reduce(0, &+), 0x03]
                return [place([(0, [0x02, UInt8(payload.count), 0] + payload + trailer)], in: 512)]
            case .typed: return USTyping.reports(first + second + "\r")
            case .typedLines: return USTyping.reports(first + "\r" + second + "\r")
            }
        }

        private func place(_ parts: [(Int, [UInt8])], in length: Int) -> [UInt8] {
            var report = [UInt8](repeating: 0, count: length)
            for (offset, bytes) in parts { report.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
            return report
        }
    }

    private func outcome(_ first: String, _ second: String, by form: Form) throws -> CardScan.Outcome {
        var decoder = try ScanDecoder.reading(.usual(for: form.kind))
        var scans = decoder.receive(form.reports(first, second))
        if let deadline = decoder.deadline { scans += decoder.expire(at: deadline) }
        let scan = try #require(scans.first)
        #expect(scans.count == 1)
        return try CardClassifier(schemes: []).classify(scan)
    }

    @Test("Bank cards are refused, with both tracks and with one unreadable", arguments: Form.allCases)
    func payment(form: Form) throws {
        for number in Self.paymentNumbers {
            let (first, second) = ("%B\(number)^TEST/CARD^30121010000?", ";\(number)=30121010000?")
            #expect(try outcome(first, second, by: form) == .refused(.paymentCard))
            #expect(try outcome(first, ";E?", by: form) == .refused(.paymentCard))
            #expect(try outcome("%E?", second, by: form) == .refused(.paymentCard))
        }
    }

    @Test("Loyalty cards pass, with both tracks and with one unreadable", arguments: Form.allCases)
    func loyalty(form: Form) throws {
        let number = "9528123456789012"
        for (first, second) in [
            ("%A\(number)^MEMBER^9912?", ";\(number)=9912?"), ("%E?", ";\(number)?"), ("%A\(number)^MEMBER?", ";E?"),
        ] {
            #expect(try outcome(first, second, by: form).number?.value == number)
        }
    }
}
