import DataTracks
import Foundation
import Testing

/// Every error of the surface: raised once for real, and caught by its case, without reading text (P2, P6).
///
/// Not here: `DelegateError.Failed` and `EncryptionError.Failed`, which only hosts throw.
@Suite(.timeLimit(.minutes(1)))
struct ErrorTests {
    private let schema = DataTrackSchemaId(name: "Pose", encoding: .protobuf)

    @Test func optionsThatMakeNoSense() async throws {
        try await withAliceAndBob { alice, _ in
            func publish(_ options: DataTrackOptions) async throws(PublishError) {
                _ = try await alice.local.publishTrack(options: options)
            }
            await #expect(throws: PublishError.InvalidName(length: 0)) { try await publish(.init(name: "")) }
            await #expect(throws: PublishError.InvalidName(length: 257)) {
                try await publish(.init(name: String(repeating: "n", count: 257)))
            }
            await #expect(throws: PublishError.FrameEncodingMissing) { try await publish(.init(name: "t", schema: schema)) }
            await #expect(throws: PublishError.SchemaMissing) { try await publish(.init(name: "t", frameEncoding: .ros1)) }
            await #expect(throws: PublishError.SchemaMismatch) {
                try await publish(.init(name: "t", schema: schema, frameEncoding: .json))
            }
            let custom = DataTrackFrameEncoding.custom(identifier: String(repeating: "e", count: 33))
            await #expect(throws: PublishError.InvalidEncoding(length: 33)) {
                try await publish(.init(name: "t", frameEncoding: custom))
            }
            await #expect(throws: PublishError.EncryptionUnavailable) {
                try await publish(.init(name: "t", encryption: .required))
            }
        }
    }

    @Test func whatTheSfuRefuses() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice")
            _ = try await alice.local.publishDataTrack(name: "taken")
            await #expect(throws: PublishError.DuplicateName) { try await alice.local.publishDataTrack(name: "taken") }
            try await alice.control("refuse_next", ["reason": 3])
            await #expect(throws: PublishError.LimitReached) { try await alice.local.publishDataTrack(name: "too many") }
            try await alice.control("refuse_next", ["reason": 6])
            do {
                _ = try await alice.local.publishDataTrack(name: "unlucky")
                Issue.record("it was refused")
            } catch PublishError.Rejected(let code, _) {
                #expect(code == 6)
            }
            let mute = try await room.join("mute", permissions: ["can_publish_data": false])
            await #expect(throws: PublishError.NotAllowed) { try await mute.local.publishDataTrack(name: "track") }
        }
    }

    @Test func anAnswerThatContradictsTheRequest() async throws {
        try await withAliceAndBob { alice, _ in
            alice.holdBack()
            let publishing = Task { try await alice.local.publishDataTrack(name: "plain") }
            try await until { alice.heldBack > 0 }
            let forged = publishResponse(handle: 1, sid: "DTR_forged", name: "plain", encrypted: true)
            #expect(try alice.local.handleSignalResponse(res: forged) == .handled)
            await #expect(throws: PublishError.UnexpectedAnswer) { try await publishing.value }
        }
    }

    @Test func whatIsNeverAnswered() async throws {
        try await inRoom { room in
            let alice = try await room.join("alice")
            let bob = try await room.join("bob")
            let deaf = try await room.join("deaf", permissions: ["can_subscribe": false])
            _ = try await alice.local.publishDataTrack(name: "there")
            let unheard = try await deaf.remote.waitForTrack(name: "there", timeout: 5)
            try await alice.control("lose_next")
            bob.holdBack()
            let publishing = Task { try await alice.local.publishDataTrack(name: "lost") }
            let subscribing = Task { try await unheard.subscribe() }
            let defining = Task { try await bob.local.defineSchema(schema, contents: Data("syntax")) }
            await #expect(throws: SchemaError.TimedOut) { try await defining.value }
            await #expect(throws: SubscribeError.TimedOut) { try await subscribing.value }
            await #expect(throws: PublishError.TimedOut) { try await publishing.value }
        }
    }

    @Test func pushesThatAreNotAccepted() async throws {
        try await withAliceAndBob { alice, _ in
            let options = DataTrackOptions(name: "refusing", dropPolicy: .refuse, maxWaitingBytes: 1)
            let track = try await alice.local.publishTrack(options: options)
            alice.local.handleBufferedAmount(bytes: full)
            // The second time at the latest, the first one waits.
            #expect(throws: PushFrameError.QueueFull) { for _ in 0..<3 { try track.tryPush(large) } }
            #expect(track.stats().framesRefused == 1)
            let largest = 128 * (16_000 - 12)
            #expect(throws: PushFrameError.FrameTooLarge(max: UInt64(largest))) {
                try track.tryPush(Data(count: largest + 1))
            }
            track.unpublish()
            // Typed: nothing but these cases can come, and the compiler knows.
            do throws(PushFrameError) {
                try track.tryPush(Data("too late"))
                Issue.record("it was accepted")
            } catch {
                switch error {
                case .TrackUnpublished: break
                case .QueueFull, .FrameTooLarge, .EncryptionFailed, .Cancelled: Issue.record("\(error)")
                }
            }
            await #expect(throws: PushFrameError.TrackUnpublished) {
                try await track.send(DataTrackFrame(payload: Data("too late")))
            }
        }
    }

    @Test func aPayloadOfAnySizeIsAnswered() async throws {
        try await withAliceAndBob { alice, bob in
            let track = try await alice.local.publishDataTrack(name: "small")
            // Memory that is only promised.
            let endless = Data(count: 1 << 31)
            let tooLarge = PushFrameError.FrameTooLarge(max: 128 * (16_000 - 12))
            #expect(throws: tooLarge) { try track.tryPush(endless) }
            await #expect(throws: tooLarge) { try await track.send(DataTrackFrame(payload: endless)) }
            bob.remote.handlePacketReceived(packet: endless)
            #expect(bob.remote.stats().bytesStashed == 0)
        }
    }

    @Test func subscriptionsThatCannotBe() async throws {
        try await withAliceAndBob { alice, bob in
            let ours = try await alice.local.publishDataTrack(name: "plain")
            let plain = try await bob.remote.waitForTrack(name: "plain", timeout: 5)
            await #expect(throws: SubscribeError.InvalidOptions) {
                try await plain.subscribe(options: .init(bufferFrames: 0))
            }
            await #expect(throws: SubscribeError.InvalidOptions) {
                try await plain.subscribe(options: .init(reorderWindowMs: 10_001))
            }
            bob.holdBack()
            let subscribing = Task { try await plain.subscribe() }
            try await until { plain.subscriptionState() == .pending }
            _ = try bob.remote.handleSignalResponse(res: subscriptionPermission(plain.info().sid, allowed: false))
            await #expect(throws: SubscribeError.NotPermitted) { try await subscribing.value }
            bob.release()
            ours.unpublish()
            _ = try await plain.waitForUnpublish()
            await #expect(throws: SubscribeError.Unpublished) { try await plain.subscribe() }
        }
    }

    @Test func afterAShutdown() async throws {
        try await withAliceAndBob { alice, bob in
            let (_, stream) = try await connected(alice, bob)
            let remote = try #require(bob.remote.tracks().first)
            alice.local.shutdown()
            bob.remote.shutdown()
            await #expect(throws: PublishError.Closed) { try await alice.local.publishDataTrack(name: "track") }
            await #expect(throws: SchemaError.Closed) {
                try await alice.local.defineSchema(schema, contents: Data("syntax"))
            }
            await #expect(throws: SubscribeError.Closed) { try await remote.subscribe() }
            await #expect(throws: WaitError.Closed) { try await bob.remote.waitForTrack(name: "never") }
            let answer = publishResponse(handle: 1, sid: "DTR_1", name: "x", encrypted: false)
            #expect(throws: SignalError.Closed) { try alice.local.handleSignalResponse(res: answer) }
            #expect(try await stream.next() == nil)
        }
    }

    @Test func signalsThatAreNone() async throws {
        try await withAliceAndBob { alice, _ in
            let answer = publishResponse(handle: 9, sid: "DTR_9", name: "nine", encrypted: false)
            let garbage = Data([255, 255, 255])
            #expect(throws: SignalError.Malformed) { try alice.local.handleSignalResponse(res: garbage) }
            #expect(throws: SignalError.Malformed) { try alice.remote.handleSfuJoinResponse(res: garbage) }
            #expect(throws: SignalError.UnexpectedMessage(tag: 27)) {
                try alice.remote.handleSfuSubscriberHandles(res: answer)
            }
            #expect(throws: SignalError.UnexpectedMessage(tag: 0)) { try alice.local.handleSfuPublishResponse(res: Data()) }
            let outcome = try alice.remote.handleSignalResponse(res: answer)
            #expect(outcome == .ignored)
        }
    }

    @Test func keysThatAreNone() throws {
        let keys = try KeyRing(options: KeyRingOptions(derivation: .hkdf))
        #expect(throws: KeyRingError.InvalidOptions) { try KeyRing(options: KeyRingOptions(ringSize: 0)) }
        #expect(throws: KeyRingError.InvalidKeyIndex(keyIndex: 16, ringSize: 16)) {
            try keys.setSharedKey(material: Data("key"), keyIndex: 16)
        }
        #expect(throws: KeyRingError.EmptyKey) { try keys.setSharedKey(material: Data(), keyIndex: 0) }
        #expect(throws: KeyRingError.KeyMissing(keyIndex: 3)) { try keys.ratchetSharedKey(keyIndex: 3) }
        #expect(throws: EncryptionError.KeyMissing(keyIndex: 0)) {
            try keys.encryptionProvider().encrypt(payload: Data("payload"))
        }
        let sealed = EncryptedPayload(payload: Data(count: 32), iv: Data(count: 12), keyIndex: 5)
        #expect(throws: DecryptionError.KeyMissing(keyIndex: 5)) {
            try keys.decryptionProvider().decrypt(payload: sealed, publisherIdentity: "alice")
        }
        try keys.setSharedKey(material: Data("key"), keyIndex: 5)
        #expect(throws: DecryptionError.Failed) {
            try keys.decryptionProvider().decrypt(payload: sealed, publisherIdentity: "alice")
        }
    }

    @Test func schemasThatCannotBeStoredOrFound() async throws {
        try await withAliceAndBob { alice, _ in
            await #expect(throws: SchemaError.InvalidSchema) { try await alice.local.defineSchema(schema, contents: Data()) }
            await #expect(throws: SchemaError.NotFound) { try await alice.local.getSchema(schema, of: "nobody") }
            let other = DataTrackSchemaId(name: "Other", encoding: .protobuf)
            try await alice.local.defineSchema(other, contents: Data(count: 40_000))
            await #expect(throws: SchemaError.LimitReached) {
                try await alice.local.defineSchema(schema, contents: Data(count: 40_000))
            }
            alice.outlet.breaks(.signal)
            await #expect(throws: SchemaError.SignalNotSent) {
                try await alice.local.defineSchema(schema, contents: Data("syntax"))
            }
        }
    }

    @Test(
        arguments: [
            (2, .NotAllowed),
            (6, .Rejected(code: 6, detail: "in words")),
        ] as [(UInt64, SchemaError)])
    func schemasThatTheSfuRefuses(reason: UInt64, error: SchemaError) async throws {
        try await withAliceAndBob { alice, _ in
            alice.holdBack()
            let defining = Task { try await alice.local.defineSchema(schema, contents: Data("syntax")) }
            try await until { alice.heldBack > 0 }
            let request = try #require(alice.outlet.state.now.signals.last)
            let answer = requestResponse(requestId(request), reason: reason, words: "in words")
            #expect(try alice.local.handleSignalResponse(res: answer) == .handled)
            await #expect(throws: error) { try await defining.value }
        }
    }

    @Test(
        arguments: [
            (PublishError.DuplicateName, "this participant already publishes a track of that name"),
            (PublishError.Rejected(code: 6, detail: "no room"), "the SFU refused: no room (code: 6)"),
            (PushFrameError.FrameTooLarge(max: 9), "the payload has more bytes than a frame of this track can carry (max: 9)"),
            (EncryptionError.KeyMissing(keyIndex: 1), "there is no key for this index (key index: 1)"),
        ] as [(any Error, String)])
    func whatPeopleRead(error: any Error, text: String) {
        #expect(error.localizedDescription == text)
    }
}
