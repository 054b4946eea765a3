import Testing

/// The core of the list in rooms of a real livekit-server. `cargo tasks swift` starts it with a bridge and names both, this suite and the
/// bridge. The tests are those of the other suites; what they have beside these takes controls that only the embedded SFU has (rights
/// that are given and taken, sessions and answers that get lost), or every single frame.
@Suite(.timeLimit(.minutes(1)), .enabled(if: Room.bridge != nil, "DATATRACKS_BRIDGE names no bridge"))
struct RealRoomTests {
    @Test(arguments: [0, 1, 15_988, 15_989, 65_536, 1 << 20])
    func aFrameOfAnySizeArrivesWhole(size: Int) async throws {
        try await inRealRooms { try await FrameTests().aFrameOfAnySizeArrivesWhole(size: size) }
    }

    @Test(arguments: [nil, 0, .max] as [UInt64?])
    func aTimestampArrivesAsGiven(timestamp: UInt64?) async throws {
        try await inRealRooms { try await FrameTests().aTimestampArrivesAsGiven(timestamp: timestamp) }
    }

    @Test func tracksPublishedBeforeTheJoinAreThereAfterIt() async throws {
        try await inRealRooms { try await TrackTests().tracksPublishedBeforeTheJoinAreThereAfterIt() }
    }

    @Test func aNameIsFreeAgainAfterTheEndOfItsTrack() async throws {
        try await inRealRooms { try await TrackTests().aNameIsFreeAgainAfterTheEndOfItsTrack() }
    }

    @Test func eventsTellEachThingOnce() async throws {
        try await inRealRooms { try await TrackTests().eventsTellEachThingOnce() }
    }

    @Test func aParticipantThatLeavesTakesItsTracksAlongOnce() async throws {
        try await inRealRooms { try await TrackTests().aParticipantThatLeavesTakesItsTracksAlongOnce() }
    }

    @Test func schemasAreStoredAndFound() async throws {
        try await inRealRooms { try await TrackTests().schemasAreStoredAndFound() }
    }

    @Test func resubscribingAtOnceWorks() async throws {
        try await inRealRooms { try await StreamTests().resubscribingAtOnceWorks() }
    }

    @Test(arguments: [0, 20_000])
    func aKeyRingSealsAndOpens(size: Int) async throws {
        try await inRealRooms { try await EncryptionTests().aKeyRingSealsAndOpens(size: size) }
    }

    @Test func aProviderInSwiftSealsAndOpens() async throws {
        try await inRealRooms { try await EncryptionTests().aProviderInSwiftSealsAndOpens() }
    }

    @Test func withoutAProviderAnEncryptedTrackCannotBeRead() async throws {
        try await inRealRooms { try await EncryptionTests().withoutAProviderAnEncryptedTrackCannotBeRead() }
    }

    @Test func shutdownCompletesEverythingThatWaits() async throws {
        try await inRealRooms { try await WaitTests().shutdownCompletesEverythingThatWaits() }
    }

    @Test func aCancelledTaskEndsEveryCall() async throws {
        try await inRealRooms { try await WaitTests().aCancelledTaskEndsEveryCall() }
    }

    @Test func aCancelledPublishIsUndoneAtTheSfu() async throws {
        try await inRealRooms { try await WaitTests().aCancelledPublishIsUndoneAtTheSfu() }
    }

    @Test func withDataTrackUnpublishesOnEveryWayOut() async throws {
        try await inRealRooms { try await WaitTests().withDataTrackUnpublishesOnEveryWayOut() }
    }

    private func inRealRooms(_ test: () async throws -> Void) async throws {
        try await Room.$isReal.withValue(true, operation: test)
    }
}
