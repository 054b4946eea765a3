import Foundation
import Plain

/// The same calls on UniFFI's own `bytes`, with nothing behind them.
final class PlainPair: Measured {
    private let wire = PlainWire()
    private let packets = stride(from: 0, to: large.count, by: mtu).map { large[$0..<min($0 + mtu, large.count)] }
    private let track: PlainTrack
    private let reader: PlainTrack

    init() {
        track = PlainTrack(delegate: wire, packets: packets, frame: PlainFrame(payload: large, userTimestamp: nil))
        reader = PlainTrack(delegate: wire, packets: [], frame: PlainFrame(payload: small, userTimestamp: nil))
    }

    func pushes() -> (push: Double, out: Double) {
        (push(), out())
    }

    private func push() -> Double {
        var pushing = Stopwatch()
        for _ in 0..<frames {
            let taken = pushing.time { track.tryPush(frame: PlainFrame(payload: large, userTimestamp: nil)) }
            check(taken == large.count)
        }
        return pushing.each(of: frames)
    }

    private func out() -> Double {
        var leaving = Stopwatch()
        for _ in 0..<frames {
            wire.packets = []
            leaving.time { track.handOut() }
            check(wire.packets.count == packets.count)
        }
        return leaving.each(of: frames)
    }

    func receives() async -> Double {
        var receiving = Stopwatch()
        for _ in 0..<frames {
            let frame = await receiving.time {
                for packet in packets { _ = track.handlePacketReceived(packet: packet) }
                return await track.next()
            }
            check(frame?.payload.count == large.count)
        }
        return receiving.each(of: frames)
    }

    func batches() async -> Double {
        var reading = Stopwatch()
        for _ in 0..<batchesOfARound {
            let read = await reading.time { await reader.nextBatch(max: UInt32(batch)) }
            check(read.count == batch)
        }
        return reading.each(of: batchesOfARound * batch)
    }
}

private final class PlainWire: PlainDelegate, @unchecked Sendable {
    var packets = [Data]()

    func onPacketsAvailable(packets: [Data]) {
        self.packets += packets
    }
}

/// As many bytes as a packet has.
private let mtu = 16_000
