import CardReading
import LoyaltyModel
import Testing

@Suite struct ReportDescriptorTests {
    @Test(
        "Report lengths are those that the manuals print",
        arguments: [
            ("magtek-sureswipe-hid", 337, 0, 24, UInt8(0)), ("magtek-magnesafe-v5-hid", 887, 0, 60, 0),
            ("magtek-mini-swipe-kb", 8, 1, 24, 0), ("hidpos-honeywell-style-144", 64, 2, 0, 4),
            ("hidpos-descriptor-127", 64, 2, 0, 4), ("kbd-boot-interface-vendor-descriptor", 1, 1, 0, 0),
        ])
    func lengths(file: String, input: Int, output: Int, feature: Int, outputID: UInt8) throws {
        let descriptor = try ReportDescriptor(Capture.named(file).descriptor())
        #expect(descriptor.longestReportLength(.input) == input)
        #expect(descriptor.reportLength(.output, reportID: outputID) == output)
        #expect(descriptor.reportLength(.feature, reportID: 0) == feature)
    }

    @Test("The fields of a HID POS scanner stand where its layout says")
    func hidPOSFields() throws {
        let descriptor = try ReportDescriptor(Capture.named("hidpos-honeywell-style-144").descriptor())
        #expect(descriptor.applications.first == Usage(page: 0x8c, id: 0x02))
        let offsets = [(0x3b, 1), (0xfb, 2), (0xfe, 5), (0xff, 63)].map { id, byte in
            let usage = Usage(page: id == 0x3b ? 0x01 : 0x8c, id: UInt16(id))
            return descriptor.fields.first { $0.kind == .input && $0.index(of: usage) != nil }?.bitOffset == byte * 8
        }
        #expect(offsets == [true, true, true, true])
        #expect(descriptor.reportLength(.feature, reportID: 0xfe) == 2)
        #expect(descriptor.reportLength(.output, reportID: 0xfd) == 64)
    }

    @Test("A maximum of FF in one byte is 255 where -1 makes no sense, and -127 stays what it is")
    func oneByteMaximum() throws {
        let vendor = try ReportDescriptor(Capture.named("kbd-boot-interface-vendor-descriptor").descriptor())
        #expect(vendor.fields.map(\.logicalMaximum) == [255, 255])
        let mouse = try ReportDescriptor(bytes("0501 0902 a101 1581 257f 7508 9501 0930 8106 c0"))
        #expect(mouse.fields.map(\.logicalMinimum) == [-127])
        #expect(mouse.fields.map(\.logicalMaximum) == [127])
    }

    @Test("Push and pop keep the globals; the last usage repeats; a four-byte usage brings its page")
    func globalsAndUsages() throws {
        let descriptor = try ReportDescriptor(
            bytes("0501 0906 a101 7508 9501 a4 7501 9508 0508 1901 2902 9102 b4 0b 02008c00 8102 c0"))
        let lights = try #require(descriptor.fields.first)
        #expect(lights.size == 1 && lights.count == 8)
        #expect(lights.usage(at: 0) == Usage(page: 8, id: 1))
        #expect(lights.usage(at: 7) == Usage(page: 8, id: 2))
        let data = try #require(descriptor.fields.last)
        #expect(data.size == 8 && data.count == 1)
        #expect(data.usage(at: 0) == Usage(page: 0x8c, id: 0x02))
    }

    @Test("A long item is passed over")
    func longItem() throws {
        let descriptor = try ReportDescriptor(bytes("0501 0906 a101 fe 03 f0 010203 7508 9501 0930 8102 c0"))
        #expect(descriptor.fields.count == 1)
    }

    @Test(
        "Garbage is an error that names the byte",
        arguments: [
            ("", 0), ("05", 0), ("0501 09", 2), ("c0", 0), ("0501 0906 a101", 6), ("8102", 0), ("b4", 0),
            ("a101 8500", 2), ("a101 86 0001", 2), ("a101 97 ffffffff", 2), ("a101 77 ffffffff", 2),
            ("a101 76 0080 96 0080 8102 c0", 8), ("a101 2905 c0", 2), ("a101 1905 2904 c0", 4), ("fe", 0),
            ("fe 05 00 01", 0),
            (String(repeating: "a4", count: 40), 32), (String(repeating: "a101", count: 40), 64),
            (String(repeating: "0501", count: 2049), 4096),
        ])
    func garbage(hex: String, offset: Int) {
        #expect {
            try ReportDescriptor(bytes(hex))
        } throws: { error in
            guard let error = error as? LoyaltyError else { return false }
            return error.code == .badDescriptor && error.place == Place(path: "byte \(offset)")
        }
    }

    @Test("A report count of FFFFFFFF neither allocates nor traps, wherever it stands")
    func hugeCounts() {
        for hex in ["a101 7501 97 ffffffff 8102 c0", "a101 97 ffffffff 77 ffffffff 8102 c0", "97 ffffffff"] {
            #expect(throws: LoyaltyError.self) { try ReportDescriptor(bytes(hex)) }
        }
        #expect(throws: Never.self) { try ReportDescriptor(bytes("a101 1900 2aff ff 7501 9501 8102 c0")) }
    }
}
