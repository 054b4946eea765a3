// swift-tools-version: 6.0
import PackageDescription

// The library below the Swift code. On Linux: a shared library, found with `-Xlinker -L<folder>`; `cargo tasks swift` puts the header
// and the generated code where they are looked for. Elsewhere: the framework that `cargo tasks xcframework` puts beside this manifest.
#if os(Linux)
let library = Target.systemLibrary(name: "DataTracksFFI")
// Where LiveKit's framework of that name is not to be had, something stands in for it, so that the examples on it are compiled and tried.
let standIns = [Target.target(name: "LiveKitWebRTC", path: "Tests/LiveKitWebRTC")]
#else
let library = Target.binaryTarget(name: "DataTracksFFI", path: "DataTracksFFI.xcframework")
let standIns = [Target]()
#endif
let webRTC = standIns.map { Target.Dependency(stringLiteral: $0.name) }

let package = Package(
    name: "datatracks",
    platforms: [.iOS(.v13), .macOS(.v11)],
    products: [.library(name: "DataTracks", targets: ["DataTracks"])],
    targets: standIns + [
        library,
        .target(
            name: "DataTracks", dependencies: ["DataTracksFFI"], resources: [.copy("PrivacyInfo.xcprivacy")]),
        .target(
            name: "WireIntoYourSDK", dependencies: ["DataTracks"] + webRTC, path: "Examples/WireIntoYourSDK"),
        .target(
            name: "RoomHost", dependencies: ["DataTracks", "WireIntoYourSDK"] + webRTC, path: "Examples/RoomHost"),
        .executableTarget(name: "SensorPublisher", dependencies: ["WireIntoYourSDK"], path: "Examples/SensorPublisher"),
        .executableTarget(name: "Subscriber", dependencies: ["WireIntoYourSDK"], path: "Examples/Subscriber"),
        .executableTarget(name: "Participant", dependencies: ["WireIntoYourSDK"], path: "Tests/Participant"),
        .testTarget(
            name: "DataTracksTests", dependencies: ["RoomHost", "SensorPublisher", "Subscriber", "WireIntoYourSDK"] + webRTC),
    ],
    swiftLanguageModes: [.v6]
)
