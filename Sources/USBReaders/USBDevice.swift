import CLibUSB
import Glibc

/// A plugged device: a counted reference to libusb's record of it, and what can be known without asking the device.
///
/// Strings come from the kernel's copies in sysfs. They need no permission, and a device that does not answer
/// cannot hold up the thread.
struct USBDevice {
    let pointer: OpaquePointer
    let vendorID: UInt16
    let productID: UInt16
    /// `1-1.2`, as the kernel names it.
    let portPath: String

    /// Nil for root hubs and for what libusb cannot describe.
    init?(_ pointer: OpaquePointer) {
        var descriptor = libusb_device_descriptor()
        guard libusb_get_device_descriptor(pointer, &descriptor) == 0 else { return nil }
        var ports = [UInt8](repeating: 0, count: 7)  // USB 3.0, 8.9: at most seven tiers
        let count = libusb_get_port_numbers(pointer, &ports, Int32(ports.count))
        guard count > 0, count <= ports.count else { return nil }
        self.pointer = pointer
        vendorID = descriptor.idVendor
        productID = descriptor.idProduct
        let path = ports.prefix(Int(count)).map { String($0) }.joined(separator: ".")
        portPath = "\(libusb_get_bus_number(pointer))-\(path)"
    }

    var manufacturer: String? { text("manufacturer") }
    var product: String? { text("product") }

    /// Nil where the device sends garbage for a serial number, as some do.
    var serial: String? {
        guard let text = text("serial"), text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else { return nil }
        return text
    }

    private func text(_ attribute: String) -> String? {
        guard let bytes = readFile("\(Self.root)/\(portPath)/\(attribute)", limit: 512) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).unicodeScalars.filter { !$0.properties.isPatternControl }
        return text.isEmpty ? nil : String(String.UnicodeScalarView(text))
    }

    private static let root = "/sys/bus/usb/devices"

    /// The kernel's copy of a report descriptor, which is there while its HID driver is bound to the interface.
    func kernelReportDescriptor(configuration: UInt8, interface: UInt8) -> [UInt8]? {
        let directory = "\(Self.root)/\(portPath):\(configuration).\(interface)"
        // The HID device below is named bus:vendor:product.counter, and bus 3 is USB.
        guard let child = names(in: directory).first(where: { $0.hasPrefix("0003:") }) else { return nil }
        let bytes = readFile("\(directory)/\(child)/report_descriptor", limit: HIDInterface.longestReportDescriptor)
        return bytes?.isEmpty == false ? bytes : nil
    }

    /// The configuration that the device is in, and its HID interfaces in their first setting.
    ///
    /// - Returns: Nil where the configuration descriptor cannot be read.
    func interfaces() -> (configuration: UInt8, interfaces: [HIDInterface])? {
        var pointer: UnsafeMutablePointer<libusb_config_descriptor>?
        guard libusb_get_active_config_descriptor(self.pointer, &pointer) == 0, let configuration = pointer else {
            return nil
        }
        defer { libusb_free_config_descriptor(configuration) }
        let all = UnsafeBufferPointer(
            start: configuration.pointee.interface, count: Int(configuration.pointee.bNumInterfaces))
        let found = all.compactMap { interface -> HIDInterface? in
            guard interface.num_altsetting > 0, let setting = interface.altsetting else { return nil }
            return HIDInterface(setting.pointee)
        }
        return (configuration.pointee.bConfigurationValue, found)
    }
}

extension HIDInterface {
    /// Nil for interfaces of other classes.
    fileprivate init?(_ setting: libusb_interface_descriptor) {
        guard setting.bInterfaceClass == Self.hidClass else { return nil }
        number = setting.bInterfaceNumber
        subclass = setting.bInterfaceSubClass
        protocolCode = setting.bInterfaceProtocol
        reportDescriptorLength = Self.reportDescriptorLength(
            in: UnsafeBufferPointer(start: setting.extra, count: Int(max(setting.extra_length, 0))))
        for endpoint in UnsafeBufferPointer(start: setting.endpoint, count: Int(setting.bNumEndpoints)) {
            // Interrupt, to the host (USB 2.0, 9.6.6).
            if inputEndpoint == nil, endpoint.bmAttributes & 3 == 3, endpoint.bEndpointAddress & 0x80 != 0 {
                inputEndpoint = endpoint.bEndpointAddress
                packetSize = Self.packetSize(maxPacketSize: endpoint.wMaxPacketSize)
            }
            // HID 1.0 had the class descriptor behind the endpoints.
            if reportDescriptorLength == nil {
                reportDescriptorLength = Self.reportDescriptorLength(
                    in: UnsafeBufferPointer(start: endpoint.extra, count: Int(max(endpoint.extra_length, 0))))
            }
        }
    }
}

extension Unicode.Scalar.Properties {
    /// Control characters, among them the line feed at the end of every attribute.
    fileprivate var isPatternControl: Bool { generalCategory == .control || generalCategory == .format }
}

/// The bytes of a small file, no more than the limit. Nil where it cannot be read.
private func readFile(_ path: String, limit: Int) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: limit)
    var length = 0
    while length < limit {
        let count = bytes.withUnsafeMutableBytes {
            read(descriptor, $0.baseAddress?.advanced(by: length), limit - length)
        }
        guard count >= 0 else { return nil }
        if count == 0 { break }
        length += count
    }
    return Array(bytes.prefix(length))
}

private func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        names.append(
            withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) })
    }
    return names
}
