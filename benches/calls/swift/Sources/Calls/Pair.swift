import DataTracks
import Foundation
import Plain

/// A published track and a stream of it, on no network. The signals between the two are answered as they come.
final class Pair: Measured {
    private let local: LocalDataTrackManager
    private let remote: RemoteDataTrackManager
    private let track: LocalDataTrack
    private let stream: DataTrackStream
    private let publisher = Wire()
    private let subscriber = Wire()

    init() async throws {
        local = LocalDataTrackManager(transport: publisher, localIdentity: "publisher")
        remote = RemoteDataTrackManager(transport: subscriber, localIdentity: "subscriber")
        publisher.answer = { [local, remote] request in
            let published = published(request: request)
            _ = try local.handleSignalResponse(res: published.answer)
            _ = try remote.handleSignalResponse(res: published.update)
        }
        subscriber.answer = { [remote] _ in _ = try remote.handleSignalResponse(res: subscribed()) }
        track = try await local.publishTrack(options: DataTrackOptions(name: "measured", sendMode: .burst))
        let options = DataTrackSubscribeOptions(bufferFrames: UInt32(batch))
        stream = try await remote.waitForTrack(name: "measured").subscribe(options: options)
    }

    /// What leaves of a frame that is pushed.
    private func packets(of payload: Data) throws -> [Data] {
        local.handleBufferedAmount(bytes: 0)
        publisher.packets = []
        try track.tryPush(payload)
        return publisher.packets
    }

    // They wait until there is room.
    func pushes() throws -> (push: Double, out: Double) {
        var (pushing, leaving) = (Stopwatch(), Stopwatch())
        for _ in 0..<frames {
            publisher.packets = []
            local.handleBufferedAmount(bytes: full)
            try pushing.time { try track.tryPush(large) }
            // A channel that is silent for long gets a packet.
            check(publisher.packets.count <= 1)
            leaving.time { local.handleBufferedAmount(bytes: 0) }
            check(publisher.packets.reduce(0) { $0 + $1.count } > large.count)
        }
        return (pushing.each(of: frames), leaving.each(of: frames))
    }

    func receives() async throws -> Double {
        var receiving = Stopwatch()
        for _ in 0..<frames {
            let incoming = try packets(of: large)
            let frame = try await receiving.time {
                for packet in incoming { remote.handlePacketReceived(packet: packet) }
                return try await stream.next()
            }
            check(frame?.payload.count == large.count)
        }
        return receiving.each(of: frames)
    }

    func batches() async throws -> Double {
        var reading = Stopwatch()
        for _ in 0..<batchesOfARound {
            for _ in 0..<batch {
                for packet in try packets(of: small) { remote.handlePacketReceived(packet: packet) }
            }
            let read = try await reading.time { try await stream.nextBatch(max: batch) }
            check(read.count == batch && read.allSatisfy { $0.payload.count == small.count })
        }
        return reading.each(of: batchesOfARound * batch)
    }
}

/// A transport that leads nowhere. Only ever used by one thread.
final class Wire: DataTrackTransport, @unchecked Sendable {
    var answer: (Data) throws -> Void = { _ in }
    var packets = [Data]()

    func sendSignalRequest(_ request: Data) throws {
        try answer(request)
    }

    func sendPackets(_ packets: [Data]) {
        self.packets += packets
    }
}

/// More than any channel takes.
private let full: UInt64 = 1 << 30
