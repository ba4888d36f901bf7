import LoyaltyModel
import Testing

@testable import CardReading

@Suite struct SerialTests {
    private func facts(
        _ adapter: SerialAdapter, interface: UInt8 = 0, device: DeviceFacts = DeviceFacts()
    ) -> InterfaceFacts {
        let usual = InterfaceFacts.serial(adapter)
        return InterfaceFacts(
            vendorID: usual.vendorID, productID: usual.productID, interfaceNumber: interface,
            interfaceClass: usual.interfaceClass, interfaceSubclass: usual.interfaceSubclass, interfaceProtocol: 0,
            reportDescriptor: [], device: device)
    }

    private func control(
        _ type: UInt8, _ request: UInt8, _ value: UInt16, _ index: UInt16, _ data: String = ""
    ) -> SetupRequest {
        .control(ControlMessage(type: type, request: request, value: value, index: index, data: bytes(data)))
    }

    /// USB CDC PSTN 1.2 table 17: rate in little endian, stop bits, parity, data bits.
    @Test("CDC-ACM: line coding and DTR go to the control interface")
    func cdc() {
        #expect(
            SerialAdapter.cdcACM.setup(SerialLine(), of: facts(.cdcACM, interface: 2)) == [
                control(0x21, 0x20, 0, 2, "80250000 00 00 08"), control(0x21, 0x22, 3, 2),
            ])
        let other = SerialLine(
            baudRate: 115_200, dataBits: 7, parity: .even, stopBits: .two, dataTerminalReady: true,
            requestToSend: false)
        #expect(
            SerialAdapter.cdcACM.setup(other, of: facts(.cdcACM)) == [
                control(0x21, 0x20, 0, 0, "00c20100 02 02 07"), control(0x21, 0x22, 1, 0),
            ])
    }

    /// FTDI AN232B-05, table of divisors: 300 baud is 10000 (2710h), 9600 is 312.5, 19200 is 156.25, 38400 is 78.125,
    /// 57600 is 52 + 1/8 (the nearest), 115200 is 26, 921600 is 3.25.
    @Test(
        "FTDI divisors",
        arguments: [
            (300, 0x2710, 0), (9600, 0x4138, 0), (19_200, 0x809c, 0), (38_400, 0xc04e, 0), (57_600, 0xc034, 0),
            (115_200, 0x001a, 0), (230_400, 0x000d, 0), (460_800, 0x4006, 0), (921_600, 0x8003, 0),
            // 24,000,000 / 28,800 = 833.3 eighths: 104 and 1/8; / 14,400: 208 and 3/8, whose bit stands in the index.
            (28_800, 0xc068, 0), (14_400, 0x00d0, 1),
        ] as [(UInt32, UInt16, UInt16)])
    func ftdiDivisor(rate: UInt32, value: UInt16, index: UInt16) {
        let divisor = SerialAdapter.ftdiDivisor(rate)
        #expect(divisor.value == value && divisor.index == index)
    }

    @Test("FTDI: reset, rate, format, no flow control, DTR and RTS; the port in the index where there are several")
    func ftdi() {
        #expect(
            SerialAdapter.ftdi.setup(SerialLine(), of: facts(.ftdi, device: DeviceFacts(release: 0x0600))) == [
                control(0x40, 0, 0, 0), control(0x40, 3, 0x4138, 0), control(0x40, 4, 8, 0), control(0x40, 2, 0, 0),
                control(0x40, 1, 0x0303, 0),
            ])
        let second = facts(.ftdi, interface: 1, device: DeviceFacts(release: 0x0700, interfaceCount: 2))
        let line = SerialLine(baudRate: 14_400, dataBits: 7, parity: .odd, stopBits: .two)
        #expect(
            SerialAdapter.ftdi.setup(line, of: second) == [
                control(0x40, 0, 0, 2), control(0x40, 3, 0x00d0, 0x0102), control(0x40, 4, 0x1107, 2),
                control(0x40, 2, 0, 2), control(0x40, 1, 0x0303, 2),
            ])
    }

    @Test("Prolific: each generation gets the start that it knows, and then the line of CDC")
    func prolific() throws {
        func read(_ value: UInt16) -> SetupRequest {
            .control(ControlMessage(type: 0xc0, request: 1, value: value, index: 0, asking: 1))
        }
        func start(_ last: UInt16) -> [SetupRequest] {
            [
                read(0x8484), control(0x40, 1, 0x0404, 0), read(0x8484), read(0x8383), read(0x8484),
                control(0x40, 1, 0x0404, 1), read(0x8484), read(0x8383), control(0x40, 1, 0, 1),
                control(0x40, 1, 1, 0), control(0x40, 1, 2, last),
            ]
        }
        let line = [control(0x21, 0x20, 0, 0, "80250000 00 00 08"), control(0x21, 0x22, 3, 0)]
        let oldest = facts(.prolific, device: DeviceFacts(deviceClass: 2, usbVersion: 0x0110))
        #expect(SerialAdapter.prolific.setup(SerialLine(), of: oldest) == start(0x24) + line)
        let classic = facts(.prolific, device: DeviceFacts(usbVersion: 0x0110, release: 0x0300))
        #expect(SerialAdapter.prolific.setup(SerialLine(), of: classic) == start(0x44) + line)
        let question = SetupRequest.ask(
            ControlMessage(type: 0xc0, request: 1, value: 0x8080, index: 0, asking: 1), ifAnswered: start(0x44),
            ifRefused: [control(0x40, 0x80, 7, 3)])
        let newer = facts(.prolific, device: DeviceFacts(release: 0x0300))
        #expect(SerialAdapter.prolific.setup(SerialLine(), of: newer) == [question] + line)
    }

    /// Silicon Labs AN571: IFC_ENABLE, SET_BAUDRATE, SET_LINE_CTL, SET_MHS.
    @Test("CP210x: enable, rate, format, DTR and RTS")
    func cp210x() {
        #expect(
            SerialAdapter.cp210x.setup(SerialLine(), of: facts(.cp210x, interface: 1)) == [
                control(0x41, 0x00, 1, 1), control(0x41, 0x1e, 0, 1, "80250000"), control(0x41, 0x03, 0x0800, 1),
                control(0x41, 0x07, 0x0303, 1),
            ])
        let line = SerialLine(dataBits: 7, parity: .even, stopBits: .two, dataTerminalReady: false)
        #expect(
            SerialAdapter.cp210x.setup(line, of: facts(.cp210x))[2...] == [
                control(0x41, 3, 0x0722, 0), control(0x41, 7, 0x0302, 0),
            ])
    }

    @Test("Lines that no adapter can make are held within what it can")
    func clamped() {
        #expect(SerialLine(baudRate: 0).baudRate == 300 && SerialLine(baudRate: .max).baudRate == 921_600)
        #expect(SerialLine(dataBits: 0).dataBits == 5 && SerialLine(dataBits: 255).dataBits == 8)
    }

    @Test("A line as it is commonly written")
    func framing() {
        #expect(SerialLine(baudRate: 9600, framing: "8N1") == SerialLine())
        #expect(
            SerialLine(baudRate: 1200, framing: "7e2")
                == SerialLine(baudRate: 1200, dataBits: 7, parity: .even, stopBits: .two))
        #expect(SerialLine(baudRate: 1200, framing: "5O1.5")?.stopBits == .oneAndHalf)
        for text in ["", "8", "8N", "9N1", "4N1", "8X1", "8N3", "8N1 ", "é1"] {
            #expect(SerialLine(baudRate: 9600, framing: text) == nil, "\(text)")
        }
    }

    @Test("Silence ends a scan where the reader has no terminator, and drops it where it has one")
    func gap() throws {
        var open = try ScanDecoder.reading(.serial(.cp210x), options: ReaderOptions(terminators: [.none]))
        #expect(open.receive([Array("4006381333931".utf8)]).isEmpty)
        #expect(open.deadline == .milliseconds(80))
        #expect(open.expire(at: .milliseconds(80)).map(\.string) == ["4006381333931"])
        var closed = try ScanDecoder.reading(.serial(.cp210x))
        #expect(closed.receive([Array("4006381333931".utf8)]).isEmpty)
        #expect(closed.expire(at: .milliseconds(80)).isEmpty)
        #expect(closed.droppedPartialScans == 1)
    }

    @Test("Two scans in one transfer are two scans")
    func twoInOne() throws {
        var decoder = try ScanDecoder.reading(.serial(.cdcACM))
        #expect(
            decoder.receive([Array("4006381333931\r\n73513537\r\n".utf8)]).map(\.string) == [
                "4006381333931", "73513537",
            ])
    }

    /// Line status 62h: a character was overrun. 02h in the low nibble of the modem status means nothing.
    @Test("A character that the line lost makes no card of the others")
    func lineError() throws {
        var decoder = try ScanDecoder.reading(.serial(.ftdi))
        #expect(decoder.receive([bytes("0160 3430"), bytes("0162"), bytes("0160 3036 0d")]).isEmpty)
        #expect(decoder.droppedPartialScans == 1)
        #expect(decoder.receive([bytes("0162"), bytes("0260 3430 0d")], from: 100).map(\.string) == ["40"])
    }

    @Test("Tracks in front of a damaged line and behind it are not one swipe")
    func lineErrorBetweenTracks() throws {
        var decoder = try ScanDecoder.reading(.serial(.ftdi))
        let status = bytes("0160")
        let scans = decoder.receive([
            status + Array("%A1?\r".utf8), bytes("0162") + Array(";2?\r".utf8), status + Array("+33?\r".utf8),
        ])
        #expect((scans + decoder.expire(at: .milliseconds(1000))).map(\.string) == ["+33?"])
    }

    @Test("Interfaces that are no serial port are left alone")
    func others() {
        for (kind, subclass) in [(0x02, 0x06), (0x0a, 0), (0x08, 6), (0xff, 0)] as [(UInt8, UInt8)] {
            let facts = InterfaceFacts(
                vendorID: 0x1234, productID: 0, interfaceNumber: 0, interfaceClass: kind, interfaceSubclass: subclass,
                interfaceProtocol: 0, reportDescriptor: [])
            guard case .ignored(let reason) = ScanDecoder.choose(for: facts) else {
                Issue.record("class \(kind) was taken")
                continue
            }
            #expect(!reason.isEmpty)
        }
    }
}

@Suite struct KnownReaderTests {
    @Test("An exact id counts before all of a vendor's")
    func find() {
        #expect(KnownReader.find(vendorID: 0x05e0, productID: 0x1900)?.protocolHint == .snapi)
        #expect(KnownReader.find(vendorID: 0x23d0, productID: 0x0c80)?.productID == nil)
        #expect(KnownReader.find(vendorID: 0x05e0, productID: 0xffff) == nil)
        #expect(KnownReader.find(vendorID: 0x0403, productID: 0x6001) == nil)
    }

    /// A chip that were also a reader would be claimed unasked, and the till's printer with it.
    @Test("No serial chip is in the table of readers, and no id is there twice")
    func distinct() {
        let chips = SerialChip.all.map { UInt32($0.vendorID) << 16 | UInt32($0.productID) }
        let readers = KnownReader.all.filter { $0.productID != nil }
            .map { UInt32($0.vendorID) << 16 | UInt32($0.productID ?? 0) }
        let vendors = KnownReader.all.filter { $0.productID == nil }.map(\.vendorID)
        #expect(Set(chips).isDisjoint(with: readers))
        #expect(Set(chips).count == chips.count && Set(readers).count == readers.count)
        #expect(Set(vendors).isDisjoint(with: SerialChip.all.map(\.vendorID)))
    }
}
