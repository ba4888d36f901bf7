import LoyaltyModel
import NIOCore

/// The lines that a connection has sent; back-pressure stops the reading from the socket.
typealias TillFrames = NIOAsyncSequenceProducer<
    TillFrame, NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark, TillReadDemand
>

/// Asks the channel for more where the conversation has caught up.
struct TillReadDemand: NIOAsyncSequenceProducerDelegate {
    /// Says so to the handler, on its event loop.
    struct Event: Sendable {}

    let channel: any Channel

    /// Is called once, however many reads it takes until a line is whole.
    func produceMore() { channel.pipeline.fireUserInboundEventTriggered(Event()) }
    func didTerminate() {}
}

/// Cuts what arrives into lines and hands them over. Confined to its event loop.
final class TillConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let source: TillFrames.Source
    private var framer: TillFramer
    /// Stays true over reads that complete no line: nobody asks again for what is still owed.
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
        if event is TillReadDemand.Event {
            wantsMore = true
            context.read()
            return
        }
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
