import CardReading
import LoyaltyModel
import ReaderChecks
import Testing

private let service = ReaderSituation.Account(name: "loyaltyd", user: 990, groups: [980])

/// A device whose node the daemon may open.
private func device(
    _ vendor: UInt16, _ product: UInt16, at port: String = "1-2", _ interfaces: [USBDeviceRecord.Interface],
    mode: UInt32 = 0o660, group: UInt32 = 980
) -> USBDeviceRecord {
    var record = USBDeviceRecord(portPath: port, vendorID: vendor, productID: product)
    record.interfaces = interfaces
    record.mayAutosuspend = false
    record.node = .init(path: "/dev/bus/usb/001/004", owner: 0, group: group, mode: mode)
    return record
}

private func keyboard(driver: String? = "usbhid") -> USBDeviceRecord.Interface {
    .init(
        interfaceClass: 3, subclass: 1, protocolCode: 1, driver: driver,
        reportDescriptor: driver == "usbhid" ? InterfaceFacts.usual(for: .keyboard).reportDescriptor : nil)
}

private func hidPOS(driver: String? = "usbhid", number: UInt8 = 0) -> USBDeviceRecord.Interface {
    .init(
        number: number, interfaceClass: 3, driver: driver,
        reportDescriptor: driver == "usbhid" ? InterfaceFacts.usual(for: .hidPOS).reportDescriptor : nil)
}

private func ready(_ port: String = "1-2") -> ReaderSituation.Reported {
    .init(id: "usb-\(port):0", portPath: port, name: "Scanner", state: "ready")
}

private func examine(_ devices: [USBDeviceRecord]?, daemon: [ReaderSituation.Reported]? = []) -> ReaderExamination {
    examine(devices, daemon: daemon) { _ in }
}

private func examine(
    _ devices: [USBDeviceRecord]?, daemon: [ReaderSituation.Reported]? = [],
    _ change: (inout ReaderSituation) throws -> Void
) rethrows -> ReaderExamination {
    var situation = ReaderSituation(devices: devices, account: service)
    situation.daemon = daemon
    situation.settings = .init()
    try change(&situation)
    return ReaderExamination(situation)
}

extension ReaderExamination {
    fileprivate func finding(_ code: String) throws -> Finding {
        try #require(findings.first { $0.code == code }, "\(findings.map(\.code))")
    }
    fileprivate var codes: Set<String> { Set(findings.map(\.code)) }
}

@Suite("What is wrong with a reader, and what to do") struct ReaderExaminationTests {
    private let scanner = device(0x0c2e, 0x0967, [hidPOS(driver: "usbfs")])

    @Test("A reader that is read is fine")
    func fine() throws {
        let examination = examine([scanner], daemon: [ready()])
        #expect(examination.verdict == .fine && examination.findings.isEmpty)
        let row = try #require(examination.devices.first)
        #expect(row.state == "ready" && row.port == "1-2" && row.usb == "0c2e:0967")
    }

    @Test("Nothing plugged in, no USB at all, nobody running")
    func nothing() {
        #expect(examine([]).verdict == .nothing && examine([]).codes == ["no_reader"])
        #expect(examine(nil).codes == ["no_usb"])
        let stopped = examine([device(0x0c2e, 0x0967, [hidPOS()])], daemon: nil)
        #expect(stopped.verdict == .attention)
        #expect(stopped.codes == ["daemon_not_running", "kernel_driver"])
        #expect(stopped.findings.last?.isNote == true)
        #expect(stopped.devices.first?.state == "readable")
    }

    @Test("A missing permission names the file, the line for this very device and the commands")
    func permission() throws {
        let strange = device(0x1a2b, 0x3c4d, [hidPOS()], mode: 0o664, group: 0)
        let finding = try examine([strange]).finding("no_permission")
        #expect(
            finding.remedy.contains(
                #"SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="1a2b", ATTR{idProduct}=="3c4d", GROUP="loyaltyd", MODE="0660""#
            ))
        #expect(finding.remedy.contains("/etc/udev/rules.d/70-loyaltyd-local.rules"))
        #expect(finding.remedy.contains("udevadm control --reload"))
        #expect(finding.problem.contains("loyaltyd may not open /dev/bus/usb/001/004 (mode 664)"))
        #expect(examine([strange]).verdict == .nothing)
        // A model of the table needs no line of its own.
        let known = device(0x0c2e, 0x0967, [hidPOS()], mode: 0o600, group: 0)
        let missing = try examine([known]) { $0.hasRules = false }.finding("no_permission")
        #expect(missing.remedy.contains("70-loyaltyd.rules") && missing.problem.contains("not installed"))
        #expect(try examine([known]).finding("no_permission").remedy.contains("udevadm trigger"))
    }

    @Test(
        "Permission bits are read as the kernel reads them",
        arguments: [
            (UInt32(0o660), UInt32(980), UInt32(0), true), (0o660, 1, 0, false), (0o666, 1, 0, true),
            (0o600, 1, 990, true),
            (0o664, 1, 0, false), (0o640, 980, 0, false), (0o066, 1, 990, false),
        ])
    func bits(mode: UInt32, group: UInt32, owner: UInt32, isReadable: Bool) {
        var record = device(0x0c2e, 0x0967, [hidPOS()], mode: mode, group: group)
        record.node?.owner = owner
        #expect(examine([record], daemon: nil).codes.contains("no_permission") != isReadable)
        let root = examine([record], daemon: nil) { $0.account = .init(name: "root", user: 0, groups: []) }
        #expect(!root.codes.contains("no_permission"))
    }

    @Test(
        "A driver of the kernel's that holds a reader is nothing to do while the daemon is down, and something while it is up"
    )
    func drivers() throws {
        let idle = device(0x05e0, 0x1200, [keyboard()])
        let down = try examine([idle], daemon: nil).finding("kernel_driver")
        #expect(down.isNote && down.problem.contains("usbhid") && down.remedy.contains("takes it over"))
        let up = try examine([idle], daemon: []).finding("kernel_driver")
        #expect(!up.isNote && up.remedy.contains("detaches it by itself"))
        let held = device(0x05e0, 0x1200, [keyboard(driver: "usbfs")])
        #expect(try examine([held], daemon: nil).finding("held_by_program").remedy.contains("fuser"))
        let port = device(0x1eab, 0x8306, [.init(interfaceClass: 2, subclass: 2, driver: "cdc_acm")])
        #expect(try examine([port], daemon: nil).finding("kernel_driver").problem.contains("cdc_acm"))
    }

    @Test("A keyboard is the cashier's until somebody says otherwise; one by a maker of scanners is asked about")
    func keyboards() throws {
        let cashier = device(0x046d, 0xc31c, [keyboard()])
        let left = examine([cashier, scanner], daemon: [ready()])
        let note = try left.finding("keyboard_left_alone")
        #expect(note.isNote && note.remedy.contains(#"claim = ["046d:c31c"]"#))
        let asked = try examine([device(0x05e0, 0x9999, [keyboard()])]).finding("keyboard_left_alone")
        #expect(!asked.isNote && asked.remedy.contains("05e0:9999"))
        let mouse = device(
            0x046d, 0xc077, at: "1-5", [.init(interfaceClass: 3, subclass: 1, protocolCode: 2, driver: "usbhid")])
        #expect(examine([mouse, scanner], daemon: [ready()]).devices.count == 1)
        let printer = device(0x067b, 0x2303, [.init(interfaceClass: 0xff, driver: "pl2303")])
        #expect(try examine([printer]).finding("serial_left_alone").isNote)
    }

    @Test("A reader in keyboard mode is told of its better mode; one in a mode that is not read must leave it")
    func modes() throws {
        var wedge = device(0x05e0, 0x1200, [keyboard(driver: "usbfs")])
        let note = try examine([wedge], daemon: [ready()]).finding("keyboard_mode")
        #expect(note.isNote && note.remedy.contains("USB HID POS"))
        wedge.interfaces.append(hidPOS(driver: "usbhid", number: 1))
        #expect(!examine([wedge], daemon: [ready()]).codes.contains("keyboard_mode"))
        let storage = device(0x05e0, 0x1701, [.init(interfaceClass: 8, driver: "usb-storage")])
        #expect(examine([storage]).codes == ["no_reader"])
        let lost = device(0x0c2e, 0x0b01, [.init(interfaceClass: 8, driver: "usb-storage")])
        #expect(try examine([lost]).finding("wrong_mode").remedy.contains("USB HID"))
    }

    @Test("Twins are told by their ports; two of them on one register need sections of their own")
    func twins() throws {
        let pair = [device(0x05e0, 0x1300, at: "1-1", [hidPOS()]), device(0x05e0, 0x1300, at: "1-4", [hidPOS()])]
        let note = try examine(pair, daemon: [ready("1-1"), ready("1-4")]).finding("twins")
        #expect(note.isNote && note.problem.contains("1-1, 1-4"))
        let clash = try examine(pair, daemon: [ready("1-1"), ready("1-4")]) { situation in
            situation.settings?.sections = [
                .init(match: try DeviceMatch("05e0:1300"), text: "05e0:1300", register: "1")
            ]
        }
        #expect(try !clash.finding("twins").isNote)
        var named = pair
        (named[0].serial, named[1].serial) = ("A1", "A2")
        #expect(!examine(named, daemon: [ready("1-1"), ready("1-4")]).codes.contains("twins"))
    }

    @Test(
        "A section that matches nothing is told with what is nearly it",
        arguments: [
            ("0c2e:0976", "0c2e:0967"), ("0c2e:1007", "0c2e:0967"), ("0967:0c2e", "0c2e:0967"),
            ("0c2f:0967", "0c2e:0967"),
            ("1-3", "1-2"), ("3-1", "1-2"),
        ])
    func sections(text: String, meant: String) throws {
        let finding = try examine([scanner], daemon: [ready()]) { situation in
            situation.settings?.sections = [.init(match: try DeviceMatch(text), text: text, place: "loyaltyd.toml:12")]
        }.finding("section_unmatched")
        #expect(finding.problem.contains("\"\(text)\" (loyaltyd.toml:12)"))
        #expect(finding.remedy.contains("match = \"\(meant)\""))
    }

    @Test("Sleep, a hub without a supply, broken scans, encryption, a false layout, failures")
    func others() throws {
        var record = device(0x0c2e, 0x0967, at: "1-1.2", [hidPOS(driver: "usbfs")])
        record.mayAutosuspend = true
        record.power = 500
        var hub = USBDeviceRecord(portPath: "1-1", vendorID: 0x0424, productID: 0x2514)
        hub.deviceClass = USBDeviceRecord.hubClass
        hub.power = 100
        var reader = ready("1-1.2")
        (reader.reads, reader.errors) = (40, 6)
        let examination = examine([hub, record], daemon: [reader])
        #expect(examination.codes == ["autosuspend", "hub_power", "broken_scans"])
        #expect(try examination.finding("autosuspend").remedy.contains("/sys/bus/usb/devices/1-1.2/power/control"))
        #expect(examination.devices.count == 1)
        hub.isSelfPowered = true
        #expect(!examine([hub, record], daemon: [reader]).codes.contains("hub_power"))
        (reader.reads, reader.errors) = (400, 6)
        (reader.notice, reader.problem) = ("reader_encrypting", "every card came encrypted")
        #expect(
            try examine([record], daemon: [reader]).finding("reader_encrypting").problem == "every card came encrypted")
        (reader.state, reader.word, reader.notice, reader.problem) = ("trouble", "failed", nil, "it stalled")
        #expect(try examine([record], daemon: [reader]).finding("unsteady").problem.contains("it stalled"))
    }

    @Test("What the configuration rules out is said")
    func ruledOut() throws {
        let deny = try DeviceMatch("0c2e:*")
        let denied = examine([scanner]) { $0.settings?.denied = [deny] }
        #expect(denied.devices.first?.state == "denied" && denied.verdict == .nothing)
        let unread = examine([scanner]) { $0.settings?.backend = ReaderSituation.Settings.Backend.none }
        #expect(unread.codes.contains("backend"))
        #expect(examine([scanner], daemon: [ready()]) { $0.settings = nil }.verdict == .fine)
    }

    @Test("One reader alone, by id, port or USB id")
    func only() throws {
        let other = device(0x05e0, 0x1200, at: "1-4", [keyboard()])
        let whole = examine([scanner, other], daemon: [ready()])
        for name in ["usb-1-4:0", "1-4", "05e0:1200"] {
            let one = try #require(whole.only(name))
            #expect(one.devices.map(\.port) == ["1-4"])
            #expect(one.findings.allSatisfy { $0.port == "1-4" })
        }
        #expect(whole.only("1-9") == nil)
        #expect(whole.only("1-2")?.verdict == .fine)
    }
}
