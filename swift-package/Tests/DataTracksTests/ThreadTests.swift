import DataTracks
import Foundation
import Testing

/// Which callback runs where (P11): the table of the package's README, row by row.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct ThreadTests {
    @Test func packetsAndSignalsLeaveOnTheCallersThread() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, _) = try await connected(alice, bob)
            let threads = Locked([ObjectIdentifier]())
            alice.outlet.state.with { $0.watch = { _, _ in threads.with { $0.append(currentThread()) } } }
            let pusher = try await onThreadOfItsOwn {
                try track.tryPush(Data(count: 40_000))
                track.unpublish()
            }
            #expect(threads.now.count == 4, "three packets and a signal")
            #expect(threads.now.allSatisfy { $0 == pusher })
        }
    }

    @Test func nothingButEventsTouchesTheMainActor() async throws {
        try await withAliceAndBob { alice, bob in
            let onMain = Locked([String]())
            for peer in [alice, bob] {
                peer.outlet.state.with {
                    $0.watch = { kind, _ in
                        if isOnMainActor() { onMain.with { $0.append("\(kind)") } }
                    }
                }
            }
            let (track, stream) = try await connected(alice, bob)
            // From the main actor too, an `async` call does its work elsewhere.
            try await Task { @MainActor in
                let another = try await alice.local.publishDataTrack(name: "another")
                try await another.send(.now(Data("from the main actor")))
            }.value
            for _ in 0..<20 { try await offMain { try track.tryPush(Data(count: 40_000)) } }
            for _ in 0..<16 { _ = try await stream.next() }
            #expect(onMain.now == [])
            // What the application itself pushes from there does leave there.
            try await MainActor.run { try track.tryPush(Data("on purpose")) }
            #expect(onMain.now == ["packet"])
        }
    }

    @Test(arguments: [false, true])
    func aLoopCancelledOnTheMainActorGivesItsSubscriptionBackElsewhere(readsThere: Bool) async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let (isRead, sentOnMain) = (Locked(false), Locked([Bool]()))
            let reading =
                readsThere
                ? Task { @MainActor in for try await _ in stream { isRead.with { $0 = true } } }
                : Task { for try await _ in stream { isRead.with { $0 = true } } }
            try track.tryPush(Data("read"))
            try await until { isRead.now }
            bob.outlet.state.with { $0.watch = { _, _ in sentOnMain.with { $0.append(isOnMainActor()) } } }
            await MainActor.run { reading.cancel() }
            await #expect(throws: WaitError.Cancelled) { try await reading.value }
            #expect(sentOnMain.now == [false])
        }
    }

    @Test func aBlockedMainThreadDelaysNoFrame() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            let (entered, released) = (Locked(false), DispatchSemaphore(value: 0))
            DispatchQueue.main.async {
                entered.with { $0 = true }
                released.wait()
            }
            defer { released.signal() }
            try await until("the main thread is blocked") { entered.now }
            for number in 0..<50 {
                try track.tryPush(Data("\(number)"))
                #expect(try await stream.next()?.payload == Data("\(number)"))
            }
            let another = try await alice.local.publishDataTrack(name: "another")
            #expect(another.isPublished())
        }
    }

    @Test func anObserverHearsOnTheMainActorInOrder() async throws {
        try await inRoom { room in
            let observer = Observer()
            let outlet = Outlet()
            let manager = RemoteDataTrackManager(
                transport: outlet, events: .observer(observer), localIdentity: "bob")
            let alice = try await room.join("alice")
            let spy = try await room.join("spy", delegate: nil)
            spy.alsoHands(signalsTo: { _ = try? manager.handleSignalResponse(res: $0) })
            let track = try await alice.local.publishDataTrack(name: "one")
            _ = try await alice.local.publishDataTrack(name: "two")
            track.unpublish()
            try await until { await observer.told.count == 3 }
            #expect(await observer.told == ["published one", "published two", "unpublished one"])
            manager.shutdown()
        }
    }

    @Test func anObserverIsHeldWeakly() async throws {
        weak var held: Observer?
        let manager: RemoteDataTrackManager
        do {
            let observer = Observer()
            held = observer
            manager = RemoteDataTrackManager(transport: Outlet(), events: .observer(observer), localIdentity: "bob")
        }
        #expect(held == nil)
        manager.shutdown()
    }

    @Test func aStreamOfEventsHasThemAllAndEndsWithTheManager() async throws {
        try await inRoom { room in
            let (events, sink) = DataTrackEvents<RemoteDataTrackEvent>.stream()
            let manager = RemoteDataTrackManager(transport: Outlet(), events: sink, localIdentity: "bob")
            let alice = try await room.join("alice")
            let spy = try await room.join("spy")
            spy.alsoHands(signalsTo: { _ = try? manager.handleSignalResponse(res: $0) })
            let track = try await alice.local.publishDataTrack(name: "one")
            track.unpublish()
            try await until { manager.tracks().isEmpty && manager.stats().tracksPublished == 0 }
            let reading = Task { await events.reduce(into: 0) { count, _ in count += 1 } }
            try await until { spy.seen.now.count == 2 }
            manager.shutdown()
            #expect(await reading.value == 2)
        }
    }

    @Test func withTheRawChoiceEventsArriveOnTheCallersThread() async throws {
        try await inRoom { room in
            let threads = Locked([ObjectIdentifier]())
            let alice = try await room.join(
                "alice",
                delegate: RawDelegate { callback in
                    if callback == .trackUnpublished { threads.with { $0.append(currentThread()) } }
                })
            let track = try await alice.local.publishDataTrack(name: "track")
            let caller = try await onThreadOfItsOwn { track.unpublish() }
            #expect(threads.now == [caller])
        }
    }

    @Test func aThousandTracksNeedNoThreadOfTheirOwn() async throws {
        try await withAliceAndBob { alice, bob in
            let (track, stream) = try await connected(alice, bob)
            try await pushedUntilRead(track, stream)
            let before = try #require(threadCount())
            for wave in 0..<5 {
                _ = try await inParallel(100) { try await alice.local.publishDataTrack(name: "\(wave) \($0)") }
            }
            try await until { bob.remote.tracks().count == 501 }
            // Swift's own pool may grow to one a core.
            let pool = ProcessInfo.processInfo.activeProcessorCount
            #expect(try #require(threadCount()) <= before + pool)
        }
    }
}

@MainActor
private final class Observer: RemoteDataTrackObserver {
    var told = [String]()

    func remoteDataTrackPublished(_ track: RemoteDataTrack) {
        #expect(isOnMainActor())
        told.append("published \(track.info().name)")
    }

    func remoteDataTrackUnpublished(_ track: RemoteDataTrack, reason: UnpublishReason) {
        told.append("unpublished \(track.info().name)")
    }
}

/// Does something on a new thread, and answers which one it was.
private func onThreadOfItsOwn(_ work: @escaping @Sendable () throws -> Void) async throws -> ObjectIdentifier {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread {
            continuation.resume(
                with: Result {
                    try work()
                    return currentThread()
                })
        }
    }
}

private func offMain(_ work: @escaping @Sendable () throws -> Void) async throws {
    _ = try await onThreadOfItsOwn(work)
}

private func currentThread() -> ObjectIdentifier {
    ObjectIdentifier(Thread.current)
}

/// The main actor runs on the main queue; on Linux that queue is not bound to the main thread.
private func isOnMainActor() -> Bool {
    DispatchQueue.main.setSpecific(key: mainQueue, value: true)
    return DispatchQueue.getSpecific(key: mainQueue) ?? false
}

private nonisolated(unsafe) let mainQueue = DispatchSpecificKey<Bool>()
