import Foundation
import LoyaltyModel
import Testing

@testable import USBReaders

@Suite
struct HIDInterfaceTests {
    @Test("The length of the report descriptor is found among other class descriptors")
    func reportLength() {
        // HID 1.11, appendix E.4: the HID descriptor of a keyboard, 63 bytes of report descriptor.
        let keyboard: [UInt8] = [0x09, 0x21, 0x01, 0x01, 0x00, 0x01, 0x22, 0x3f, 0x00]
        #expect(ReaderInterface.reportDescriptorLength(in: keyboard) == 63)
        #expect(ReaderInterface.reportDescriptorLength(in: [0x04, 0x24, 0x02, 0x02] + keyboard) == 63)
        // A physical descriptor (23h) first, then one of 0190h bytes.
        let two: [UInt8] = [0x0c, 0x21, 0x11, 0x01, 0x00, 0x02, 0x23, 0x10, 0x00, 0x22, 0x90, 0x01]
        #expect(ReaderInterface.reportDescriptorLength(in: two) == 400)
    }

    @Test(
        "Cut short or wrong class descriptors are no trap",
        arguments: [
            [], [0x09], [0x00, 0x21], [0x09, 0x21, 0x01], [0x09, 0x21, 0x01, 0x01, 0x00, 0xff, 0x23, 0x3f, 0x00],
            [0x06, 0x21, 0x01, 0x01, 0x00, 0x01], [0xff, 0xff], [0x02, 0x21, 0x00],
        ] as [[UInt8]])
    func brokenClassDescriptors(_ bytes: [UInt8]) {
        #expect(ReaderInterface.reportDescriptorLength(in: bytes) == nil)
    }

    @Test("The packet of a high-speed endpoint counts its additional transactions")
    func packetSize() {
        #expect(ReaderInterface.packetSize(maxPacketSize: 8) == 8)
        #expect(ReaderInterface.packetSize(maxPacketSize: 0x0040) == 64)
        #expect(ReaderInterface.packetSize(maxPacketSize: 0x0c00) == 2048)  // 1024 bytes, one more transaction
    }

    @Test("An interface that cannot be read says why")
    func flaws() {
        var interface = ReaderInterface(number: 0, subclass: 0, protocolCode: 0)
        #expect(interface.flaw != nil)
        interface.inputEndpoint = 0x81
        interface.packetSize = 8
        #expect(interface.flaw == "it declares no report descriptor")
        interface.reportDescriptorLength = 4097
        #expect(interface.flaw?.contains("4097") == true)
        interface.reportDescriptorLength = 4096
        #expect(interface.flaw == nil)
    }
}

@Suite
struct ReportAssemblerTests {
    private func at(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    private func receive(_ packet: [UInt8], _ assembler: inout ReportAssembler, at milliseconds: UInt64 = 0) -> [UInt8]?
    {
        let time = at(milliseconds)
        return packet.withUnsafeBufferPointer { assembler.receive($0, at: time) } ? assembler.bytes : nil
    }

    @Test("Each packet of a keyboard is a report")
    func keyboard() {
        var assembler = ReportAssembler(reportLength: 8, packetSize: 8)
        for usage: UInt8 in 0x1e...0x27 {
            #expect(receive([0, 0, usage, 0, 0, 0, 0, 0], &assembler) == [0, 0, usage, 0, 0, 0, 0, 0])
        }
    }

    @Test("A report of three packets ends with the short one, and the next begins afresh")
    func shortPacketEnds() {
        var assembler = ReportAssembler(reportLength: 20, packetSize: 8)
        for start: UInt8 in [0, 100] {
            #expect(receive(Array(start..<start + 8), &assembler) == nil)
            #expect(receive(Array(start + 8..<start + 16), &assembler) == nil)
            #expect(receive(Array(start + 16..<start + 20), &assembler) == Array(start..<start + 20))
        }
    }

    @Test("A report that fills its packets ends with its last byte")
    func fullPackets() {
        var assembler = ReportAssembler(reportLength: 16, packetSize: 8)
        #expect(receive([UInt8](repeating: 1, count: 8), &assembler) == nil)
        #expect(receive([UInt8](repeating: 2, count: 8), &assembler)?.count == 16)
        #expect(receive([UInt8](repeating: 3, count: 8), &assembler) == nil)
    }

    @Test("Half a report is forgotten on reset, and when the rest does not come")
    func halfReport() {
        var assembler = ReportAssembler(reportLength: 16, packetSize: 8)
        #expect(receive([UInt8](repeating: 1, count: 8), &assembler) == nil)
        assembler.reset()
        #expect(assembler.droppedPartialReports == 1)
        #expect(receive([UInt8](repeating: 2, count: 8), &assembler) == nil)
        #expect(receive([UInt8](repeating: 3, count: 8), &assembler, at: 501) == nil)
        #expect(assembler.droppedPartialReports == 2)
        #expect(
            receive([UInt8](repeating: 4, count: 8), &assembler, at: 502)
                == [UInt8](repeating: 3, count: 8) + [UInt8](repeating: 4, count: 8))
    }

    @Test("A report of whole packets has until its patience is over, and one that is whole has no end to wait for")
    func deadline() {
        var assembler = ReportAssembler(reportLength: 16, packetSize: 8)
        #expect(assembler.deadline == nil)
        #expect(receive([UInt8](repeating: 1, count: 8), &assembler, at: 100) == nil)
        #expect(assembler.deadline == MonotonicTime(nanoseconds: 600 * 1_000_000))
        assembler.expire(at: MonotonicTime(nanoseconds: 599 * 1_000_000))
        #expect(assembler.droppedPartialReports == 0)
        assembler.expire(at: MonotonicTime(nanoseconds: 600 * 1_000_000))
        #expect(assembler.droppedPartialReports == 1 && assembler.deadline == nil)
        #expect(receive([1, 2], &assembler, at: 700) == [1, 2])
        #expect(assembler.deadline == nil)
    }

    @Test("An empty packet is no report")
    func emptyPacket() {
        var assembler = ReportAssembler(reportLength: 62, packetSize: 64)
        #expect(receive([], &assembler) == nil)
        #expect(receive([2, 5], &assembler) == [2, 5])
    }
}

@Suite
struct StartupDrainTests {
    private func at(_ milliseconds: UInt64) -> MonotonicTime { MonotonicTime(nanoseconds: milliseconds * 1_000_000) }

    @Test("Drained after a tenth of a second without news")
    func silence() {
        var drain = StartupDrain(at: at(1000))
        #expect(drain.deadline == at(1100))
        drain.discard([0, 0, 0x1e, 0, 0, 0, 0, 0], at: at(1050))
        drain.discard([0, 0, 0x1f, 0, 0, 0, 0, 0], at: at(1080))
        #expect(drain.deadline == at(1180))
    }

    @Test("A reader that repeats its state for ever is not waited for")
    func repeats() {
        var drain = StartupDrain(at: at(0))
        for time: UInt64 in 1...20 { drain.discard([0, 0, 0x39, 0, 0, 0, 0, 0], at: at(time * 8)) }
        #expect(drain.deadline == at(108))
    }

    @Test("What is thrown away is not kept")
    func keepsNothing() {
        var drain = StartupDrain(at: at(0))
        drain.discard([0x34, 0x31, 0x31, 0x31], at: at(50))
        #expect(!String(reflecting: drain).contains("52, 49, 49, 49"))
    }

    @Test("A reader that falls silent is read from then on")
    func fallsSilent() {
        var drain = StartupDrain(at: at(0))
        drain.discard([1], at: at(50))
        let answers = [149, 150].map { drain.isDrained(at: at($0)) }
        #expect(answers == [false, true] && !drain.readsAlong)
    }

    /// Never silent for a tenth of a second, and never the same twice.
    private func babbling() -> StartupDrain {
        var drain = StartupDrain(at: at(0))
        for time: UInt64 in 0...199 { drain.discard([UInt8(time)], at: at(time * 10)) }
        return drain
    }

    @Test("Stored scans that take longer than two seconds are thrown away to the last one")
    func storedScans() {
        var drain = babbling()
        #expect(drain.deadline == at(2000))
        let isDrained = drain.isDrained(at: at(2000))
        #expect(!isDrained && drain.readsAlong && drain.deadline == at(2100))
        for time: UInt64 in 0...400 { drain.discard(belongsToScan: true, at: at(2010 + time * 50)) }
        let answers = [22_109, 22_110].map { drain.isDrained(at: at($0)) }
        #expect(answers == [false, true])
    }

    @Test("A reader that tells its state for ever, and always another, is read all the same")
    func everChangingState() {
        var drain = babbling()
        let atLimit = drain.isDrained(at: at(2000))
        for time: UInt64 in 0...9 { drain.discard(belongsToScan: false, at: at(2005 + time * 10)) }
        let isDrained = drain.isDrained(at: at(2100))
        #expect(!atLimit && isDrained)
    }

    @Test("Nothing deafens a reader for longer than a minute")
    func limit() {
        var drain = babbling()
        let atLimit = drain.isDrained(at: at(2000))
        for time: UInt64 in 0..<1160 { drain.discard(belongsToScan: true, at: at(2010 + time * 50)) }
        let isDrained = drain.isDrained(at: at(60_000))
        #expect(!atLimit && isDrained)
    }
}
