import CardReading
import LoyaltyModel
import Testing

/// Readers that are programmed for another layout than the settings say.
@Suite struct LayoutWatchTests {
    /// What a keyboard of one layout types, read with another.
    private func notices(_ texts: [String], typedOn real: KeyboardLayout, readAs set: KeyboardLayout) throws
        -> [ReaderNotice?]
    {
        var decoder = try ScanDecoder.keyboard(ReaderOptions(layout: set))
        return try texts.enumerated().map { index, text in
            let reports = try #require(real.reports(typing: text + "\r"))
            for (number, report) in reports.enumerated() {
                _ = decoder.receive(report, at: .milliseconds(UInt64(index * 10_000 + number * 4)))
            }
            // A stripe of one track waits for a further line.
            if let deadline = decoder.deadline { _ = decoder.expire(at: deadline) }
            return decoder.takeNotice()
        }
    }

    @Test(
        "Digits that come as signs name the layout that makes them digits, at the second scan and once",
        arguments: [
            ("us", "fr"), ("us", "be"), ("fr", "us"), ("be", "us"), ("de", "fr"), ("fr", "de"),
        ])
    func digits(real: String, set: String) throws {
        let (typed, read) = (try #require(KeyboardLayout(named: real)), try #require(KeyboardLayout(named: set)))
        let told = try notices(["4006381333931", "73513537", "4006381333931"], typedOn: typed, readAs: read)
        #expect(told.map { $0 == nil } == [true, false, true])
        guard case .otherLayout(set, let suggested)? = told[1] else {
            Issue.record("\(told)")
            return
        }
        // French and Belgian readers type the same digits; the first that fits is named, and so among those with plain digits.
        let layout = try #require(KeyboardLayout(named: suggested))
        #expect(try notices(["4006381333931", "73513537"], typedOn: typed, readAs: layout) == [nil, nil])
        #expect(told[1]?.remedy.contains("layout = \"\(suggested)\"") == true)
    }

    @Test("A number without check digit is noticed, too, where it has nothing but signs")
    func loyaltyNumbers() throws {
        #expect(try notices(["9528123456", "9528123457"], typedOn: .us, readAs: .fr)[1] != nil)
    }

    @Test("The sentinels of a stripe show a layout whose digits are the same", arguments: ["de", "es", "se"])
    func stripe(real: String) throws {
        let typed = try #require(KeyboardLayout(named: real))
        let told = try notices([";9528123456789012=9912?", ";9528123456789012=9912?"], typedOn: typed, readAs: .us)
        #expect(told[0] == nil && told[1]?.code == "other_layout")
    }

    @Test(
        "Scans that are what they should be, and texts that no layout makes numbers of, are no sign of anything",
        arguments: [
            ["4006381333931", "73513537"], ["ABC-123", "ABC-124"],
            [";9528123456789012=9912?", ";9528123456789012=9912?"],
            ["https://id.gs1.org/8018/123", "https://id.gs1.org/8018/124"], ["?!", "?!"],
        ])
    func innocent(texts: [String]) throws {
        #expect(try notices(texts, typedOn: .us, readAs: .us) == [nil, nil])
    }

    @Test("Digits in between take the suspicion back")
    func digitsBetween() throws {
        var decoder = try ScanDecoder.keyboard(ReaderOptions(layout: .us))
        // A code of nothing but signs, once an hour.
        for (hour, text) in ["!@#$%^", "73513537", "!@#$%^", "4006381333931"].enumerated() {
            let reports = try #require(KeyboardLayout.us.reports(typing: text + "\r"))
            for report in reports { _ = decoder.receive(report, at: .milliseconds(UInt64(hour) * 3_600_000)) }
            #expect(decoder.takeNotice() == nil)
        }
    }

    @Test("The hint shows no character of a scan")
    func silence() throws {
        let told = try #require(try notices(["4006381333931", "4006381333931"], typedOn: .us, readAs: .fr)[1])
        #expect(told == .otherLayout(set: "fr", suggested: "us"))
        #expect(!(told.message + told.remedy).contains { $0.isNumber })
    }
}
