import DataFormats
import LoyaltyModel
import NIOCore

/// Stands before a connection's handler until the peer's first line was `token WORD`; else answers once and closes.
///
/// What comes before the token is looked at for nothing else and kept nowhere: a page in a browser can make it come.
/// Confined to its event loop.
final class TillTokenGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    static let patience = TimeAmount.seconds(5)
    private static let greeting = Array("token ".utf8)
    /// With a byte order mark in front and a carriage return and a line feed behind.
    private static let longestLine = greeting.count + TillToken.lengths.upperBound + 5

    private enum State { case waiting, open, closed }

    private let token: TillToken
    private var leave: (() -> Void)?
    private var state = State.waiting
    private var received: [UInt8] = []
    private var deadline: Scheduled<Void>?

    /// - Parameter leave: called once, when the peer is known or gone.
    init(_ token: TillToken, leave: @escaping () -> Void) {
        self.token = token
        self.leave = leave
    }

    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        deadline = context.eventLoop.scheduleTask(in: Self.patience) { channel.close(promise: nil) }
    }

    /// The handler behind learns of the connection when the peer has shown its token.
    func channelActive(context: ChannelHandlerContext) { context.read() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch state {
        case .open: context.fireChannelRead(data)
        case .closed: break
        case .waiting:
            received += unwrapInboundIn(data).readableBytesView
            guard let end = received.firstIndex(of: 0x0A) else {
                if received.count > Self.longestLine { refuse(context) }
                return
            }
            var line = received[..<end].withoutByteOrderMark()
            if line.last == 0x0D { line.removeLast() }
            guard line.starts(with: Self.greeting), token.matches(line.dropFirst(Self.greeting.count)) else {
                return refuse(context)
            }
            let rest = received[(end + 1)...]
            admit(context)
            if !rest.isEmpty { context.fireChannelRead(wrapInboundOut(ByteBuffer(bytes: rest))) }
            received = []
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        switch state {
        case .open: context.fireChannelReadComplete()
        case .waiting: context.read()
        case .closed: break
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard state == .open else {
            if case ChannelEvent.inputClosed? = event as? ChannelEvent { context.close(promise: nil) }
            return
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        settle()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { settle() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func admit(_ context: ChannelHandlerContext) {
        state = .open
        settle()
        context.fireChannelActive()
    }

    private func refuse(_ context: ChannelHandlerContext) {
        state = .closed
        received = []
        settle()
        let answer = TillAnswer(
            acknowledges: "", result: .rejected, code: LoyaltyError.Code.tillToken.name,
            message: "over TCP the first line is: token WORD")
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: AnswerLine(answer).bytes)), promise: nil)
        context.close(promise: nil)
    }

    private func settle() {
        deadline?.cancel()
        deadline = nil
        leave?()
        leave = nil
    }
}
