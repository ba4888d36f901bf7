import Glibc

/// Reads the devices of a machine out of sysfs (kernel documentation, ABI/stable/sysfs-bus-usb and ABI/testing/sysfs-bus-usb).
/// Needs neither libusb nor any right to open a device.
public struct USBDeviceTree: Sendable {
    private let devices: String
    private let nodes: String

    /// - Parameters:
    ///   - sysfs: where sysfs is mounted.
    ///   - dev: where device nodes are.
    public init(sysfs: String = "/sys", dev: String = "/dev") {
        devices = sysfs + "/bus/usb/devices"
        nodes = dev + "/bus/usb"
    }

    /// A report descriptor has at most 4096 bytes; other attributes far fewer.
    private static let longestAttribute = 4096

    /// All devices but the machine's own root hubs, in the order of their ports; nil where there is no USB to be seen.
    public func read() -> [USBDeviceRecord]? {
        guard let names = names(in: devices) else { return nil }
        let plugged = names.filter(Self.isDevice)
        return plugged.sorted(by: Self.isBefore).compactMap { record(of: $0, among: names) }
    }

    /// `1-1.2`, and neither `usb1` nor `1-1.2:1.0`.
    private static func isDevice(_ name: String) -> Bool {
        let halves = name.split(separator: "-", omittingEmptySubsequences: false)
        return halves.count == 2 && UInt16(halves[0]) != nil
            && halves[1].split(separator: ".", omittingEmptySubsequences: false).allSatisfy { UInt16($0) != nil }
    }

    private static func isBefore(_ left: String, _ right: String) -> Bool {
        func ports(_ name: String) -> [Int] { name.split { $0 == "-" || $0 == "." }.compactMap { Int($0) } }
        return ports(left).lexicographicallyPrecedes(ports(right))
    }

    private func record(of name: String, among names: [String]) -> USBDeviceRecord? {
        guard let vendor = text(name, "idVendor").flatMap({ UInt16($0, radix: 16) }),
            let product = text(name, "idProduct").flatMap({ UInt16($0, radix: 16) })
        else { return nil }
        var record = USBDeviceRecord(portPath: name, vendorID: vendor, productID: product)
        record.manufacturer = text(name, "manufacturer")
        record.product = text(name, "product")
        record.serial = text(name, "serial").flatMap { serial in
            serial.utf8.allSatisfy { (0x20...0x7e).contains($0) } ? serial : nil
        }
        record.deviceClass = text(name, "bDeviceClass").flatMap { UInt8($0, radix: 16) } ?? 0
        record.power = text(name, "bMaxPower").flatMap { Int($0.prefix { $0.isNumber }) } ?? 0
        // Bit 6 of bmAttributes (USB 2.0, 9.6.3).
        record.isSelfPowered = (text(name, "bmAttributes").flatMap { UInt8($0, radix: 16) } ?? 0) & 0x40 != 0
        record.mayAutosuspend = text(name, "power/control").map { $0 == "auto" }
        record.interfaces = names.filter { $0.hasPrefix(name + ":") }.sorted().compactMap(interface)
        if let bus = text(name, "busnum").flatMap({ Int($0) }), let device = text(name, "devnum").flatMap({ Int($0) }) {
            record.node = node(bus, device)
        }
        return record
    }

    private func interface(_ name: String) -> USBDeviceRecord.Interface? {
        func byte(_ attribute: String) -> UInt8? { text(name, attribute).flatMap { UInt8($0, radix: 16) } }
        guard let number = byte("bInterfaceNumber"), let kind = byte("bInterfaceClass") else { return nil }
        var interface = USBDeviceRecord.Interface(
            number: number, interfaceClass: kind, subclass: byte("bInterfaceSubClass") ?? 0,
            protocolCode: byte("bInterfaceProtocol") ?? 0)
        interface.driver = linkName("\(devices)/\(name)/driver")
        // The HID device below is named bus:vendor:product.counter, and bus 3 is USB.
        if let child = self.names(in: "\(devices)/\(name)")?.first(where: { $0.hasPrefix("0003:") }) {
            interface.reportDescriptor = bytes("\(devices)/\(name)/\(child)/report_descriptor")
        }
        return interface
    }

    private func node(_ bus: Int, _ device: Int) -> USBDeviceRecord.Node? {
        func padded(_ number: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 3 - digits.utf8.count)) + digits
        }
        let path = "\(nodes)/\(padded(bus))/\(padded(device))"
        var facts = stat()
        guard stat(path, &facts) == 0 else { return nil }
        return USBDeviceRecord.Node(path: path, owner: facts.st_uid, group: facts.st_gid, mode: facts.st_mode & 0o777)
    }

    // MARK: Files

    /// Without control characters: what a device says of itself must not steer a terminal.
    private func text(_ name: String, _ attribute: String) -> String? {
        guard let bytes = bytes("\(devices)/\(name)/\(attribute)") else { return nil }
        let scalars = String(decoding: bytes, as: UTF8.self).unicodeScalars.filter {
            $0.properties.generalCategory != .control && $0.properties.generalCategory != .format
        }
        var text = String(String.UnicodeScalarView(scalars))
        while text.last == " " { text.removeLast() }
        return text.isEmpty ? nil : text
    }

    private func bytes(_ path: String) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: Self.longestAttribute)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress?.advanced(by: length), buffer.count - length)
            }
            guard count >= 0 else { return nil }
            if count == 0 { break }
            length += count
        }
        return Array(bytes.prefix(length))
    }

    private func linkName(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: 1024)
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self).split(separator: "/")
            .last.map(String.init)
    }

    private func names(in directory: String) -> [String]? {
        guard let stream = opendir(directory) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
        }
        return names
    }
}
