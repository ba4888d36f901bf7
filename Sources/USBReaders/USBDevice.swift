import CLibUSB
import CardReading
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
    private let descriptor: libusb_device_descriptor

    /// Nil for root hubs and for what libusb cannot describe.
    init?(_ pointer: OpaquePointer) {
        var descriptor = libusb_device_descriptor()
        guard libusb_get_device_descriptor(pointer, &descriptor) == 0 else { return nil }
        var ports = [UInt8](repeating: 0, count: 7)  // USB 3.0, 8.9: at most seven tiers
        let count = libusb_get_port_numbers(pointer, &ports, Int32(ports.count))
        guard count > 0, count <= ports.count else { return nil }
        self.pointer = pointer
        self.descriptor = descriptor
        vendorID = descriptor.idVendor
        productID = descriptor.idProduct
        let path = ports.prefix(Int(count)).map { String($0) }.joined(separator: ".")
        portPath = "\(libusb_get_bus_number(pointer))-\(path)"
    }

    func facts(interfaceCount: Int) -> DeviceFacts {
        DeviceFacts(
            deviceClass: descriptor.bDeviceClass, usbVersion: descriptor.bcdUSB, release: descriptor.bcdDevice,
            controlPacketSize: descriptor.bMaxPacketSize0, interfaceCount: interfaceCount)
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
        let bytes = readFile("\(directory)/\(child)/report_descriptor", limit: ReaderInterface.longestReportDescriptor)
        return bytes?.isEmpty == false ? bytes : nil
    }

    /// The configuration that the device is in, and its HID interfaces and serial ports in their first setting.
    ///
    /// - Returns: Nil where the configuration descriptor cannot be read.
    func interfaces() -> (configuration: UInt8, interfaces: [ReaderInterface])? {
        var pointer: UnsafeMutablePointer<libusb_config_descriptor>?
        guard libusb_get_active_config_descriptor(self.pointer, &pointer) == 0, let configuration = pointer else {
            return nil
        }
        defer { libusb_free_config_descriptor(configuration) }
        let all = UnsafeBufferPointer(
            start: configuration.pointee.interface, count: Int(configuration.pointee.bNumInterfaces))
        let settings = all.compactMap { interface -> libusb_interface_descriptor? in
            guard interface.num_altsetting > 0, let setting = interface.altsetting else { return nil }
            return setting.pointee
        }
        let isSerialChip = SerialChip.find(vendorID: vendorID, productID: productID) != nil
        let found = settings.compactMap { setting -> ReaderInterface? in
            switch setting.bInterfaceClass {
            case ReaderInterface.hidClass: ReaderInterface(hid: setting)
            case ReaderInterface.communicationsClass: ReaderInterface(port: setting, among: settings)
            case ReaderInterface.vendorClass: isSerialChip ? ReaderInterface(chip: setting) : nil
            default: nil
            }
        }
        return (configuration.pointee.bConfigurationValue, found)
    }
}

extension ReaderInterface {
    fileprivate init(hid setting: libusb_interface_descriptor) {
        self.init(setting)
        reportDescriptorLength = Self.reportDescriptorLength(in: Self.extra(setting))
        for endpoint in Self.endpoints(setting) {
            // Interrupt (USB 2.0, 9.6.6).
            if endpoint.bmAttributes & 3 == 3 { take(endpoint) }
            // HID 1.0 had the class descriptor behind the endpoints.
            if reportDescriptorLength == nil {
                reportDescriptorLength = Self.reportDescriptorLength(
                    in: UnsafeBufferPointer(start: endpoint.extra, count: Int(max(endpoint.extra_length, 0))))
            }
        }
    }

    /// A CDC-ACM port: requests go to the control interface, bytes come from the data interface. Nil for other models.
    fileprivate init?(port setting: libusb_interface_descriptor, among settings: [libusb_interface_descriptor]) {
        guard setting.bInterfaceSubClass == Self.abstractControlModel else { return nil }
        self.init(setting)
        let named = Self.dataInterface(in: Self.extra(setting))
        // Firmware with false class descriptors has its data interface right behind.
        let candidates = settings.filter { $0.bInterfaceClass == Self.communicationsDataClass }
        let data =
            candidates.first { $0.bInterfaceNumber == named }
            ?? candidates.first { $0.bInterfaceNumber > setting.bInterfaceNumber }
        guard let data else { return nil }
        dataInterface = data.bInterfaceNumber
        takeBulk(data)
    }

    /// The port of an adapter chip.
    fileprivate init?(chip setting: libusb_interface_descriptor) {
        self.init(setting)
        takeBulk(setting)
        if inputEndpoint == nil { return nil }
    }

    private init(_ setting: libusb_interface_descriptor) {
        self.init(
            number: setting.bInterfaceNumber, subclass: setting.bInterfaceSubClass,
            protocolCode: setting.bInterfaceProtocol, interfaceClass: setting.bInterfaceClass)
    }

    private mutating func takeBulk(_ setting: libusb_interface_descriptor) {
        isBulk = true
        for endpoint in Self.endpoints(setting) where endpoint.bmAttributes & 3 == 2 { take(endpoint) }
    }

    private mutating func take(_ endpoint: libusb_endpoint_descriptor) {
        if endpoint.bEndpointAddress & 0x80 == 0 {
            if outputEndpoint == nil { outputEndpoint = endpoint.bEndpointAddress }
        } else if inputEndpoint == nil {
            inputEndpoint = endpoint.bEndpointAddress
            packetSize = Self.packetSize(maxPacketSize: endpoint.wMaxPacketSize)
        }
    }

    private static func endpoints(
        _ setting: libusb_interface_descriptor
    ) -> UnsafeBufferPointer<libusb_endpoint_descriptor> {
        UnsafeBufferPointer(start: setting.endpoint, count: Int(setting.bNumEndpoints))
    }

    private static func extra(_ setting: libusb_interface_descriptor) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: setting.extra, count: Int(max(setting.extra_length, 0)))
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
