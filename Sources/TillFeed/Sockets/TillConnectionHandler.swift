import LoyaltyModel
import NIOCore

/// The lines that a connection has sent; back-pressure stops the reading from the socket.
typealias TillFrames = NIOAsyncSequenceProducer<
    TillFrame, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, TillReadDemand
>

/// Asks the channel for more where the conversation has caught up.
struct TillReadDemand: NIOAsyncSequenceProducerDelegate {
    let channel: any Channel

    func produceMore() { channel.read() }
    func didTerminate() {}
}

/// Cuts what arrives into lines and hands them over. Confined to its event loop.
final class TillConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let source: TillFrames.Source
    private var framer: TillFramer
    private var wantsMore = true

    private let activated: () -> Void

    /// - Parameter activated: called on the event loop once the channel can be read.
    init(_ source: TillFrames.Source, _ format: TillInputFormat, activated: @escaping () -> Void) {
        self.source = source
        framer = format.framer()
        self.activated = activated
    }

    func channelActive(context: ChannelHandlerContext) {
        activated()
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        hand(framer.append(unwrapInboundIn(data).readableBytesView))
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if wantsMore { context.read() }
        context.fireChannelReadComplete()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case ChannelEvent.inputClosed? = event as? ChannelEvent {
            // The peer has sent everything and waits for its answers.
            hand(framer.finish())
            source.finish()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        source.finish()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func hand(_ frames: [TillFrame]) {
        guard !frames.isEmpty else { return }
        switch source.yield(contentsOf: frames) {
        case .produceMore: wantsMore = true
        case .stopProducing, .dropped: wantsMore = false
        }
    }
}
