import CLibUSB
import CardReading

/// One transfer and its buffer. Belongs to the USB thread.
///
/// The owner keeps it until it is at rest: libusb holds an unretained pointer to it while it is in flight.
final class USBTransfer {
    private let pointer: UnsafeMutablePointer<libusb_transfer>
    private let buffer: UnsafeMutableBufferPointer<UInt8>
    private(set) var isInFlight = false
    private unowned let owner: InterfaceReader

    /// Nil where memory is short.
    init?(owner: InterfaceReader, capacity: Int) {
        guard let pointer = libusb_alloc_transfer(0) else { return nil }
        self.pointer = pointer
        self.owner = owner
        buffer = .allocate(capacity: capacity)
        buffer.initialize(repeating: 0)
    }

    deinit {
        // libusb would write into freed memory; what is in flight is left to the end of the process.
        guard !isInFlight else { return }
        libusb_free_transfer(pointer)
        buffer.deallocate()
    }

    /// Long enough for a slow device; the others go on reading meanwhile.
    static let timeoutMilliseconds: UInt32 = 1000

    /// Reads one packet from an interrupt or bulk endpoint, and waits for it as long as it takes.
    ///
    /// - Returns: A libusb code, 0 for success.
    func submitRead(_ handle: OpaquePointer, endpoint: UInt8, isBulk: Bool) -> Int32 {
        fill(handle, endpoint: endpoint, timeout: 0)
        if isBulk { pointer.pointee.type = UInt8(LIBUSB_TRANSFER_TYPE_BULK.rawValue) }
        return submit()
    }

    /// Writes to an interrupt or bulk endpoint. The buffer is as long as the bytes.
    func submitWrite(_ handle: OpaquePointer, endpoint: UInt8, _ bytes: [UInt8], isBulk: Bool) -> Int32 {
        for (offset, byte) in bytes.prefix(buffer.count).enumerated() { buffer[offset] = byte }
        fill(handle, endpoint: endpoint, timeout: Self.timeoutMilliseconds)
        if isBulk { pointer.pointee.type = UInt8(LIBUSB_TRANSFER_TYPE_BULK.rawValue) }
        return submit()
    }

    private func fill(_ handle: OpaquePointer, endpoint: UInt8, timeout: UInt32) {
        libusb_fill_interrupt_transfer(
            pointer, handle, endpoint, buffer.baseAddress, Int32(clamping: buffer.count), transferEnded,
            Unmanaged.passUnretained(self).toOpaque(), timeout)
    }

    /// Sends a request to the control endpoint. The buffer has room for 8 bytes of setup, and the data.
    func submitControl(_ handle: OpaquePointer, _ request: ControlMessage) -> Int32 {
        let length = UInt16(clamping: min(request.length, buffer.count - 8))
        libusb_fill_control_setup(
            buffer.baseAddress, request.type, request.request, request.value, request.index, length)
        for (offset, byte) in request.data.prefix(Int(length)).enumerated() { buffer[8 + offset] = byte }
        libusb_fill_control_transfer(
            pointer, handle, buffer.baseAddress, transferEnded, Unmanaged.passUnretained(self).toOpaque(),
            Self.timeoutMilliseconds)
        return submit()
    }

    private func submit() -> Int32 {
        let code = libusb_submit_transfer(pointer)
        isInFlight = code == 0
        return code
    }

    func cancel() { if isInFlight { libusb_cancel_transfer(pointer) } }

    var status: libusb_transfer_status { pointer.pointee.status }

    /// What has come, without the setup bytes of a control transfer.
    var received: UnsafeBufferPointer<UInt8> {
        let isControl = pointer.pointee.type == UInt8(LIBUSB_TRANSFER_TYPE_CONTROL.rawValue)
        let start = isControl ? 8 : 0
        let length = min(Int(max(pointer.pointee.actual_length, 0)), buffer.count - start)
        return UnsafeBufferPointer(rebasing: UnsafeBufferPointer(buffer)[start..<(start + length)])
    }

    /// Overwrites what has come: it may have been a bank card. Not while in flight.
    func wipe() {
        guard !isInFlight else { return }
        buffer.update(repeating: 0)
    }

    fileprivate func ended() {
        isInFlight = false
        owner.transferEnded(self)
    }
}

/// Runs inside libusb's event handling: no opening, closing or waiting here (libusb issues 299 and 408).
private func transferEnded(_ transfer: UnsafeMutablePointer<libusb_transfer>?) {
    guard let user = transfer?.pointee.user_data else { return }
    Unmanaged<USBTransfer>.fromOpaque(user).takeUnretainedValue().ended()
}

extension ReaderLife.Failure {
    /// What a libusb code other than success says about the device.
    init(code: Int32) {
        switch libusb_error(rawValue: code) {
        case LIBUSB_ERROR_ACCESS: self = .noPermission
        case LIBUSB_ERROR_BUSY: self = .busy
        case LIBUSB_ERROR_NO_DEVICE: self = .gone
        case LIBUSB_ERROR_PIPE: self = .stalled
        case LIBUSB_ERROR_OVERFLOW: self = .overflow
        case LIBUSB_ERROR_TIMEOUT: self = .timedOut
        case LIBUSB_ERROR_IO: self = .other("input/output error")
        default: self = .other(libusb_error_name(code).map { String(cString: $0) } ?? "error \(code)")
        }
    }

    /// Nil for a transfer that went well or was cancelled by us.
    init?(status: libusb_transfer_status) {
        switch status {
        case LIBUSB_TRANSFER_COMPLETED, LIBUSB_TRANSFER_CANCELLED: return nil
        case LIBUSB_TRANSFER_STALL: self = .stalled
        case LIBUSB_TRANSFER_OVERFLOW: self = .overflow
        case LIBUSB_TRANSFER_NO_DEVICE: self = .gone
        case LIBUSB_TRANSFER_TIMED_OUT: self = .timedOut
        default: self = .other("input/output error")
        }
    }
}

extension ControlMessage {
    /// The class requests of HID 1.11, 7.2, and what is a message already.
    init(_ request: SetupRequest, interface: UInt8) {
        // The id of a report goes in front of its bytes, unless there are no ids.
        switch request {
        case .setProtocol(let boot): self.init(hid: 0x0b, boot ? 0 : 1, interface)
        case .setIdle(let rate): self.init(hid: 0x0a, UInt16(rate) << 8, interface)
        case .output(let id, let bytes):
            self.init(hid: 0x09, 0x0200 | UInt16(id), interface, (id == 0 ? [] : [id]) + bytes)
        case .feature(let id, let bytes):
            self.init(hid: 0x09, 0x0300 | UInt16(id), interface, (id == 0 ? [] : [id]) + bytes)
        case .control(let message), .ask(let message, _, _): self = message
        }
    }

    private init(hid request: UInt8, _ value: UInt16, _ interface: UInt8, _ data: [UInt8] = []) {
        self.init(type: 0x21, request: request, value: value, index: UInt16(interface), data: data)
    }
}
