import DataTracks
import Foundation
import Testing

/// Encryption fails closed (P4): what was asked to be encrypted leaves sealed or not at all, and ciphertext reaches nobody.
@Suite(.timeLimit(.minutes(1)))
struct EncryptionTests {
    private let secret = Data("nobody else may read this")

    @Test(arguments: [0, 1, 20_000, 1 << 20])
    func aKeyRingSealsAndOpens(size: Int) async throws {
        try await inRoom { room in
            let alice = try await room.join("alice", providers: .sealing(with: ring()))
            let bob = try await room.join("bob", providers: .sealing(with: ring()))
            let (track, stream) = try await connected(alice, bob)
            let payload = Data((0..<size).map { secret[$0 % secret.count] })
            let frame = DataTrackFrame(payload: payload, userTimestamp: 5)
            #expect(try await arrival(of: frame, on: track, of: alice, at: stream) == frame)
            #expect(track.info().usesE2ee)
            #expect(!(alice.sentPackets + bob.receivedPackets).contains { $0.range(of: secret) != nil })
        }
    }

    @Test func aProviderInSwiftSealsAndOpens() async throws {
        try await inRoom { room in
            let mirror = Mirror()
            let alice = try await room.join("alice", providers: .init(encryption: Mirror()))
            let bob = try await room.join("bob", providers: .init(decryption: mirror))
            let (track, stream) = try await connected(alice, bob)
            let frame = DataTrackFrame(payload: secret)
            #expect(try await arrival(of: frame, on: track, of: alice, at: stream) == frame)
            #expect(Set(mirror.openedFor.now) == ["alice"])
            #expect(!alice.sentPackets.contains { $0.range(of: secret) != nil })
        }
    }

    @Test func eachParticipantMayHaveAKeyOfItsOwn() async throws {
        try await inRoom { room in
            let keys = try KeyRing(options: KeyRingOptions(derivation: .hkdf))
            try keys.setParticipantKey(identity: "alice", material: Data("of alice"), keyIndex: 0)
            try keys.setParticipantKey(identity: "bob", material: Data("of bob"), keyIndex: 0)
            let alice = try await room.join("alice", providers: .sealing(with: keys, as: "alice"))
            let bob = try await room.join("bob", providers: .sealing(with: keys, as: "bob"))
            let (there, fromAlice) = try await connected(alice, bob, DataTrackOptions(name: "there"))
            let (back, fromBob) = try await connected(bob, alice, DataTrackOptions(name: "back"))
            try there.tryPush(Data("to bob"))
            try back.tryPush(Data("to alice"))
            #expect(try await fromAlice.next()?.payload == Data("to bob"))
            #expect(try await fromBob.next()?.payload == Data("to alice"))
        }
    }

    @Test func anotherKeyOpensNothingAndIsCounted() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice", providers: .sealing(with: ring()))
            let bob = try await room.join("bob", providers: .sealing(with: ring("another")))
            let (track, stream) = try await connected(alice, bob)
            try track.tryPush(secret)
            let remote = try #require(bob.remote.tracks().first)
            try await until("it is counted") { remote.stats().framesDroppedUndecryptable == 1 }
            #expect(stream.stats().framesWaiting == 0)
        }
    }

    @Test func aProviderThatThrowsLetsNothingOut() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice", providers: .init(encryption: Throws()))
            let bob = try await room.join("bob", providers: .init(decryption: Mirror()))
            let (track, stream) = try await connected(alice, bob)
            let options = DataTrackOptions(name: "plain", encryption: .plain)
            let (plain, open) = try await connected(alice, bob, options)
            #expect(throws: PushFrameError.EncryptionFailed) { try track.tryPush(secret) }
            await #expect(throws: PushFrameError.EncryptionFailed) {
                try await track.send(DataTrackFrame(payload: secret))
            }
            try plain.tryPush(Data("as ever"))
            #expect(try await open.next()?.payload == Data("as ever"))
            #expect(track.stats().framesAccepted == 0)
            #expect(alice.local.stats().delegateErrors == 2)
            #expect(!alice.sentPackets.contains { $0.range(of: secret) != nil })
            #expect(stream.stats().framesWaiting == 0)
        }
    }

    @Test func aProviderThatCannotOpenCostsThatFrameOnly() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice", providers: .init(encryption: Mirror()))
            let bob = try await room.join("bob", providers: .init(decryption: Mirror(stumbles: true)))
            let (track, stream) = try await connected(alice, bob)
            try track.tryPush(Data("first"))
            try track.tryPush(Data("second"))
            #expect(try await stream.next()?.payload == Data("second"))
            #expect(bob.remote.tracks().first?.stats().framesDroppedUndecryptable == 1)
            #expect(bob.remote.stats().delegateErrors == 1)
        }
    }

    @Test func withoutAProviderAnEncryptedTrackCannotBeRead() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice", providers: .sealing(with: ring()))
            let bob = try await room.join("bob")
            _ = try await alice.local.publishDataTrack(name: "sealed")
            let track = try await bob.remote.waitForTrack(name: "sealed", timeout: 5)
            #expect(track.info().usesE2ee)
            await #expect(throws: SubscribeError.DecryptionUnavailable) { try await track.subscribe() }
        }
    }

    @Test func aPlainFrameOnAnEncryptedTrackIsRefused() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice", providers: .sealing(with: ring()))
            let bob = try await room.join("bob", providers: .sealing(with: ring()))
            let (track, stream) = try await connected(alice, bob)
            try track.tryPush(Data("sealed"))
            #expect(try await stream.next()?.payload == Data("sealed"))
            // Version 0, start and final, no extensions: plain. Then handle, sequence, frame number and timestamp.
            let last = Array(try #require(bob.receivedPackets.last))
            var forged = Data([0x18, 0, last[2], last[3]])
            forged.append(contentsOf: [last[4], last[5] &+ 1, last[6], last[7] &+ 1, 0, 0, 0, 0])
            forged.append(Data("forged"))
            bob.remote.handlePacketReceived(packet: forged)
            let remote = try #require(bob.remote.tracks().first)
            try await until { remote.stats().framesDroppedEncryptionMismatch == 1 }
            #expect(stream.stats().framesWaiting == 0)
        }
    }
}

func ring(_ passphrase: String = "passphrase") -> KeyRing {
    do {
        let ring = try KeyRing(options: KeyRingOptions(derivation: .hkdf))
        try ring.setSharedKey(material: Data(passphrase), keyIndex: 0)
        return ring
    } catch {
        fatalError("\(error)")
    }
}

extension Peer.Providers {
    static func sealing(with ring: KeyRing, as identity: String? = nil) -> Self {
        Self(encryption: ring.encryptionProvider(localIdentity: identity), decryption: ring.decryptionProvider())
    }
}

/// No cipher at all, but plain to see: the bytes are turned round, and a tag tells whose they are.
private final class Mirror: EncryptionProvider, DecryptionProvider {
    let openedFor = Locked([String]())
    private let stumbles: Locked<Bool>

    init(stumbles: Bool = false) {
        self.stumbles = Locked(stumbles)
    }

    func encrypt(payload: Payload) throws -> EncryptedPayload {
        let iv = Data((0..<12).map { _ in UInt8.random(in: 0...255) })
        return EncryptedPayload(payload: Data(payload.reversed()) + Data("tag"), iv: iv, keyIndex: 3)
    }

    func decrypt(payload: EncryptedPayload, publisherIdentity: String) throws -> Payload {
        let stumbles = self.stumbles.with { stumbles in
            defer { stumbles = false }
            return stumbles
        }
        if stumbles { throw Refused() }
        openedFor.with { $0.append(publisherIdentity) }
        guard payload.keyIndex == 3, payload.iv.count == 12, payload.payload.suffix(3) == Data("tag") else {
            throw DecryptionError.Failed
        }
        return Data(payload.payload.dropLast(3).reversed())
    }
}

private final class Throws: EncryptionProvider {
    func encrypt(payload: Payload) throws -> EncryptedPayload {
        throw Refused()
    }
}
