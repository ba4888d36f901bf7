/// How to talk to a serial port on USB. The raw value is the word in configuration.
public enum SerialAdapter: String, Sendable, Codable, CaseIterable {
    /// USB CDC 1.2, PSTN subclass.
    case cdcACM = "cdc_acm"
    case ftdi
    case prolific
    case cp210x

    /// The requests that set the line up, in order. Sources: USB CDC PSTN 1.2 section 6.3, mik3y/usb-serial-for-android,
    /// Silicon Labs AN571, the kernel's pl2303 and ftdi_sio.
    public func setup(_ line: SerialLine, of facts: InterfaceFacts) -> [SetupRequest] {
        switch self {
        case .cdcACM: Self.cdc(line, interface: UInt16(facts.interfaceNumber))
        case .ftdi: Self.ftdi(line, facts)
        case .prolific: Self.prolific(line, facts)
        case .cp210x: Self.cp210x(line, interface: UInt16(facts.interfaceNumber))
        }
    }

    // MARK: CDC-ACM

    /// SET_LINE_CODING and SET_CONTROL_LINE_STATE.
    private static func cdc(_ line: SerialLine, interface: UInt16) -> [SetupRequest] {
        let coding = line.baudRateBytes + [line.stopBitsCode, line.parityCode, line.dataBits]
        return [
            .control(ControlMessage(type: 0x21, request: 0x20, value: 0, index: interface, data: coding)),
            .control(ControlMessage(type: 0x21, request: 0x22, value: line.lineState, index: interface)),
        ]
    }

    // MARK: FTDI

    private static func ftdi(_ line: SerialLine, _ facts: InterfaceFacts) -> [SetupRequest] {
        // Ports count from 1; a chip with one port also answers to 0. From the H series on the index carries both.
        let isMultiPort = facts.device.interfaceCount > 1
        let isHighSpeed = [0x0700, 0x0800, 0x0900].contains(facts.device.release)
        let port: UInt16 = isMultiPort || isHighSpeed ? UInt16(facts.interfaceNumber) + 1 : 0
        let divisor = ftdiDivisor(line.baudRate)
        let format = UInt16(line.dataBits) | UInt16(line.parityCode) << 8 | UInt16(line.stopBitsCode) << 11
        func request(_ code: UInt8, _ value: UInt16, index: UInt16? = nil) -> SetupRequest {
            .control(ControlMessage(type: 0x40, request: code, value: value, index: index ?? port))
        }
        return [
            request(0, 0),
            request(3, divisor.value, index: port == 0 ? divisor.index : divisor.index << 8 | port),
            request(4, format),
            request(2, 0),
            // The high byte says which of the two lines are meant.
            request(1, 0x0300 | line.lineState),
        ]
    }

    /// The divisor of 3 MHz in eighths: 14 bits whole, the fraction coded in the two bits above and in the index.
    static func ftdiDivisor(_ baudRate: UInt32) -> (value: UInt16, index: UInt16) {
        let rate = max(baudRate, 1)
        let eighths = min((48_000_000 / rate + 1) / 2, 0x1_ffff)
        let whole = UInt16(truncatingIfNeeded: eighths >> 3)
        switch eighths & 7 {
        case 0: return (whole, 0)
        case 1: return (whole | 0xc000, 0)
        case 2: return (whole | 0x8000, 0)
        case 3: return (whole, 1)
        case 4: return (whole | 0x4000, 0)
        case 5: return (whole | 0x4000, 1)
        case 6: return (whole | 0x8000, 1)
        default: return (whole | 0xc000, 1)
        }
    }

    // MARK: Prolific

    private static func prolific(_ line: SerialLine, _ facts: InterfaceFacts) -> [SetupRequest] {
        let isOldest = facts.device.deviceClass == 0x02 || facts.device.controlPacketSize != 64
        let legacy = prolificStart(isOldest: isOldest)
        // Purges both pipes.
        let modern: [SetupRequest] = [
            .control(ControlMessage(type: 0x40, request: 0x80, value: 0x07, index: 0x03))
        ]
        let start: [SetupRequest] =
            if isOldest || facts.device.usbVersion != 0x0200 {
                legacy
            } else {
                // The HXN generation refuses the questions of the older ones.
                [.ask(prolificRead(0x8080), ifAnswered: legacy, ifRefused: modern)]
            }
        return start + cdc(line, interface: 0)
    }

    private static func prolificRead(_ value: UInt16) -> ControlMessage {
        ControlMessage(type: 0xc0, request: 0x01, value: value, index: 0, asking: 1)
    }

    /// What the vendor's own driver sends; nobody outside knows why.
    private static func prolificStart(isOldest: Bool) -> [SetupRequest] {
        func read(_ value: UInt16) -> SetupRequest { .control(prolificRead(value)) }
        func write(_ value: UInt16, _ index: UInt16) -> SetupRequest {
            .control(ControlMessage(type: 0x40, request: 0x01, value: value, index: index))
        }
        return [
            read(0x8484), write(0x0404, 0), read(0x8484), read(0x8383), read(0x8484), write(0x0404, 1), read(0x8484),
            read(0x8383), write(0, 1), write(1, 0), write(2, isOldest ? 0x24 : 0x44),
        ]
    }

    // MARK: CP210x

    private static func cp210x(_ line: SerialLine, interface: UInt16) -> [SetupRequest] {
        func request(_ code: UInt8, _ value: UInt16, _ data: [UInt8] = []) -> SetupRequest {
            .control(ControlMessage(type: 0x41, request: code, value: value, index: interface, data: data))
        }
        let format = UInt16(line.dataBits) << 8 | UInt16(line.parityCode) << 4 | UInt16(line.stopBitsCode)
        return [
            request(0x00, 1), request(0x1e, 0, line.baudRateBytes), request(0x03, format),
            request(0x07, 0x0300 | line.lineState),
        ]
    }
}
